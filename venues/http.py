"""One HTTP layer for all outside services: pace, patience, size and a clear word about every failure."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.utils import requote_uri
from urllib3.exceptions import HTTPError, ReadTimeoutError

from core.clock import Clock, monotonic_seconds
from core.errors import SourceDownError, SourceError, SourceLimitedError, SourceRefusedError, SourceTimeoutError, WireError
from core.model.record import Kind, Record
from core.settings import Settings, SourceSettings
from core.units import iso, writable
from venues.lanes import BREAKER_LIMITS, Breaker, BreakerLimits, Lane, Seconds, TokenBucket
from venues.skew import skew_seconds

INSTANT_HEADER = "X-Hermes-Instant"
CREDITS_SECONDS = 3_600.0  # for which a service without credits for us is left alone, as far as a breaker rests
_CHUNK_BYTES = 65_536
_NOT_NOW = frozenset({408, 425})  # statuses below 500 of a service that is not ready
LINGERS = timedelta(minutes=1)  # for which a record that was no answer is held against a service that answers again
_WEIGHT_OF_A_TIMEOUT = 3  # failures: the second one leaves a host alone, or a cycle would wait for each of its questions
_TRANSPORT_FAULTS = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)

Query = Mapping[str, str | Sequence[str]]  # several values of a name are sent as the name several times


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long one request is tried: once more within a cycle, and not where it was kept waiting."""

    attempts: int = 2
    first_backoff_seconds: float = 0.4
    longest_backoff_seconds: float = 5.0
    longest_retry_after_seconds: float = 2.0  # a longer word ends this request and rests the host
    largest_body_bytes: int = 16_000_000
    at_once: int = 4
    burst: float | None = None  # requests that need not be paced; None: a sixth of a minute's, 20 at most
    breaker: BreakerLimits = BREAKER_LIMITS


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the bytes (also of a refusal, where there were any) and why they are not an answer."""

    content: bytes
    received_at: datetime
    status: int  # 0: nothing was heard
    error: SourceError | None = None
    fresh_seconds: float | None = None  # how long the service itself calls it fresh (`Cache-Control: max-age`)
    skew_seconds: float | None = None  # how far its clock is ahead of ours


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of one service, for heartbeats."""

    name: str
    last_success_at: datetime | None = None
    last_error_at: datetime | None = None
    last_error: str = ""
    successes: int = 0
    failures: int = 0
    retries: int = 0
    note: str = ""  # why nothing is asked, where that is nobody's failure
    trouble: str = ""  # "down", "limited" or "unreadable" while there is a last error
    skew_seconds: float | None = None  # how far its clock is ahead of ours, as it last said

    @property
    def healthy(self) -> bool:
        """Return whether the last word was an answer."""
        return not self.last_error


