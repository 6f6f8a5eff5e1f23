"""Where each service of a demo world answers."""

from __future__ import annotations

from collections.abc import Mapping

DEMO_PREFIXES: Mapping[str, str] = {
    "polymarket_gamma": "/gamma",
    "polymarket_clob": "/clob",
    "polymarket_data": "/data",
    "kalshi": "/kalshi/trade-api/v2",
    "metar": "/awc",
    "nws": "/nws",
    "iem": "/iem",
    "zeus": "/zeus",
    "open_meteo": "/open-meteo",
    "open_meteo_ensemble": "/open-meteo-ensemble",
    "open_meteo_previous_runs": "/open-meteo-previous-runs",
}
DEMO_KEYS: Mapping[str, str] = {"zeus": "demo"}


def demo_addresses(base_url: str) -> dict[str, dict[str, str]]:
    """Return the `sources` settings that point every service at a demo world."""
    return {
        source: {"base_url": base_url + prefix, **({"key": DEMO_KEYS[source]} if source in DEMO_KEYS else {})}
        for source, prefix in DEMO_PREFIXES.items()
    }
