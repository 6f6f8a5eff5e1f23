"""The CLOB's market channel: a thread per connection keeps books, and answers at once what is asked of it.

Whatever happens here, a cycle loses nothing: a book that is not whole, fresh and proven is None, and is polled.
"""

from __future__ import annotations

import json
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from websockets.sync.client import ClientConnection, reconnect

from core.clock import Clock, monotonic_seconds
from core.errors import SourceDownError
from core.units import instant
from venues.http import Health
from venues.polymarket.clob import Book
from venues.polymarket.stream_book import TokenBook
from venues.polymarket.stream_wire import Print, Snapshot, read_frame

ADDRESS = "wss://ws-subscriptions-clob.polymarket.com"
PATH = "/ws/market"
NAME = "polymarket_stream"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST_FRAME_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How a connection is held [s]."""

    tokens: int = 200  # of one connection; 500 are allowed, and then books go missing silently
    connections: int = 40
    open_seconds: float = 5.0
    ping_seconds: float = 10.0  # the text PING; the server drops who does not send it
    silence_seconds: float = 30.0  # after which a connection without a close frame is dead
    look_seconds: float = 0.25  # how soon a new wish or the end is noticed
    first_backoff_seconds: float = 0.5
    longest_backoff_seconds: float = 60.0
    steady_seconds: float = 60.0  # a connection that lived so long was a good one
    book_seconds: float = 30.0  # for a book after a later subscription; then the connection begins anew, once
    forget_seconds: float = 900.0  # an event that nobody asks about
    prints: int = 20_000  # kept per connection


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Streamed:
    """The books of an event at one moment."""

    books: tuple[Book, ...]
    raw: tuple[bytes, ...]  # per token: the newest book and all later changes


@dataclass(frozen=True, slots=True)
class Printed:
    """All trades of some tokens since an instant."""

    prints: tuple[Print, ...]
    since: datetime


class Line:
    """One connection and its thread."""

    def __init__(self, url: str, user_agent: str, clock: Clock, limits: Limits, seconds: Callable[[], float]) -> None:
        self._url, self._user_agent, self._clock, self._limits, self._seconds = url, user_agent, clock, limits, seconds
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._wanted: dict[str, float] = {}  # token → since when
        self._subscribed: set[str] = set()
        self._books: dict[str, TokenBook] = {}
        self._since: dict[str, datetime] = {}  # from when on no trade of a token was missed
        self._prints: deque[Print] = deque()
        self._forgot = NEVER  # the trades of before are gone
        self._seen: set[tuple[str, int, str, str]] = set()
        self._has_begun, self._is_open, self._heard, self._opened = False, False, 0.0, 0.0
        self._jitter = random.Random()
        self.health = Health(NAME)
        self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)

    def start(self) -> None:
        """Begin to connect, where that was not begun; returns at once."""
        if not self._has_begun:
            self._has_begun = True
            self._thread.start()

    @property
    def room(self) -> int:
        """Return how many tokens more it takes."""
        with self._lock:
            return self._limits.tokens - len(self._wanted)

    @property
    def is_idle(self) -> bool:
        """Return whether nobody wants anything of it."""
        with self._lock:
            return not self._wanted

    def want(self, tokens: Iterable[str]) -> None:
        """Follow some more tokens."""
        with self._lock:
            for token in tokens:
                self._wanted.setdefault(token, self._seconds())

    def forget(self, tokens: Iterable[str]) -> None:
        """Follow some tokens no longer."""
        with self._lock:
            for token in tokens:
                for known in (self._wanted, self._books, self._since):
                    known.pop(token, None)

    def books(self, tokens: Sequence[str]) -> Streamed | None:
        """Return the books of all tokens; None unless each is whole and the connection is alive."""
        with self._lock:
            if not self._is_alive():
                return None
            found, raw = [], []
            for token in tokens:
                known = self._books.get(token)
                book = known.book() if known is not None else None
                if known is None or book is None:
                    return None
                found.append(book)
                raw += known.raw()
            return Streamed(tuple(found), tuple(raw))

    def prints(self, tokens: Sequence[str]) -> Printed | None:
        """Return all trades of some tokens since the connection began; None where one may be missing."""
        with self._lock:
            if not tokens or not self._is_alive() or not all(token in self._since for token in tokens):
                return None
            since = max(self._forgot, *(self._since[token] for token in tokens))
            mine = frozenset(tokens)
            return Printed(tuple(print_ for print_ in self._prints if print_.token in mine), since)

    def adopt(self, book: Snapshot) -> str:
        """Take a polled book; return what ours said differently, "" for nothing."""
        with self._lock:
            known = self._books.get(book.token)
            if known is None:
                return ""
            reason = known.reason
            return f"{book.token[:12]}: {reason or 'its levels differ'}" if known.adopt(book) or reason else ""

    def end(self) -> None:
        """Ask the thread to stop; returns at once."""
        self._over.set()

    def join(self, seconds: float) -> None:
        """Wait for the thread, not longer than that."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _is_alive(self) -> bool:
        return self._is_open and self._seconds() - self._heard < self._limits.silence_seconds

    def _run(self) -> None:
        failures = 0
        while not self._over.is_set():
            began = self._seconds()
            try:
                with reconnect(
                    self._url, user_agent_header=self._user_agent, open_timeout=self._limits.open_seconds,
                    close_timeout=1.0, ping_interval=None, max_size=_LARGEST_FRAME_BYTES,
                ) as connection:  # fmt: skip
                    self._begin()
                    self._listen(connection)
            except Exception as error:  # whatever it is: the poller answers, and the health says why
                self._note(f"{NAME}: {type(error).__name__}: {str(error)[:160]}; books are polled until it is back")
            finally:
                self._drop()
            failures = 0 if self._seconds() - began > self._limits.steady_seconds else failures + 1
            backoff = self._limits.first_backoff_seconds * 2.0 ** min(failures - 1, 10) if failures else 0.0
            self._over.wait(min(backoff, self._limits.longest_backoff_seconds) * self._jitter.uniform(0.5, 1.5))

    def _begin(self) -> None:
        with self._lock:
            self._is_open, self._heard, self._opened = True, self._seconds(), self._seconds()

    def _drop(self) -> None:
        # Nothing of a connection outlives it: what was said meanwhile is unknown.
        with self._lock:
            self._is_open = False
            self._subscribed = set()
            self._books, self._since, self._seen = {}, {}, set()
            self._prints.clear()

    def _listen(self, connection: ClientConnection) -> None:
        next_ping = self._seconds() + self._limits.ping_seconds
        while not self._over.is_set():
            self._subscribe(connection)
            try:
                text = connection.recv(timeout=min(self._limits.look_seconds, self._limits.ping_seconds), decode=True)
            except TimeoutError:
                text = None
            now = self._seconds()
            if text is not None:
                self._take(str(text))
            elif now - self._heard >= self._limits.silence_seconds:
                raise SourceDownError(f"nothing was heard for {now - self._heard:.0f} s")
            if now >= next_ping:
                connection.send("PING")
                next_ping = now + self._limits.ping_seconds

    def _subscribe(self, connection: ClientConnection) -> None:
        with self._lock:
            first, wanted, now = not self._subscribed, set(self._wanted), self._seconds()
            more, less = sorted(wanted - self._subscribed), sorted(self._subscribed - wanted)
            late = [
                token for token, since in self._wanted.items()
                if since > self._opened and token not in self._books and now - since > self._limits.book_seconds
            ]  # fmt: skip
            self._subscribed = wanted
        if late and not more:
            raise SourceDownError(f"{len(late)} later subscriptions brought no book")
        if more and first:
            connection.send(json.dumps({"assets_ids": more, "type": "market"}))
        elif more:
            connection.send(json.dumps({"assets_ids": more, "operation": "subscribe"}))
        if less:
            connection.send(json.dumps({"assets_ids": less, "operation": "unsubscribe"}))

    def _take(self, text: str) -> None:
        said = [] if text.strip() in ("PONG", "") else read_frame(text)
        with self._lock:
            self._heard = self._seconds()
            for message in said:
                if message.token not in self._wanted:
                    continue
                if isinstance(message, Print):
                    self._print(message)
                known = self._books.setdefault(message.token, TokenBook(message.token))
                known.take(message)
                if isinstance(message, Snapshot):
                    self._since.setdefault(message.token, self._clock.now())
            self.health = replace(
                self.health, last_success_at=self._clock.now(), last_error="", successes=self.health.successes + 1
            )

    def _print(self, message: Print) -> None:
        if _key(message) in self._seen:
            return
        self._seen.add(_key(message))
        self._prints.append(message)
        if len(self._prints) > self._limits.prints:
            oldest = self._prints.popleft()
            self._seen.discard(_key(oldest))
            self._forgot = max(self._forgot, instant(oldest.timestamp * 1_000))

    def _note(self, error: str) -> None:
        with self._lock:
            self.health = replace(
                self.health, last_error_at=self._clock.now(), last_error=error, failures=self.health.failures + 1
            )


