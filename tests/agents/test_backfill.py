"""Settled history is fetched once, kept as if it had been recorded, and survives a kill at any moment."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.backfill import Backfill, Backfilled, Shelving, shelving
from agents.backfill import run as backfill_run
from agents.backfill.plan import EVENT_DAYS, STATION_DAYS, last_day, pieces_of
from core.errors import SourceDownError
from core.model.record import Ask, Kind, Record
from core.model.rule import Extreme, Grade
from core.registry import Series, load_stations
from core.store.archive import Archive
from core.store.layout import closed_path
from core.store.parquet import write_closed_days
from core.store.snapshots import SnapshotStore
from core.units import micros
from tests.agents.weather.worlds import forecast, metar

NOW = datetime(2026, 6, 1, 17, tzinfo=UTC)
LAST = date(2026, 5, 31)
HOUR, ONE_DAY = timedelta(hours=1), timedelta(days=1)
STATIONS = [load_stations()[code] for code in ("KLGA", "KMIA")]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def series(venue: str, station: str, name: str, first: date = date.min, last: date = date.max) -> Series:
    return Series(venue, station, Extreme.HIGH, name, first, last, "", Grade.CAPTURED)


SERIES = [series("polymarket", "KLGA", "highest-in-nyc"), series("polymarket", "KMIA", "highest-in-miami")]


def at(day: date, hour: float) -> datetime:
    return datetime.combine(day, time(), UTC) + hour * HOUR


class Venue:
    """Lists each day's event two days before, shows a price each six hours, settles at 13Z of the day after."""

    name = "polymarket"
    gives_past = frozenset({Kind.EVENTS})

    def __init__(
        self, *, open_day: date | None = None, down: frozenset[date] = frozenset(), raw: str = "", settles: int = 13
    ) -> None:
        self.asked: list[Ask] = []
        self.open_day, self.down, self.raw, self.settles = open_day, down, raw, settles

    def past(self, ask: Ask) -> Iterator[Record]:
        self.asked.append(ask)
        for day in ask.days:
            if day in self.down:
                yield Record(self.name, Kind.EVENTS, ask.subject, NOW, None, b"", {}, {}, f"no answer about {day}")
            else:
                yield from self._event(f"{ask.subject}-{day}", day)

    def _event(self, subject: str, day: date) -> Iterator[Record]:
        def record(kind: Kind, heard_at: datetime, **facts: object) -> Record:
            raw = f"{kind} {self.raw}".encode()
            return Record(self.name, kind, subject, heard_at, None, raw, {"market_id": np.array(["m"], dtype=object)}, facts)

        yield record(Kind.EVENTS, at(day - 2 * ONE_DAY, 5), event_day=day.isoformat())
        for n in range(0, 72, 6):
            heard_at = at(day - 2 * ONE_DAY, 6 + n)
            yield replace(
                record(Kind.PRINTS, heard_at), rows={
                    "market_id": np.array(["m"], dtype=object), "valid_at": np.array([micros(heard_at)]),
                    "yes_price_micro": np.array([500_000 + n]), "size_micro": np.array([0]), "taker": np.array([""], dtype=object),
                },
            )  # fmt: skip
        final = day != self.open_day
        yield replace(
            record(
                Kind.OUTCOMES,
                at(day + ONE_DAY, self.settles),
                final=final,
                winner="m" if final else "",
                value=None,
                accepting=False,
            ),
            rows={"market_id": np.array(["m"], dtype=object), "won": np.array([final])},
        )


class Weather:
    """Vintages of forecasts that reach into the next days, and a report each hour; never asked twice at the same time."""

    name = "weather"
    gives_past = frozenset({Kind.FORECAST, Kind.METAR, Kind.CLIMATE})

    def __init__(self, *, down: frozenset[str] = frozenset(), raises: bool = False) -> None:
        self.asked: list[Ask] = []
        self.down, self.raises = down, raises
        self._busy = threading.Lock()

    def past(self, ask: Ask) -> Iterator[Record]:
        assert self._busy.acquire(blocking=False), "two questions at once"
        try:
            self.asked.append(ask)
            if ask.subject in self.down:
                yield from self._station(replace(ask, days=ask.days[:1]))
                if self.raises:
                    raise SourceDownError("weather: it is down")
                yield Record(self.name, ask.kind, ask.subject, NOW, None, b"", {}, {}, "weather: it is down")
            else:
                yield from self._station(ask)
        finally:
            self._busy.release()

    def _station(self, ask: Ask) -> Iterator[Record]:
        if ask.kind is Kind.FORECAST:
            first = ask.days[0] - 3 * ONE_DAY  # a vintage of before speaks of the first day
            for n in range(4 * ((ask.days[-1] - first).days + 1)):
                yield forecast(ask.subject, at(first, 0.5 + 6 * n), (20.0,))
        elif ask.kind is Kind.METAR:
            for day in ask.days:
                for hour in range(5, 29):
                    yield metar(
                        ask.subject, at(day, hour) + timedelta(minutes=56), [(at(day, hour) + timedelta(minutes=51), 200)]
                    )


