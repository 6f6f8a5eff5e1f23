"""The American weather service: gridded forecasts and observations of its own country."""
