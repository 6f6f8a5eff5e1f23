"""Which world `auto` means: live if the public services answer, else demo."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from core.settings import Settings
from core.supervisor.processes import answers

PUBLIC = {
    "Polymarket": ("polymarket_gamma", "https://gamma-api.polymarket.com", "/events?limit=1"),
    "AviationWeather": ("metar", "https://aviationweather.gov/api/data", "/metar?ids=KLGA&format=json"),
    "Open-Meteo": (
        "open_meteo",
        "https://api.open-meteo.com",
        "/v1/forecast?latitude=40.8&longitude=-73.9&hourly=temperature_2m",
    ),
}


def choose_world(settings: Settings) -> tuple[str, str]:
    """Return the mode to run and the sentence that says why."""
    if settings.mode != "auto":
        return settings.mode, f"Starting Hermes, mode {settings.mode}."
    silent = [name for name, up in service_state(settings).items() if not up]
    if silent:
        return "demo", f"{', '.join(silent)} cannot be reached: starting the demo world, a simulated market."
    return "live", "Public services answer: starting on the live world with a paper account."


def service_state(settings: Settings) -> dict[str, bool]:
    """Return which public services answer within a second, asked all at once."""
    addresses = {name: (settings.source(source).base_url or default) + path for name, (source, default, path) in PUBLIC.items()}
    with ThreadPoolExecutor(len(addresses)) as pool:
        return dict(zip(addresses, pool.map(answers, addresses.values()), strict=True))