def run(folder: Path, *sources: object, n_days: int = 25, now: datetime = NOW, **more: object) -> Backfilled:
    kept = Shelving(folder, now)
    try:
        backfill = Backfill(sources, kept, now, watch=lambda step: None, again_seconds=0.0, **more)  # type: ignore[arg-type]
        return backfill.run(STATIONS, SERIES, n_days)
    finally:
        kept.close()


def keys_of(folder: Path) -> Counter[tuple[str, str, str, int, int]]:
    """Return every record that the archive shows, by what it is and when it was heard."""
    view, found = Archive(folder).as_of([NOW + 30 * ONE_DAY]), Counter[tuple[str, str, str, int, int]]()
    for kind in Kind:
        for subject in view.subjects(kind, LONG_AGO):
            stack = view.stack(kind, subject, LONG_AGO, failed=True)
            rows = np.diff(stack.offsets).tolist()
            found.update(
                zip(
                    [str(kind)] * len(stack),
                    [subject] * len(stack),
                    stack.source,
                    stack.received_at.tolist(),
                    rows,
                    strict=True,
                )
            )
    return found


def test_everything_that_was_is_found_as_if_it_had_been_recorded(tmp_path: Path) -> None:
    result = run(tmp_path, Venue(), Weather())
    view = Archive(tmp_path).as_of([at(LAST, 12)])

    assert result.failed == {}
    assert result.kept["outcomes"] == 2 * 25
    assert result.kept["metar"] == 2 * 25 * 24
    assert result.kept["forecast"] == 2 * 4 * (25 + 3)
    stack = view.stack(Kind.METAR, "KLGA", LONG_AGO)
    assert stack.received_at[-1] <= micros(at(LAST, 12))  # what was heard later is not known yet
    assert len(view.subjects(Kind.OUTCOMES, LONG_AGO)) == 2 * 24 - 2  # the last two days' came later


def test_a_second_run_asks_nothing_and_changes_no_byte(tmp_path: Path) -> None:
    run(tmp_path, Venue(), Weather())
    before = {path: path.read_bytes() for path in (tmp_path / "archive").rglob("*.parquet")}
    venue, weather = Venue(), Weather()

    result = run(tmp_path, venue, weather)

    assert (venue.asked, weather.asked) == ([], [])
    assert (result.pieces, result.kept) == (0, {})
    assert {path: path.read_bytes() for path in (tmp_path / "archive").rglob("*.parquet")} == before


def test_more_days_ask_for_what_is_missing_only(tmp_path: Path) -> None:
    run(tmp_path, Venue(), Weather(), n_days=10)
    venue, weather = Venue(), Weather()

    run(tmp_path, venue, weather, n_days=25)
    run(tmp_path / "whole", Venue(), Weather(), n_days=25)

    asked = {day for ask in (*venue.asked, *weather.asked) for day in ask.days}
    assert max(asked) == LAST - 10 * ONE_DAY
    assert keys_of(tmp_path) == keys_of(tmp_path / "whole")


class Killed(BaseException):
    """Stands for a kill: nothing after it runs."""


