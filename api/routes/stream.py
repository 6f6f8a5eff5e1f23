"""The live stream under its two documented names: `/ws/trading` and `/ws`."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, WebSocket

from api.stream import CHANNELS, HERMES, TRANSMISSION, Family, Wish

router = APIRouter()
POLICY_VIOLATION = 1008
PARAMETERS = ("after", "channels", "stations")


@router.websocket("/ws/trading")
async def trading(socket: WebSocket) -> None:
    """Stream activity under the names of Hermes; `?after=SEQ` resumes after the row with that number."""
    await _serve(socket, HERMES)


@router.websocket("/ws")
async def system(socket: WebSocket) -> None:
    """Stream the same under the names of Transmission, by default regime, signals, risk and trades."""
    await _serve(socket, TRANSMISSION)


async def _serve(socket: WebSocket, family: Family) -> None:
    try:
        wish = wish_of(socket.query_params.multi_items(), family)
    except ValueError as error:
        await socket.accept()
        await socket.close(POLICY_VIOLATION, str(error))
        return
    await socket.app.state.hub.serve(socket, wish)


def wish_of(parameters: Iterable[tuple[str, str]], family: Family = HERMES) -> Wish:
    """Return what a client asks for; ValueError for a parameter that is unknown, given twice or malformed."""
    given: dict[str, str] = {}
    for name, value in parameters:
        if name not in PARAMETERS or name in given:
            raise ValueError(f"parameters are {', '.join(PARAMETERS)}, each once; got {name[:20]!r}")
        given[name] = value
    after = given.get("after", "")
    if after and not (after.isascii() and after.isdigit() and len(after) < 18):
        raise ValueError("after is the seq of a row, a whole number")
    channels = frozenset(given["channels"].split(",")) if given.get("channels") else family.channels
    if channels - set(CHANNELS):
        raise ValueError(f"channels are {', '.join(CHANNELS)}")
    stations = frozenset(code.upper() for code in given["stations"].split(",")) if given.get("stations") else frozenset()
    return Wish(int(after) if after else None, channels, stations, family)
