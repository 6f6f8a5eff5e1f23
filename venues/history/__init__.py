"""Real history of markets, forecasts and observations as archive records with honest times."""

from venues.history.importer import ImportReport, import_history

__all__ = ["ImportReport", "import_history"]
