from __future__ import annotations

import gzip
import io
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from core.clock import SteppedClock
from core.errors import SourceDownError, SourceLimitedError, SourceRefusedError, SourceTimeoutError, WireError
from core.model.record import Kind, Record
from core.settings import SourceSettings
from tests.venues.servers import Scripted, reply, serving, silence, truncated
from venues.http import Answer, Health, Http, Patience
from venues.lanes import BreakerLimits, BreakerState, TokenBucket

NOON = datetime(2026, 7, 3, 12, tzinfo=UTC)


class Wall:
    """Seconds that pass only while somebody sleeps, and a list of the sleeps."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def seconds(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def http(wall: Wall, *, timeout: float = 5.0, per_minute: int = 60_000, **options: Any) -> Http:
    settings = SourceSettings(timeout_seconds=timeout, requests_per_minute=per_minute)
    return Http(
        "weather", settings, SteppedClock(NOON), user_agent="hermes-test/1.0", sleep=wall.sleep, seconds=wall.seconds, seed=1,
        **options,
    )  # fmt: skip


def breaker_of(client: Http, url: str) -> BreakerState:
    return client._lane(url).breaker.state


def test_an_answer_is_its_bytes_and_the_source_is_healthy() -> None:
    with serving(reply(200, [1, 2])) as server:
        client = http(Wall())
        answer = client.get(f"{server.url}/metar", {"ids": "KLGA,EGLC"})

    assert (answer.content, answer.status, answer.error) == (b"[1, 2]", 200, None)
    assert answer.received_at == NOON
    assert server.paths == ["/metar?ids=KLGA,EGLC"]
    assert server.headers[0]["User-Agent"] == "hermes-test/1.0"
    assert "X-Hermes-Instant" not in server.headers[0]
    assert (client.health.healthy, client.health.successes, client.health.last_success_at) == (True, 1, NOON)


def test_a_simulated_request_names_the_instant_of_the_clock() -> None:
    with serving(reply(200, [])) as server:
        http(Wall(), simulated=True).get(server.url)

    assert server.headers[0]["X-Hermes-Instant"] == "2026-07-03T12:00:00Z"


def test_no_content_is_an_answer_and_not_an_error() -> None:
    with serving(reply(204)) as server:
        answer = http(Wall()).get(server.url)

    assert (answer.content, answer.error) == (b"", None)


def test_a_burst_of_server_errors_is_waited_out_with_growing_jittered_pauses() -> None:
    wall = Wall()
    with serving(reply(502, b"<html>", "text/html"), reply(503, {"message": "busy"}), reply(200, {"ok": 1})) as server:
        client = http(wall, patience=Patience(attempts=3))
        answer = client.get(server.url)

    assert answer.error is None
    assert len(server.paths) == 3
    assert 0.2 <= wall.slept[0] <= 0.6  # 0.4 s, half to one and a half of it
    assert 0.4 <= wall.slept[1] <= 1.2
    assert client.health.retries == 2


def test_a_lasting_server_error_ends_after_the_allowed_attempts() -> None:
    with serving(reply(500, {"message": "no luck"})) as server:
        client = http(Wall())
        answer = client.get(f"{server.url}/books")

    assert len(server.paths) == 2
    assert isinstance(answer.error, SourceDownError)
    assert str(answer.error) == "weather: /books answered 500 (no luck); try again later"
    assert answer.content == b'{"message": "no luck"}'
    assert (client.health.healthy, client.health.failures, client.health.last_error_at) == (False, 1, NOON)


def test_too_many_requests_waits_as_long_as_the_service_says() -> None:
    wall = Wall()
    with serving(reply(429, {"error": "slow"}, Retry_After="2"), reply(200, [])) as server:
        answer = http(wall).get(server.url)

    assert answer.error is None
    assert wall.slept == [2.0]


def test_a_retry_after_date_is_read_against_the_date_of_the_answer() -> None:
    wall = Wall()
    date = "Fri, 03 Jul 2026 12:00:01 GMT"

    def limited(handler: Any) -> None:
        handler.send_response_only(429)
        handler.send_header("Date", "Fri, 03 Jul 2026 12:00:00 GMT")
        handler.send_header("Retry-After", date)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with serving(limited, reply(200, [])) as server:
        http(wall).get(server.url)

    assert wall.slept == [1.0]


def test_a_long_retry_after_is_not_waited_for_but_rests_the_host() -> None:
    wall = Wall()
    with serving(reply(429, {"reason": "Daily limit"}, Retry_After="3600"), reply(200, [])) as server:
        client = http(wall)
        limited, refused = client.get(server.url), client.get(server.url)

        assert isinstance(limited.error, SourceLimitedError)
        assert limited.error.retry_after_seconds == 3600.0
        assert wall.slept == []
        assert isinstance(refused.error, SourceDownError)
        assert len(server.paths) == 1
        wall.now += 241  # the longest rest is 240 s, whatever a service asks for
        assert client.get(server.url).error is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_is_not_repeated_and_says_why(status: int) -> None:
    with serving(reply(status, {"error": True, "reason": "no such model"})) as server:
        answer = http(Wall()).get(f"{server.url}/v1/forecast")

    assert len(server.paths) == 1
    assert isinstance(answer.error, SourceRefusedError)
    assert f"answered {status} (no such model)" in str(answer.error)
    assert b"no such model" in answer.content


def test_a_page_in_place_of_json_is_kept_and_not_understood() -> None:
    with serving(reply(200, b"<html>maintenance</html>", "text/html")) as server:
        answer = http(Wall()).get(server.url)

    assert isinstance(answer.error, WireError)
    assert answer.content == b"<html>maintenance</html>"
    assert len(server.paths) == 1


def test_a_server_that_never_answers_is_given_up_at_the_timeout() -> None:
    scripted: list[Scripted] = []
    with serving(lambda handler: silence(scripted[0])(handler)) as server:
        scripted.append(server)
        answer = http(Wall(), timeout=0.2).get(server.url)

    assert isinstance(answer.error, SourceTimeoutError)
    assert len(server.paths) == 1
    assert answer.status == 0


def test_the_second_timeout_leaves_the_host_alone() -> None:
    scripted: list[Scripted] = []
    with serving(lambda handler: silence(scripted[0])(handler)) as server:
        scripted.append(server)
        client = http(Wall(), timeout=0.1)
        answers = [client.get(server.url) for _ in range(4)]

    assert len(server.paths) == 2
    assert "is left alone" in str(answers[2].error)
    assert "is left alone" in str(answers[3].error)


def test_a_body_that_ends_early_is_no_answer() -> None:
    with serving(truncated(100, b"[1, 2"), reply(200, [1, 2])) as server:
        answer = http(Wall()).get(server.url)

    assert (answer.content, answer.error) == (b"[1, 2]", None)
    assert len(server.paths) == 2


def test_a_body_that_drips_past_the_timeout_is_given_up() -> None:
    """Each piece comes in time, the whole does not."""
    wall = Wall()

    def drips(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", "3")
        handler.end_headers()
        wall.now += 6.0
        handler.wfile.write(b"[")
        handler.close_connection = True

    with serving(drips) as server:
        answer = http(wall, timeout=5.0).get(server.url)

    assert isinstance(answer.error, SourceDownError)


def test_an_oversized_body_is_cut_off_while_it_comes() -> None:
    with serving(reply(200, b"[" + b"1," * 500_000 + b"1]")) as server:
        answer = http(Wall(), patience=Patience(largest_body_bytes=100_000)).get(server.url)

    assert isinstance(answer.error, WireError)
    assert "more than 100000 bytes" in str(answer.error)


def test_a_compressed_body_is_opened_and_its_opened_size_counts() -> None:
    packed = gzip.compress(b"[" + b" " * 400_000 + b"]")
    with serving(reply(200, packed, Content_Encoding="gzip")) as server:
        small = http(Wall(), patience=Patience(largest_body_bytes=100_000)).get(server.url)
        whole = http(Wall()).get(server.url)

    assert isinstance(small.error, WireError)
    assert len(whole.content) == 400_002


def test_nobody_listening_is_down_and_counts_towards_the_breaker() -> None:
    with serving(reply(200, [])) as server:
        url = server.url
    client = http(Wall(), patience=Patience(attempts=1, breaker=BreakerLimits(failures=1)))

    assert isinstance(client.get(url).error, SourceDownError)
    assert breaker_of(client, url) is BreakerState.OPEN


def test_an_address_that_cannot_be_asked_is_refused_at_once() -> None:
    answer = http(Wall()).get("nonsense://there")

    assert isinstance(answer.error, SourceRefusedError)
    assert "check its base_url" in str(answer.error)


def test_the_breaker_opens_tries_once_after_the_pause_and_closes_on_success() -> None:
    wall = Wall()
    patience = Patience(attempts=1, breaker=BreakerLimits(failures=2, pause_seconds=15, longest_pause_seconds=100))
    with serving(*[reply(503)] * 3, reply(200, [])) as server:
        client = http(wall, patience=patience)
        states = []
        for pause in (0, 0, 0, 15, 15, 15):
            wall.now += pause
            answer = client.get(server.url)
            states.append((len(server.paths), answer.error is None, breaker_of(client, server.url)))

    assert states == [
        (1, False, BreakerState.CLOSED),
        (2, False, BreakerState.OPEN),
        (2, False, BreakerState.OPEN),  # left alone: nothing was sent
        (3, False, BreakerState.OPEN),  # the one try failed: the pause doubles to 30 s
        (3, False, BreakerState.OPEN),
        (4, True, BreakerState.CLOSED),
    ]


@pytest.mark.parametrize(("found", "sent"), [(200, 3), (503, 2)])
def test_while_one_request_tries_a_host_the_others_wait_for_what_it_finds(found: int, sent: int) -> None:
    wall = Wall()
    patience = Patience(attempts=1, breaker=BreakerLimits(failures=1, pause_seconds=15))
    with (
        ThreadPoolExecutor(1) as pool,
        serving(reply(503), lambda handler: answer_after_asking(handler), reply(200, [])) as server,
    ):
        client = http(wall, patience=patience)
        others: list[Future[Answer]] = []

        def answer_after_asking(handler: Any) -> None:
            others.append(pool.submit(client.get, server.url))
            reply(found, [])(handler)

        client.get(server.url)
        wall.now += 16
        assert breaker_of(client, server.url) is BreakerState.HALF_OPEN
        tried = client.get(server.url)
        other = others[0].result()

    assert (tried.error is None) == (other.error is None) == (found == 200)
    assert len(server.paths) == sent


def record(error: str | None, raw: bytes = b"{", at: datetime = NOON) -> Record:
    return Record("weather", Kind.FORECAST, "KLGA", at, None, raw, {}, {}, error=error)


def test_a_service_that_is_not_ready_is_down_and_asked_again() -> None:
    with serving(reply(425, {"error": "restarting"}), reply(425, {"error": "restarting"})) as server:
        client = http(Wall())
        answer = client.get(f"{server.url}/books")

    assert isinstance(answer.error, SourceDownError)
    assert (client.health.trouble, client.health.retries) == ("down", 1)


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (reply(429, {}, Retry_After="60"), "limited"),
        (reply(404, {}), "down"),
        (reply(200, "<html>", "text/html"), "unreadable"),
    ],
)
def test_what_troubles_a_service_is_said_in_a_word(answer: Any, trouble: str) -> None:
    with serving(answer, reply(200, [])) as server:
        client = http(Wall())
        client.get(server.url)

    assert client.health.trouble == trouble


def test_bytes_of_which_nothing_can_be_made_are_held_against_a_service_until_they_can() -> None:
    with serving(reply(200, [])) as server:
        client = http(Wall())
        client.get(server.url)

        assert len(list(client.judge([record("no hours; the bytes are kept"), record("nobody said a thing", raw=b"")]))) == 2
        ill = client.health
        list(client.judge([record(None)]))

    assert (ill.trouble, ill.last_error, ill.last_error_at) == ("unreadable", "no hours; the bytes are kept", NOON)
    assert (client.health.trouble, client.health.last_error) == ("", "")


def test_a_minute_later_an_answer_to_another_question_clears_it() -> None:
    with serving(reply(200, []), reply(200, [])) as server:
        client = http(Wall())
        list(client.judge([record("no hours", at=NOON - timedelta(seconds=59))]))
        client.get(server.url)
        soon = client.health.trouble
        list(client.judge([record("no hours", at=NOON - timedelta(seconds=61))]))
        client.get(server.url)

    assert (soon, client.health.trouble) == ("unreadable", "")


def test_a_host_of_a_simulated_world_rests_in_its_time() -> None:
    clock = SteppedClock(NOON)
    patience = Patience(attempts=1, breaker=BreakerLimits(failures=1, pause_seconds=15))
    with serving(reply(503), reply(200, [])) as server:
        client = Http("weather", SourceSettings(), clock, user_agent="test", simulated=True, patience=patience)
        client.get(server.url)
        resting = breaker_of(client, server.url)
        clock.wait_until(NOON + timedelta(seconds=16))
        answer = client.get(server.url)

    assert resting is BreakerState.OPEN
    assert answer.error is None


def test_a_refusal_does_not_open_the_breaker() -> None:
    patience = Patience(breaker=BreakerLimits(failures=1))
    with serving(reply(404, {"error": "none"})) as server:
        client = http(Wall(), patience=patience)
        client.get(server.url)

        assert breaker_of(client, server.url) is BreakerState.CLOSED


def test_requests_keep_to_the_pace_of_their_host() -> None:
    """60 a minute with ten at once: the eleventh waits a second, the twelfth another."""
    wall = Wall()
    with serving(reply(200, [])) as server:
        client = http(wall, per_minute=60)
        for _ in range(12):
            client.get(server.url)

    assert wall.slept == pytest.approx([1.0, 1.0])


def test_a_simulated_world_is_not_paced() -> None:
    wall = Wall()
    with serving(reply(200, [])) as server:
        client = http(wall, per_minute=1, simulated=True)
        for _ in range(5):
            client.get(server.url)

    assert wall.slept == []


def test_a_bucket_fills_up_to_its_burst_and_no_further() -> None:
    wall = Wall()
    bucket = TokenBucket(60, 2, wall.seconds)
    wall.now += 1_000

    assert [bucket.take() for _ in range(3)] == [0.0, 0.0, 1.0]


def test_an_adapter_answers_in_the_process() -> None:
    class InProcess(BaseAdapter):
        def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
            response = requests.Response()
            response.status_code, response.url, response.request = 200, str(request.url), request
            response.headers["Content-Type"] = "application/json"
            response.raw = io.BytesIO(b'{"asked": true}')
            return response

        def close(self) -> None:
            """Nothing is held."""

    answer = http(Wall(), adapter=InProcess(), simulated=True).get("http://demo.invalid/gamma/events")

    assert (answer.content, answer.error) == (b'{"asked": true}', None)


def test_a_try_that_breaks_off_leaves_the_breaker_usable() -> None:
    """An interrupt in the half-open try must not block the host for ever."""
    wall = Wall()

    class Interrupted(BaseAdapter):
        def send(self, *_: Any, **__: Any) -> requests.Response:
            raise KeyboardInterrupt

        def close(self) -> None:
            """Nothing is held."""

    client = http(wall, adapter=Interrupted(), patience=Patience(breaker=BreakerLimits(failures=1, pause_seconds=15)))
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            client.get("http://demo.invalid/")
        assert breaker_of(client, "http://demo.invalid/") is BreakerState.OPEN
        wall.now += 60
        assert breaker_of(client, "http://demo.invalid/") is BreakerState.HALF_OPEN


def test_several_questions_are_answered_in_their_order() -> None:
    def echo(handler: Any) -> None:
        reply(200, {"path": handler.path})(handler)

    with serving(echo) as server:
        answers = http(Wall()).get_all(f"{server.url}/e", [{"q": str(i)} for i in range(12)])

    assert [answer.content for answer in answers] == [b'{"path": "/e?q=%d"}' % i for i in range(12)]


def test_used_up_credits_are_a_limit_that_no_second_try_lifts() -> None:
    wall = Wall()
    with serving(reply(402, {"detail": "no credits"})) as server:
        client = http(wall)
        answer = client.get(server.url)

    assert isinstance(answer.error, SourceLimitedError)
    assert "answered 402 (no credits); its credits are used up" in str(answer.error)
    assert (len(server.paths), wall.slept) == (1, [])
    assert breaker_of(client, server.url) is BreakerState.OPEN


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("public, max-age=900, s-maxage=3600", 900.0), ("Max-Age=60", 60.0), ("no-store", None), ("s-maxage=5", None), ("", None)],
)
def test_an_answer_knows_how_long_its_service_calls_it_fresh(header: str, seconds: float | None) -> None:
    with serving(reply(200, [], Cache_Control=header)) as server:
        assert http(Wall()).get(server.url).fresh_seconds == seconds


def test_a_service_of_tables_may_answer_in_text_and_a_page_is_still_no_answer() -> None:
    with serving(reply(200, b"station,valid\n", "text/plain"), reply(200, b"<html>", "text/html")) as server:
        client = http(Wall(), accepts=("JSON", "text/plain"))
        assert client.get(server.url).error is None
        assert "text/html in place of JSON or text/plain" in str(client.get(server.url).error)


def test_a_refusal_in_plain_words_is_quoted() -> None:
    with serving(reply(422, b"ERROR: bad dates\n", "text/plain")) as server:
        assert "answered 422 (ERROR: bad dates); check" in str(http(Wall()).get(server.url).error)


def test_headers_of_a_service_go_with_every_question() -> None:
    with serving(reply(200, [])) as server:
        http(Wall(), headers={"Authorization": "Bearer secret", "Accept": "text/csv"}).get(server.url)

    assert (server.headers[0]["Authorization"], server.headers[0]["Accept"]) == ("Bearer secret", "text/csv")


def test_a_host_that_wants_no_burst_is_paced_from_the_first_question() -> None:
    wall = Wall()
    with serving(reply(200, [])) as server:
        client = http(wall, per_minute=60, patience=Patience(burst=1.0))
        for _ in range(3):
            client.get(server.url)

    assert wall.slept == [pytest.approx(1.0), pytest.approx(1.0)]


def test_a_source_that_asks_nothing_says_why_and_is_not_ill() -> None:
    assert Health("zeus", note="no key").healthy
    assert not Health("zeus", last_error="down").healthy


@pytest.mark.parametrize("place", ["http://[::1", "http://a..b/", "http://" + "a" * 70 + ".example/", "file:///etc/passwd"])
def test_a_redirect_to_what_is_no_address_is_a_refusal(place: str) -> None:
    with serving(reply(302, {}, Location=place)) as server:
        answer = http(Wall()).get(f"{server.url}/metar")

    assert isinstance(answer.error, SourceRefusedError)
    assert "cannot be asked" in str(answer.error)


@pytest.mark.parametrize("address", ["http://[::1", "http://a..b", "nowhere", "gopher://old.example"])
def test_an_address_that_is_none_is_a_refusal_that_names_the_setting(address: str) -> None:
    answer = http(Wall()).get(f"{address}/metar")

    assert isinstance(answer.error, SourceRefusedError)
    assert "check its base_url" in str(answer.error)


def test_the_words_of_a_refusal_can_be_written_whatever_they_are() -> None:
    with serving(reply(400, {"error": "half a \ud83d character"})) as server:
        client = http(Wall())
        answer = client.get(f"{server.url}/metar")

    assert "half a ? character" in str(answer.error)
    client.health.last_error.encode()
