"""One line per outside service, as text: an optional library is imported only where its line is used."""

SOURCES = {
    "polymarket": "venues.polymarket.client:Polymarket",
    "metar": "venues.metar.client:Metar",
    "open_meteo": "venues.open_meteo.client:OpenMeteo",
}
BROKERS: dict[str, str] = {}
