"""Which world `auto` means: live if the public services answer, else demo."""

from __future__ import annotations

from threading import Thread

from core.clock import monotonic_seconds
from core.settings import Settings
from core.supervisor.processes import answers

PATIENCE_SECONDS = 2.5  # for all of them: a name that is looked up in vain can take longer than any answer
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
    """Return which public services answer within a second, asked all at once; one that keeps us waiting does not."""
    addresses = {name: (settings.source(source).base_url or default) + path for name, (source, default, path) in PUBLIC.items()}
    found = dict.fromkeys(addresses, False)

    def ask(name: str) -> None:
        found[name] = answers(addresses[name])

    threads = [Thread(target=ask, args=(name,), daemon=True) for name in addresses]
    for thread in threads:
        thread.start()
    deadline = monotonic_seconds() + PATIENCE_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic_seconds()))
    return dict(found)