@pytest.mark.parametrize("at_write", [1, 2, 5])
@pytest.mark.parametrize("place", ["before the note", "within the write"])
def test_a_kill_leaves_an_archive_that_the_next_run_completes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_write: int, place: str
) -> None:
    """The bytes of the second run's answers differ, as a venue's do from hour to hour: still nothing is there twice."""
    seen = [0]

    def dies(*_: object) -> None:
        seen[0] += 1
        if seen[0] == at_write:
            raise Killed

    def dies_within(folder: Path, records: list[Record]) -> list[Path]:
        half = records[: len(records) // 2] if seen[0] == at_write - 1 else records
        written = write_closed_days(folder, half)
        dies()
        return written

    with monkeypatch.context() as patch:
        patch.setattr(backfill_run, "BUSY", 0.0)  # a write after each answer
        if place == "before the note":
            patch.setattr(shelving, "failpoint", dies)
        else:
            patch.setattr(shelving, "write_closed_days", dies_within)
        with pytest.raises(Killed):
            run(tmp_path, Venue(raw="first"), Weather(), pause_seconds=0.0)
    run(tmp_path, Venue(raw="second"), Weather())
    run(tmp_path / "undisturbed", Venue(), Weather())

    assert keys_of(tmp_path) == keys_of(tmp_path / "undisturbed")
    assert set(keys_of(tmp_path).values()) == {1}


def test_what_was_recorded_live_stays_beside_the_past(tmp_path: Path) -> None:
    day = LAST - 5 * ONE_DAY
    closed = metar("KLGA", at(day, 9), [(at(day, 8), 111)])
    hot = metar("KMIA", at(day, 9), [(at(day, 8), 222)])
    write_closed_days(tmp_path, [closed])
    store = SnapshotStore(tmp_path)
    store.publish([hot])
    store.close()

    run(tmp_path, Weather())

    view = Archive(tmp_path).as_of([NOW])
    for code, tenths in (("KLGA", 111), ("KMIA", 222)):
        stack = view.stack(Kind.METAR, code, LONG_AGO)
        assert tenths in stack.columns["tenths"].tolist()
        assert len(stack) == 25 * 24 + 1


def test_today_is_no_closed_day(tmp_path: Path) -> None:
    """The reports of the last local day end at 04:56Z, the outcome came at 13Z: today, and found all the same."""
    run(tmp_path, Venue(), Weather())

    view = Archive(tmp_path).as_of([NOW])
    assert not closed_path(tmp_path, Kind.METAR, NOW.date()).exists()
    assert not closed_path(tmp_path, Kind.OUTCOMES, NOW.date()).exists()
    assert len(view.stack(Kind.OUTCOMES, f"highest-in-nyc-{LAST}", LONG_AGO)) == 1
    assert view.stack(Kind.METAR, "KLGA", LONG_AGO).received_at[-1] == micros(at(NOW.date(), 4) + timedelta(minutes=56))


def test_what_would_not_be_known_yet_is_not_kept(tmp_path: Path) -> None:
    result = run(tmp_path, Venue(settles=20))
    again = Venue(settles=20)
    run(tmp_path, again, now=NOW + 4 * HOUR)

    assert result.later == 2  # the outcomes of the last day, told three hours from now
    assert result.kept["outcomes"] == 2 * 24
    assert {day for ask in again.asked for day in ask.days} == {LAST}
    assert len(Archive(tmp_path).as_of([NOW + 4 * HOUR]).subjects(Kind.OUTCOMES, LONG_AGO)) == 2 * 25


@pytest.mark.parametrize("raises", [False, True])
def test_a_failed_question_is_told_keeps_nothing_and_is_asked_again(tmp_path: Path, raises: bool) -> None:
    broken, whole = Weather(down=frozenset({"KMIA"}), raises=raises), Weather()

    first = run(tmp_path, broken)
    middle = keys_of(tmp_path)
    second = run(tmp_path, whole)

    assert set(first.failed.values()) == {"weather: it is down"}
    assert len(broken.asked) == 4 + 2 * 4  # KLGA's two kinds in two blocks; KMIA's once more at the end
    assert {subject for _, subject, *_ in middle} == {"KLGA"}
    assert {ask.subject for ask in whole.asked} == {"KMIA"}
    assert second.failed == {}


def test_one_missing_answer_of_a_series_costs_that_day_alone(tmp_path: Path) -> None:
    lost = LAST - 12 * ONE_DAY

    first = run(tmp_path, Venue(down=frozenset({lost})))
    again = Venue()
    run(tmp_path, again)

    assert len(first.failed) == 2
    assert first.kept["outcomes"] == 2 * 24
    assert {day for ask in again.asked for day in ask.days} == {lost}


def test_a_day_without_its_final_word_is_asked_again_until_it_has_it(tmp_path: Path) -> None:
    run(tmp_path, Venue(open_day=LAST))
    venue = Venue()
    run(tmp_path, venue)

    assert {day for ask in venue.asked for day in ask.days} == {LAST}


class Empty(Venue):
    def past(self, ask: Ask) -> Iterator[Record]:
        self.asked.append(ask)
        yield from ()


def test_old_days_without_an_event_are_not_asked_for_ever(tmp_path: Path) -> None:
    run(tmp_path, Empty())
    again = Empty()
    run(tmp_path, again)

    assert {day for ask in again.asked for day in ask.days} == {LAST, LAST - ONE_DAY, LAST - 2 * ONE_DAY}


class Meeting(Weather):
    """Answers only while another source is asked, too."""

    def __init__(self, name: str, barrier: threading.Barrier) -> None:
        super().__init__()
        self.name, self._barrier = name, barrier  # type: ignore[misc]

    def past(self, ask: Ask) -> Iterator[Record]:
        self._barrier.wait(timeout=20)
        yield from super().past(ask)


def test_hosts_are_asked_at_the_same_time_and_each_one_thing_after_another(tmp_path: Path) -> None:
    barrier = threading.Barrier(2)

    result = run(tmp_path, Meeting("one", barrier), Meeting("two", barrier), n_days=2)

    assert result.failed == {}


def test_a_stop_leaves_what_was_answered_and_the_rest_for_the_next_run(tmp_path: Path) -> None:
    steps: list[object] = []
    kept = Shelving(tmp_path, NOW)
    backfill = Backfill([Weather()], kept, NOW, watch=steps.append, stopping=lambda: len(steps) >= 2, again_seconds=0.0)

    result = backfill.run(STATIONS, SERIES, 25)
    kept.close()
    run(tmp_path, Weather())
    run(tmp_path / "undisturbed", Weather())

    assert result.stopped
    assert 0 < sum(result.kept.values()) < sum(keys_of(tmp_path / "undisturbed").values())
    assert keys_of(tmp_path) == keys_of(tmp_path / "undisturbed")


def pieces(source: object, codes: str, rows: list[Series], n_days: int = 45) -> list[tuple[str, str, int]]:
    stations = [load_stations()[code] for code in codes.split()]
    found, _ = pieces_of(source, stations, rows, n_days, NOW, {})  # type: ignore[arg-type]
    return [(str(piece.kind), piece.subject, len(piece.days)) for piece in found]


def test_each_venue_is_asked_for_its_own_series_while_they_were_valid() -> None:
    rows = [
        series("polymarket", "LFPG", "highest-in-paris", last=date(2026, 4, 18)),
        series("polymarket", "LFPB", "highest-in-paris", date(2026, 4, 19)),
        series("kalshi", "LFPB", "KXPARIS"),
    ]  # fmt: skip

    asked = pieces(Venue(), "LFPB LFPG", rows)

    assert {subject for _, subject, _ in asked} == {"highest-in-paris"}
    assert sum(n for *_, n in asked) == 45
    assert max(n for *_, n in asked) == EVENT_DAYS


def test_only_who_sends_reports_is_asked_for_them() -> None:
    """The observatory of Hong Kong has no METAR; climate reports are for stations on which Kalshi settles."""
    asked = pieces(Weather(), "HKO KNYC EGLC", [series("kalshi", "KNYC", "KXHIGHNY")], n_days=STATION_DAYS)

    assert {subject for kind, subject, _ in asked if kind == "metar"} == {"KNYC", "EGLC"}
    assert {subject for kind, subject, _ in asked if kind == "climate"} == {"KNYC"}
    assert {subject for kind, subject, _ in asked if kind == "forecast"} == {"HKO", "KNYC", "EGLC"}


@pytest.mark.parametrize(
    ("code", "now", "last"),
    [
        ("KLGA", NOW, LAST),
        ("RJTT", NOW, LAST),
        ("KLGA", NOW.replace(hour=15), LAST - ONE_DAY),
        ("NZWN", NOW.replace(hour=1), LAST),
    ],
)
def test_a_day_counts_as_settled_twelve_hours_after_its_end(code: str, now: datetime, last: date) -> None:
    assert last_day(load_stations()[code], now) == last


def test_the_oldest_days_of_all_stations_come_first() -> None:
    """What is written together then lies in few files."""
    found, _ = pieces_of(Venue(), STATIONS, SERIES, 30, NOW, {})

    assert [piece.days[0] for piece in found] == sorted(piece.days[0] for piece in found)
    assert {piece.station for piece in found[:2]} == {"KLGA", "KMIA"}


def test_what_a_recorded_desk_would_have_known_is_left_out_and_asked_again_for_another_folder(tmp_path: Path) -> None:
    """A replay of its cycles sees what it saw; what came after its last cycle is kept."""
    until = at(LAST - 4 * ONE_DAY, 12)
    store = SnapshotStore(tmp_path)
    store.publish([metar("KMIA", at(LAST - 5 * ONE_DAY, 9), [(at(LAST - 5 * ONE_DAY, 8), 222)])])
    store.close()
    before = known_by(tmp_path, until)

    shelving = Shelving(tmp_path, NOW, until)
    result = Backfill([Venue(), Weather()], shelving, NOW, watch=lambda step: None, again_seconds=0.0).run(STATIONS, SERIES, 25)
    shelving.close()

    assert known_by(tmp_path, until) == before
    assert result.before > 0
    assert sum(result.kept.values()) > 0
    run(tmp_path / "other", Venue(), Weather())
    assert {key for key in keys_of(tmp_path / "other") if key[3] > micros(until)} <= set(keys_of(tmp_path))
    assert not any(shelving.done.values())  # each answer had a part that was left out


def known_by(folder: Path, instant: datetime) -> list[object]:
    archive = Archive(folder)
    view = archive.as_of([instant])
    subjects = [(kind, subject) for kind in Kind for subject in view.subjects(kind, LONG_AGO)]
    found = [view.stack(*each, LONG_AGO, failed=True) for each in subjects]
    archive.close()
    return [(each.kind, each.subject, each.received_at.tolist(), each.first_at.tolist()) for each in found]