def _key(message: Print) -> tuple[str, int, str, str]:
    return message.token, message.timestamp, message.price, message.size  # there is no trade id


@dataclass(slots=True)
class _Followed:
    line: Line
    tokens: tuple[str, ...]
    asked: float


class Stream:
    """All connections; an event's tokens share one."""

    def __init__(
        self, base_url: str, clock: Clock, *, user_agent: str, limits: Limits = LIMITS,
        seconds: Callable[[], float] = monotonic_seconds,
    ) -> None:  # fmt: skip
        base = (base_url or ADDRESS).rstrip("/")
        self._url = base if base.endswith(PATH) else base + PATH
        self._clock, self._user_agent, self._limits, self._seconds = clock, user_agent, limits, seconds
        self._lock = threading.Lock()
        self._lines: list[Line] = []
        self._followed: dict[str, _Followed] = {}
        self._is_over = False
        self._differences = 0

    @property
    def health(self) -> Health:
        """Return what is known of all connections together: the newest word, and a failure while one fails."""
        with self._lock:
            healths = [line.health for line in self._lines]
        errors = [health for health in healths if health.last_error]
        heard = [health.last_success_at for health in healths if health.last_success_at is not None]
        failed = [health.last_error_at for health in healths if health.last_error_at is not None]
        return Health(
            NAME, max(heard, default=None), max(failed, default=None), errors[0].last_error if errors else "",
            sum(health.successes for health in healths), sum(health.failures for health in healths), self._differences,
        )  # fmt: skip

    def follow(self, tokens_of: Mapping[str, Sequence[str]]) -> None:
        """Follow the tokens of some events from now on, and no longer those that nobody has asked about for a while."""
        now = self._seconds()
        with self._lock:
            if self._is_over:
                return
            for event_id, tokens in tokens_of.items():
                self._follow(event_id, tuple(tokens), now)
            for line in self._lines:
                line.start()  # all that is wanted goes into the first subscription
            for event_id, known in list(self._followed.items()):
                if now - known.asked > self._limits.forget_seconds:
                    known.line.forget(known.tokens)
                    del self._followed[event_id]
            for line in [line for line in self._lines if line.is_idle]:
                line.end()
                self._lines.remove(line)

    def books(self, event_id: str, tokens: Sequence[str]) -> Streamed | None:
        """Return the books of an event; None where they must be polled."""
        known = self._known(event_id)
        return known.line.books(tokens) if known is not None and set(tokens) <= set(known.tokens) else None

    def prints(self, event_id: str, tokens: Sequence[str]) -> Printed | None:
        """Return the trades of an event since an instant; None where they must be polled."""
        known = self._known(event_id)
        return known.line.prints(tokens) if known is not None and set(tokens) <= set(known.tokens) else None

    def adopt(self, event_id: str, books: Iterable[Snapshot]) -> list[str]:
        """Take polled books, which know it better; return where ours were wrong."""
        known = self._known(event_id)
        wrong = [] if known is None else [word for book in books if (word := known.line.adopt(book))]
        self._differences += len(wrong)
        return wrong

    def close(self) -> None:
        """Stop all threads; waits for them a moment."""
        with self._lock:
            self._is_over = True
            lines, self._lines, self._followed = self._lines, [], {}
        for line in lines:
            line.end()
        for line in lines:
            line.join(2.0)

    def _known(self, event_id: str) -> _Followed | None:
        with self._lock:
            return self._followed.get(event_id)

    def _follow(self, event_id: str, tokens: tuple[str, ...], now: float) -> None:
        known = self._followed.get(event_id)
        if known is not None:
            known.asked = now
            new = tuple(token for token in tokens if token not in known.tokens)
            if len(new) <= known.line.room:
                known.line.want(new)
                known.tokens += new
                return
            known.line.forget(known.tokens)
            del self._followed[event_id]
            tokens = known.tokens + new
        if (line := self._line_for(len(tokens))) is not None:
            line.want(tokens)
            self._followed[event_id] = _Followed(line, tokens, now)

    def _line_for(self, n_tokens: int) -> Line | None:
        if not 0 < n_tokens <= self._limits.tokens:
            return None  # is polled
        if (line := next((line for line in self._lines if line.room >= n_tokens), None)) is not None:
            return line
        if len(self._lines) >= self._limits.connections:
            return None
        line = Line(self._url, self._user_agent, self._clock, self._limits, self._seconds)
        self._lines.append(line)
        return line
