"""The live stream: one task tails the journal's activity, every row is encoded once, every client has its own bounded queue.

Two documented families name the same rows. A row is told once to each client, under the first of its names whose channel the
client wants: `/ws/trading` asks the names of Hermes first, `/ws` those of Transmission.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import anyio
import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from api.replies import encode
from core.clock import wall_now
from core.model.activity import Activity
from core.services.activity import ActivityService

log = logging.getLogger("hermes.api")

TICK_SECONDS = 0.25
PING_SECONDS = 15.0
STUCK_SECONDS = 30.0  # longest time that a page of the past may take
QUEUE_LENGTH = 512  # messages that a client may be behind
PAGE = 500
MAX_CLIENTS = 1000
TRY_AGAIN_LATER, GOING_AWAY = 1013, 1001

# Channel of each message type; a row without a type goes to "activity". A type that is not listed is in "other".
CHANNELS: Mapping[str, frozenset[str]] = {
    "cycles": frozenset({"cycle_start", "cycle_complete"}),
    "trades": frozenset({"trade_placed", "trade_execution"}),
    "edges": frozenset({"edges_updated"}),
    "signal": frozenset({"signal"}),
    "risk": frozenset({"risk_update"}),
    "regime": frozenset({"regime_change"}),
    "settlements": frozenset({"settlement"}),
    "activity": frozenset({"activity"}),
    "other": frozenset(),
}
_CHANNEL_OF = {kind: channel for channel, kinds in CHANNELS.items() for kind in kinds}


@dataclass(frozen=True, slots=True)
class Family:
    """How one of the documented sockets names rows: its own names first, and at the top of a message under which key."""

    path: str
    channels: frozenset[str]  # unless a client chooses
    names: Mapping[str, str] = field(default_factory=dict)  # stored type -> its name here
    keys: Mapping[str, str] = field(default_factory=dict)  # name -> key that repeats `data`


HERMES = Family("/ws/trading", frozenset(CHANNELS) - {"activity"})
TRANSMISSION = Family(
    "/ws", frozenset({"risk", "trades", "signal", "regime"}), {"trade_placed": "trade_execution", "edges_updated": "signal"},
    {"regime_change": "regime", "signal": "signal", "risk_update": "risk", "trade_execution": "trade"},
)  # fmt: skip
FAMILIES = (HERMES, TRANSMISSION)
DEFAULT_CHANNELS = HERMES.channels


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client asks for when it connects."""

    after: int | None = None  # None: from now on
    channels: frozenset[str] = DEFAULT_CHANNELS
    stations: frozenset[str] = frozenset()  # empty: all
    family: Family = HERMES


@dataclass(frozen=True, slots=True)
class Parcel:
    """A row with its names; each message of it is encoded once for everybody."""

    seq: int
    station: str
    names: tuple[str, ...]  # as stored, then as the other family says it
    at: object
    data: Mapping[str, object]
    texts: dict[tuple[str, str], str] = field(default_factory=dict)

    def name_for(self, family: Family, channels: frozenset[str]) -> str:
        """Return the name under which a client hears the row, "" where it does not want it."""
        own = (family.names.get(name, name) for name in self.names)
        asked = dict.fromkeys((*(name for name in own if name in self.names), *self.names))
        return next((name for name in asked if _CHANNEL_OF.get(name, "other") in channels), "")

    def text(self, family: Family, name: str) -> str:
        """Return the message under a name of a family."""
        key = family.keys.get(name, "")
        if (key, name) not in self.texts:
            self.texts[key, name] = _text(self.seq, name, self.at, self.data, key)
        return self.texts[key, name]


def parcel_of(row: Activity) -> Parcel:
    """Return the message of a row: `{seq, type, timestamp, data}`."""
    about = {"station_code": row.station, "event_day": row.event_day, "event_id": row.event_id, "desk": row.desk}
    line = {"cycle": row.cycle, "action_type": row.action, "level": row.severity, "message": row.message}
    return Parcel(row.seq, row.station, _names_of(row), row.at, {**about, **line, **row.measured, **row.data})


def _names_of(row: Activity) -> tuple[str, ...]:
    """Return the stored type, and the documented one of the other family; edges are a signal where one is to be traded."""
    kind = row.type or "activity"
    other = TRANSMISSION.names.get(kind, "")
    if other == "signal" and not row.data.get("edges_count"):
        other = ""
    return (kind, other) if other else (kind,)