class Http:
    """One pooled session to one service.

    In a simulated world each request names the clock's instant, so that the world is a pure function of it; nothing is
    paced there, since a second of the wall says nothing about it. `adapter` answers in-process with the same bytes.
    """

    def __init__(
        self, name: str, settings: SourceSettings, clock: Clock, *, user_agent: str, adapter: BaseAdapter | None = None,
        simulated: bool = False, most_per_minute: int = 60_000, patience: Patience = PATIENCE,
        sleep: Callable[[float], object] | None = None, seconds: Seconds | None = None, seed: int | None = None,
        headers: Mapping[str, str] | None = None, accepts: Sequence[str] = ("JSON",),
    ) -> None:  # fmt: skip
        self._name, self._settings, self._clock, self._simulated = name, settings, clock, simulated
        # Hosts of a simulated world recover in its own time, and seconds of the wall change nothing there.
        self._seconds = seconds or monotonic_seconds
        self._resting = seconds or ((lambda: clock.now().timestamp()) if simulated else monotonic_seconds)
        self._patience, self._sleep = patience, sleep or (lambda pause: None if simulated or adapter else time.sleep(pause))
        self._per_minute = min(settings.requests_per_minute, most_per_minute)
        self._jitter = random.Random(seed)
        self._lanes: dict[str, Lane] = {}
        self._lock = threading.Lock()
        self._health = Health(name)
        self._refuted: dict[tuple[str, str], tuple[datetime, str]] = {}  # kind and subject → when, and why it is no answer
        self._session = requests.Session()
        self._in_process = adapter is not None
        self._session.trust_env = not self._in_process
        self._session.max_redirects = 3
        self._accepts = accepts  # words of the content types that are answers
        self._session.headers.update({"User-Agent": user_agent, "Accept": "application/json", **(headers or {})})
        mounted = adapter or HTTPAdapter(pool_connections=4, pool_maxsize=patience.at_once, max_retries=0)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, mounted)
        # What all requests share is prepared once: it costs three times what is left. No service needs cookies or netrc.
        self._blank = self._session.prepare_request(requests.Request("GET", "http://localhost/"))
        self._ways: dict[str, Mapping[str, Any]] = {}  # host → proxy and certificates that the machine sets for it

    @classmethod
    def of(
        cls, name: str, settings: Settings, clock: Clock, adapter: BaseAdapter | None, *, simulated: bool, **more: Any
    ) -> Http:  # fmt: skip
        """Return the session of a service as it is set."""
        own, agent = settings.source(name), settings.user_agent
        return cls(name, own, clock, user_agent=agent, adapter=adapter, simulated=simulated, **more)

    @property
    def health(self) -> Health:
        """Return what is known of the service; an answer that could not be read is not one."""
        with self._lock:
            known, refuted = self._health, list(self._refuted.values())
        if known.last_error or not refuted:
            return known
        at, why = max(refuted)
        return replace(known, last_error=why, last_error_at=at, trouble="unreadable")

    def judge(self, records: Iterable[Record]) -> Iterator[Record]:
        """Pass on what was made of answers, and remember those of which nothing could be made."""
        for record in records:
            if record.error is None:
                with self._lock:
                    self._refuted.pop((str(record.kind), record.subject), None)
            elif record.raw:
                self.refute(record)
            yield record

    def forgive(self, kind: Kind, subjects: Iterable[str]) -> None:
        """Forget what was no answer about subjects of which it was answered since that there is nothing to tell."""
        with self._lock:
            for subject in subjects:
                self._refuted.pop((str(kind), subject), None)

    def refute(self, record: Record) -> None:
        """Remember a record as none: bytes came, and nothing could be made of them."""
        with self._lock:
            self._refuted[str(record.kind), record.subject] = record.received_at, writable(record.error or "")

    def get(self, url: str, params: Query | None = None) -> Answer:
        """Ask; the answer is a value, also when it is a failure."""
        return self._ask("GET", url, params or {}, None)

    def get_all(self, url: str, queries: Sequence[Query]) -> list[Answer]:
        """Ask the same address several questions, a few at once; answers in the order of the questions."""
        return self.get_each([(url, query) for query in queries])

    def get_each(self, questions: Sequence[tuple[str, Query]]) -> list[Answer]:
        """Ask several addresses, a few at once; answers in the order of the questions."""
        if self._in_process or len(questions) < 2:
            return [self.get(url, query) for url, query in questions]
        with ThreadPoolExecutor(self._patience.at_once) as pool:
            return list(pool.map(lambda question: self.get(*question), questions))

    def post(self, url: str, body: object) -> Answer:
        """Ask with a JSON body; only for questions, so that a repetition changes nothing."""
        return self._ask("POST", url, {}, body)

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def _lane(self, url: str) -> Lane:
        host = urlsplit(url).netloc
        with self._lock:
            if host not in self._lanes:
                burst = self._patience.burst or max(1.0, min(20.0, self._per_minute / 6))
                bucket = None if self._simulated else TokenBucket(self._per_minute, burst, self._seconds)
                self._lanes[host] = Lane(bucket, Breaker(self._patience.breaker, self._resting), self._patience.at_once)
            return self._lanes[host]

    def _ask(self, method: str, url: str, query: Query, body: object) -> Answer:
        try:
            lane = self._lane(url)
        except ValueError as fault:
            error: SourceError = SourceRefusedError(f"{self._name}: {url!r} is no address ({fault}); check its base_url")
            return Answer(b"", self._clock.now(), 0, error)
        left = lane.breaker.admit()
        if left > 0:
            error = SourceDownError(
                f"{self._name}: {urlsplit(url).netloc} is left alone for {left:.0f} s after repeated failures"
            )
            return Answer(b"", self._clock.now(), 0, error)
        try:
            with lane.places:
                answer = self._try(lane, method, url, query, body)
        except BaseException:  # a bug or an interrupt: the breaker must not wait for a try that never ends
            lane.breaker.fail()
            raise
        self._mark(lane, answer)
        return answer

    def _try(self, lane: Lane, method: str, url: str, query: Query, body: object) -> Answer:
        for attempt in range(1, self._patience.attempts + 1):
            if lane.bucket is not None and (pause := lane.bucket.take()) > 0:
                self._sleep(pause)
            answer = self._once(method, url, query, body)
            wait = self._wait_before_retry(answer.error, attempt)
            if wait is None:
                return answer
            with self._lock:
                self._health = replace(self._health, retries=self._health.retries + 1)
            self._sleep(wait)
        raise AssertionError("the last attempt always returns")

    def _wait_before_retry(self, error: SourceError | None, attempt: int) -> float | None:
        # Only what may pass by itself is worth a second try; a refusal or a strange shape is not.
        if attempt >= self._patience.attempts or not isinstance(error, SourceDownError | SourceLimitedError):
            return None
        if isinstance(error, SourceTimeoutError):
            return None
        named = error.retry_after_seconds if isinstance(error, SourceLimitedError) else None
        if named is not None:
            return named if named <= self._patience.longest_retry_after_seconds else None
        backoff = self._patience.first_backoff_seconds * 2.0 ** (attempt - 1)
        return min(backoff, self._patience.longest_backoff_seconds) * self._jitter.uniform(0.5, 1.5)

    def _prepared(self, method: str, url: str, query: Query, body: object) -> requests.PreparedRequest:
        prepared = self._blank.copy()
        prepared.method, prepared.url = method, requote_uri(f"{url}?{urlencode(query, doseq=True, safe=',')}" if query else url)
        if self._simulated:
            prepared.headers[INSTANT_HEADER] = iso(self._clock.now())
        if body is not None:
            prepared.prepare_body(None, None, json=body)
        return prepared

    def _way(self, url: str) -> Mapping[str, Any]:
        host = urlsplit(url).netloc
        if host not in self._ways:
            self._ways[host] = self._session.merge_environment_settings(url, {}, True, None, None)
        return self._ways[host]

    def _once(self, method: str, url: str, query: Query, body: object) -> Answer:
        timeout = self._settings.timeout_seconds
        try:
            asked, asked_at = self._prepared(method, url, query, body), self._clock.now()
            with self._session.send(asked, timeout=timeout, **self._way(url)) as response:
                content, error = self._body(response, self._seconds() + timeout)
                verdict = error or self._verdict(response, content)
                skew = None if self._simulated else skew_seconds(response.headers, asked_at, self._clock.now())
                return Answer(content, self._clock.now(), response.status_code, verdict, _fresh_seconds(response), skew)
        except requests.exceptions.TooManyRedirects:
            failure: SourceError = SourceRefusedError(f"{self._name}: {url} redirects in circles; check its base_url")
        except requests.Timeout as fault:
            failure = SourceTimeoutError(
                f"{self._name}: {urlsplit(url).netloc} did not answer within {timeout:g} s ({_cause(fault)}); try again later"
            )
        except _TRANSPORT_FAULTS as fault:
            failure = SourceDownError(f"{self._name}: no answer from {urlsplit(url).netloc} ({_cause(fault)}); try again later")
        except (requests.RequestException, HTTPError, ValueError) as fault:  # addresses of others are no addresses at times
            failure = SourceRefusedError(f"{self._name}: {url} cannot be asked ({_cause(fault)}); check its base_url")
        return Answer(b"", self._clock.now(), 0, failure)

    def _body(self, response: requests.Response, deadline: float) -> tuple[bytes, SourceError | None]:
        parts, size = [], 0
        for chunk in _chunks(response):
            size += len(chunk)
            if size > self._patience.largest_body_bytes:
                most = self._patience.largest_body_bytes
                return b"", WireError(f"{self._name}: {response.url} sent more than {most} bytes; ask for less")
            parts.append(chunk)
            if self._seconds() > deadline:
                raise requests.Timeout(f"the body took longer than {self._settings.timeout_seconds} s")
        return b"".join(parts), None

    def _verdict(self, response: requests.Response, content: bytes) -> SourceError | None:
        status = response.status_code
        kind = response.headers.get("Content-Type", "")
        if status < 300 and (not content.strip() or any(word.lower() in kind.lower() for word in self._accepts)):
            return None
        what = f"{self._name}: {urlsplit(response.url or '').path} answered {status}{_reason_of(content)}"
        if status == 429:
            return SourceLimitedError(f"{what}; wait before asking again", self._retry_after(response))
        if status == 402:
            return SourceLimitedError(f"{what}; its credits are used up, wait for new ones", CREDITS_SECONDS)
        if status >= 500 or status in _NOT_NOW:
            return SourceDownError(f"{what}; try again later")
        if status >= 300:
            return SourceRefusedError(f"{what}; check address, key and parameters")
        wanted = " or ".join(self._accepts)
        return WireError(f"{what} with {kind or 'no content type'} in place of {wanted}; the bytes are kept")

    def _retry_after(self, response: requests.Response) -> float | None:
        # Seconds or an HTTP date; the date is read against the server's own clock where it gives one.
        text = response.headers.get("Retry-After", "").strip()
        if text.replace(".", "", 1).isdigit():
            return float(text)
        try:
            until = parsedate_to_datetime(text)
            sent = response.headers.get("Date")
            start = parsedate_to_datetime(sent) if sent else self._clock.now()
            return max(0.0, (_aware(until) - _aware(start)).total_seconds())
        except (ValueError, TypeError):
            return None

    def _mark(self, lane: Lane, answer: Answer) -> None:
        error = answer.error
        if isinstance(error, SourceLimitedError) and error.retry_after_seconds is not None:
            lane.breaker.rest(error.retry_after_seconds)
        elif isinstance(error, SourceTimeoutError):
            lane.breaker.fail(_WEIGHT_OF_A_TIMEOUT)
        elif isinstance(error, SourceDownError | SourceLimitedError):
            lane.breaker.fail()
        else:
            lane.breaker.succeed()
        with self._lock:
            known, at = self._health, answer.received_at
            if answer.skew_seconds is not None:
                known = replace(known, skew_seconds=answer.skew_seconds)
            if error is None:
                self._health = replace(known, last_success_at=at, last_error="", trouble="", successes=known.successes + 1)
                self._refuted = {about: told for about, told in self._refuted.items() if told[0] >= at - LINGERS}
            else:
                self._health = replace(
                    known, last_error_at=at, last_error=str(error), trouble=_trouble(error), failures=known.failures + 1
                )


