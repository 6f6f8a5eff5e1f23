"""The one typed schema of settings: it drives `.env`, environment, validation, pages and docs."""

from core.settings.load import load_settings
from core.settings.schema import (
    MODES,
    RiskSettings,
    Settings,
    SourceSettings,
    WeatherSettings,
)

__all__ = ["MODES", "RiskSettings", "Settings", "SourceSettings", "WeatherSettings", "load_settings"]
