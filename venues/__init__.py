"""One line per outside service, as text: an optional library is imported only where its line is used."""

SOURCES = {
    "polymarket": "venues.polymarket.client:Polymarket",
    "kalshi": "venues.kalshi.client:Kalshi",
    "metar": "venues.metar.client:Metar",
    "open_meteo": "venues.open_meteo.client:OpenMeteo",
    "open_meteo_ensemble": "venues.open_meteo.ensemble:OpenMeteoEnsemble",
    "nws": "venues.nws.client:Nws",
    "zeus": "venues.zeus.client:Zeus",
    "iem": "venues.iem.client:Iem",
}
BROKERS: dict[str, str] = {}