def _chunks(response: requests.Response) -> Iterator[bytes]:
    # `read1` hands over what has come; `read` would sit on a body that drips and never see the deadline.
    raw = response.raw
    if hasattr(raw, "stream") and hasattr(raw, "read1"):
        return _dripping(response)
    chunks: Iterator[bytes] = response.iter_content(_CHUNK_BYTES)
    return chunks


def _dripping(response: requests.Response) -> Iterator[bytes]:
    try:
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            yield chunk
    except ReadTimeoutError as error:
        raise requests.Timeout(str(error)) from error
    except HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError(str(error)) from error


def _trouble(error: SourceError) -> str:
    if isinstance(error, SourceLimitedError):
        return "limited"
    return "unreadable" if isinstance(error, WireError) else "down"


def _reason_of(content: bytes) -> str:
    # Services say why in different words: {"reason"} Open-Meteo, {"error"} CLOB, {"error": {"message"}} Kalshi, {"message"} others.
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        plain = content[:160].decode("utf-8", "replace").strip()
        return f" ({plain})" if plain and "<" not in plain else ""
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        body = body["error"]
    if isinstance(body, dict):
        for key in ("reason", "message", "error", "detail", "title", "code"):
            if isinstance(body.get(key), str):
                return f" ({writable(body[key][:160])})"
    return ""


def _fresh_seconds(response: requests.Response) -> float | None:
    found = re.search(r"(?:^|[ ,])max-age=(\d+)", response.headers.get("Cache-Control", "").lower())
    return float(found[1]) if found is not None else None


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {writable(str(error)[:120])}"


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