def _text(seq: int, kind: str, at: object, data: object, key: str = "") -> str:
    return encode({"seq": seq, "type": kind, "timestamp": at, "data": data, **({key: data} if key else {})}).decode()


@dataclass(eq=False)
class Client:
    """One listener: what it wants, how far it is, what waits for it."""

    socket: WebSocket
    cursor: int  # highest `seq` it has or has queued
    channels: frozenset[str] = DEFAULT_CHANNELS
    stations: frozenset[str] = frozenset()  # empty: all
    family: Family = HERMES
    live: bool = False  # False while it reads the past from the journal
    dropped: str = ""
    queue: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(QUEUE_LENGTH))
    scope: anyio.CancelScope | None = None

    def told(self, parcel: Parcel) -> str:
        """Return the message of a row of its channels and stations, "" for another; rows about no station go to all."""
        if self.stations and parcel.station and parcel.station not in self.stations:
            return ""
        name = parcel.name_for(self.family, self.channels)
        return parcel.text(self.family, name) if name else ""

    def put(self, text: str) -> None:
        """Queue a message; a client that is too far behind is dropped, so that it slows nobody."""
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            self.drop(f"too slow: {QUEUE_LENGTH} messages behind; reconnect with ?after= the last seq you have")

    def drop(self, reason: str) -> None:
        """End this client's stream with a reason."""
        if not self.dropped:
            self.dropped = reason
            if self.scope:
                self.scope.cancel()


class Hub:
    """Follows the journal with one query a tick, whatever the number of clients."""

    def __init__(
        self, activity: ActivityService, tick_seconds: float = TICK_SECONDS, ping_seconds: float = PING_SECONDS
    ) -> None:
        self._activity, self._tick, self._ping = activity, tick_seconds, ping_seconds
        self._clients: set[Client] = set()
        self._seq = 0
        self._ready = asyncio.Event()
        self._stopping = False
        self.dropped = self.ticks = 0

    @property
    def seq(self) -> int:
        """Return the highest row that was handed out."""
        return self._seq

    @property
    def connection_count(self) -> int:
        """Return how many connections there are."""
        return len(self._clients)

    async def follow(self) -> None:
        """Tail the journal until cancelled; a journal that cannot be read now is read again at the next tick."""
        quiet = 0.0
        while True:
            try:
                await self._look()
            except Exception:  # the journal may be replaced or locked at this very moment
                log.exception("the stream cannot read the journal; it tries again")
            self.ticks += 1
            quiet += self._tick
            if quiet >= self._ping:
                quiet = 0.0
                text = _text(self._seq, "ping", wall_now(), {"last_seq": self._seq})
                for client in self._clients:
                    client.put(text)
            await asyncio.sleep(self._tick)

    async def _look(self) -> None:
        version = await asyncio.to_thread(self._activity.version)
        if not self._ready.is_set() or version < self._seq:  # first look, or another journal took the place of this one
            for client in tuple(self._clients) if self._ready.is_set() else ():
                client.drop("the journal was replaced; reconnect")
            self._seq = version
            self._ready.set()
        while version > self._seq:
            rows = await asyncio.to_thread(self._activity.after, self._seq, PAGE)
            if not rows:
                return
            self._hand_out(rows)

    def _hand_out(self, rows: Sequence[Activity]) -> None:
        # No await in here: a client turns from past to live between two of these calls, never within one.
        for parcel in map(parcel_of, rows):
            self._seq = parcel.seq
            for client in self._clients:
                if client.live and parcel.seq > client.cursor:
                    client.cursor = parcel.seq
                    if text := client.told(parcel):
                        client.put(text)

    async def serve(self, socket: WebSocket, wish: Wish) -> None:
        """Speak with one client until it leaves, is dropped, or the sidecar stops."""
        await socket.accept()
        if self._stopping or len(self._clients) >= MAX_CLIENTS:
            await socket.close(TRY_AGAIN_LATER, f"{MAX_CLIENTS} clients are connected; try again later")
            return
        await self._ready.wait()
        client = Client(socket, self._seq, wish.channels, wish.stations, wish.family)
        self._clients.add(client)
        try:
            await self._converse(client, wish.after)
        finally:
            self._clients.discard(client)

    async def _converse(self, client: Client, after: int | None) -> None:
        last = self._seq
        replaced = after is not None and after > max(last, await asyncio.to_thread(self._activity.version))
        client.cursor = self._seq if after is None or replaced else after
        client.live = client.cursor >= self._seq  # nothing to catch up with
        greeting = {"connection_count": self.connection_count, "last_seq": max(last, client.cursor), "reset": replaced}
        client.put(_text(last, "connected", wall_now(), greeting))
        async with anyio.create_task_group() as group:
            client.scope = group.cancel_scope
            group.start_soon(_until_gone, group.cancel_scope, self._send, client)
            group.start_soon(_until_gone, group.cancel_scope, _listen, client)
        if client.dropped:
            self.dropped += 1
            await _close(client.socket, TRY_AGAIN_LATER, client.dropped)

    async def _send(self, client: Client) -> None:
        while not client.queue.empty():
            await client.socket.send_text(client.queue.get_nowait())
        await self._catch_up(client)
        while True:
            await client.socket.send_text(await client.queue.get())

    async def _catch_up(self, client: Client) -> None:
        """Send the past straight from the journal, page by page, until the client is where the hub is."""
        while client.cursor < self._seq:
            goal = self._seq
            rows = await asyncio.to_thread(self._activity.after, client.cursor, PAGE)
            client.cursor = client.cursor if rows else goal
            try:
                async with asyncio.timeout(STUCK_SECONDS):
                    await _send_page(client, rows)
            except TimeoutError:
                client.drop(f"too slow: {PAGE} messages took more than {STUCK_SECONDS:g} s")
        client.live = True

    async def stop(self) -> None:
        """Say goodbye to everybody."""
        self._stopping = True
        await asyncio.gather(*(_close(client.socket, GOING_AWAY, "the sidecar stops") for client in tuple(self._clients)))


