"""Faults that need not know what an answer says: refusals, and answers that do not arrive as they were meant."""

from __future__ import annotations

from dataclasses import replace

import orjson

from venues.demo.answers import JSON, Answer, Carriage
from venues.demo.scene import Scene

_HTML = "text/html; charset=utf-8"
_RETRY_AFTER = (1, 2, 5, 20)  # seconds
_FAILURES = ((500, "Internal Server Error"), (502, "Bad Gateway"), (503, "Service Unavailable"), (504, "Gateway Timeout"))
_LIMIT_WORDS = {
    "open-meteo": {"error": True, "reason": "Minutely API request limit exceeded. Please try again in one minute."},
    "open-meteo-ensemble": {"error": True, "reason": "Too many concurrent requests"},
    "open-meteo-previous-runs": {
        "error": True,
        "reason": "Hourly API request limit exceeded. Please try again in the next hour.",
    },
    "kalshi": {"error": "too many requests"},
    "zeus": {"detail": "Rate limit exceeded"},
}


def limit(scene: Scene, answer: Answer) -> Answer:
    """Refuse with 429 and say for how long."""
    seconds = _RETRY_AFTER[int(scene.luck() * len(_RETRY_AFTER))]
    body = orjson.dumps(_LIMIT_WORDS.get(scene.service, {"error": "Too Many Requests"}))
    return Answer(429, body, JSON, (("Retry-After", str(seconds)),))


def refuse_early(scene: Scene, answer: Answer) -> Answer:
    """Refuse with 425, as a matching engine does while it restarts."""
    return Answer(425, orjson.dumps({"error": "service not ready, the matching engine is restarting"}))


def fail(scene: Scene, answer: Answer) -> Answer:
    """Fail with 5xx, in JSON or as the page of something in between."""
    status, phrase = _FAILURES[int(scene.luck() * len(_FAILURES))]
    if scene.luck("page") < 0.5:
        return Answer(status, orjson.dumps({"error": phrase}))
    return Answer(status, _page(f"{status} {phrase}"), _HTML)


def mistype(scene: Scene, answer: Answer) -> Answer:
    """Say that the answer is a page; in half of the episodes it is one."""
    if answer.status != 200:
        return answer
    return replace(answer, kind=_HTML, body=answer.body if scene.luck() < 0.5 else _page("We will be back soon"))


def truncate(scene: Scene, answer: Answer) -> Answer:
    """End in the middle and call it the end; the first byte always comes, for nothing at all says that there is no data."""
    if answer.status != 200:
        return answer
    return replace(answer, body=answer.body[: max(1, int(len(answer.body) * (0.1 + 0.8 * scene.luck(scene.ask.at))))])


def cut_off(scene: Scene, answer: Answer) -> Answer:
    """Lose the connection in the middle."""
    return replace(answer, carriage=Carriage.CUT_OFF)


def drip(scene: Scene, answer: Answer) -> Answer:
    """Send a few bytes now and then."""
    return replace(answer, carriage=Carriage.DRIP)


def hang(scene: Scene, answer: Answer) -> Answer:
    """Say nothing."""
    return replace(answer, carriage=Carriage.HANG)


def _page(words: str) -> bytes:
    return f"<!doctype html><html><head><title>{words}</title></head><body><h1>{words}</h1></body></html>".encode()