async def _send_page(client: Client, rows: Sequence[Activity]) -> None:
    for row in rows:
        parcel = parcel_of(row)
        client.cursor = parcel.seq
        if text := client.told(parcel):
            await client.socket.send_text(text)


async def _listen(client: Client) -> None:
    """Answer what the client says; what is not understood is answered with an error, not with silence."""
    while True:
        try:
            heard = orjson.loads(await client.socket.receive_text())
            kind, data = ANSWERS[heard["type"]](client, heard)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            offered = ", ".join(ANSWERS)
            kind, data = "error", {"code": "malformed", "message": f'{error!r}; send {{"type": one of {offered}}}'}
        client.put(_text(client.cursor, kind, wall_now(), data))


def _pong(client: Client, _heard: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    return "pong", {"last_seq": client.cursor}


def _subscribe(client: Client, heard: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    channels, stations = _names(heard, "channel"), _names(heard, "station")
    unknown = sorted((channels or frozenset()) - set(CHANNELS))
    if unknown:
        raise ValueError(f"unknown channel {unknown[0][:40]!r}; there are {', '.join(CHANNELS)}")
    client.channels = client.channels if channels is None else channels
    client.stations = client.stations if stations is None else frozenset(code.upper() for code in stations)
    return "subscribed", {"channels": sorted(client.channels), "stations": sorted(client.stations)}


def _names(heard: Mapping[str, object], name: str) -> frozenset[str] | None:
    value = heard.get(f"{name}s", heard.get(name))
    if value is None:
        return None
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(part, str) and len(part) < 40 for part in names):
        raise ValueError(f"{name}s is a list of names")
    return frozenset(names)


ANSWERS = {"ping": _pong, "subscribe": _subscribe}


async def _until_gone(scope: anyio.CancelScope, half: Callable[[Client], Awaitable[None]], client: Client) -> None:
    """Speak or listen until the client is gone; either end ends the other."""
    try:
        await half(client)
    except (WebSocketDisconnect, RuntimeError) as error:
        log.debug("a client is gone: %r", error)
    except Exception:
        log.exception("a stream ended")
    finally:
        scope.cancel()


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    if socket.application_state is not WebSocketState.CONNECTED:
        return
    try:
        await asyncio.wait_for(socket.close(code, reason[:120]), 1.0)
    except (TimeoutError, RuntimeError, WebSocketDisconnect):
        log.info("a client was gone before it could be told: %s", reason)
