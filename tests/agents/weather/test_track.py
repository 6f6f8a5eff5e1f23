"""The track record: scored from the records, kept as rows, given back to the bit, earned a day at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.weather import track_rows as track_rows_module
from agents.weather.desk import WeatherDesk
from agents.weather.skill import SkillMemory, Skills, skill_of
from agents.weather.track import Scored, Track, TrackMemory, newest_of
from agents.weather.track_rows import maker_of, scored_of_rows, state_rows, track_rows
from core.checkpoints import CHECKPOINTS, LOOKS
from core.model.record import Record
from core.model.rule import Extreme
from core.model.targets import EARNED
from core.registry import load_stations
from core.store.archive import Archive
from core.store.track import TrackStore
from core.units import Unit, micros
from tests.agents.test_verify import FIRST, MIAMI, READINGS, all_records, miami
from tests.agents.weather.worlds import SETTINGS, archive_of, event, forecast, listing, outcome, window_start

LAST = FIRST + timedelta(days=len(READINGS))
AFTER = datetime(LAST.year, LAST.month, LAST.day, 23, tzinfo=UTC)
DAY = 86_400_000_000


def archive(folder: Path, more: Sequence[Record] = ()) -> Archive:
    return archive_of(folder, sorted([*all_records(), *more], key=lambda record: record.received_at))


def desk() -> WeatherDesk:
    return WeatherDesk((MIAMI,), SETTINGS)


def settled(found: Archive, until: datetime = AFTER) -> tuple[Scored, ...]:
    return desk().settled(found.as_of([until]))


def same(one: Scored, other: Scored) -> bool:
    """Return whether two scored events have the same bits."""
    for name in Scored.__slots__:
        left, right = getattr(one, name), getattr(other, name)
        if name == "sources":
            if left.keys() != right.keys() or any(left[key].tobytes() != right[key].tobytes() for key in left):
                return False
        elif isinstance(left, np.ndarray):
            if left.tobytes() != right.tobytes():
                return False
        elif left != right and not (left != left and right != right):  # NaN
            return False
    return True


def test_every_settled_event_is_scored_once_with_what_the_desk_believed_at_each_checkpoint(tmp_path: Path) -> None:
    found = archive(tmp_path)

    scored = settled(found)

    assert [each.reading for each in scored] == list(READINGS)
    assert all(each.exact and each.own == each.reading for each in scored)
    last = scored[-1]
    for rank, checkpoint in enumerate(CHECKPOINTS):
        at = checkpoint.at(MIAMI.tz, last.event_day)
        then = desk().evaluate(desk().observe(found.as_of([at])), SETTINGS)
        column = [each.event.event_id for each in then.panel.events].index(last.event_id)
        assert last.p_model[rank].tobytes() == then.p_model[0, column].tobytes()
        assert last.p_market[rank].tobytes() == then.p_market[0, column].tobytes()
        assert last.lower[rank] < last.upper[rank] <= 1.0


def test_an_event_without_a_final_word_is_not_scored_yet(tmp_path: Path) -> None:
    """The outcome of the last day comes eight hours after its end; the day before is settled."""
    before = datetime(LAST.year, LAST.month, LAST.day, 4, tzinfo=UTC)

    assert [each.reading for each in settled(archive(tmp_path), before)] == list(READINGS[:-1])


def test_rows_give_back_every_event_to_the_bit(tmp_path: Path) -> None:
    scored = settled(archive(tmp_path))
    store = TrackStore(tmp_path / "kept", "weather")

    store.append(track_rows(scored, maker_of(SETTINGS, (MIAMI,))), state_rows([], ""))
    again = list(scored_of_rows(TrackStore(tmp_path / "kept", "weather", readonly=True).track()))

    assert len(again) == len(scored)
    assert all(same(one, other) for one, other in zip(scored, again, strict=True))


def test_a_desk_that_resumes_scores_nothing_again_and_believes_the_same(tmp_path: Path) -> None:
    found = archive(tmp_path)
    first, second = desk(), desk()
    first.observe(found.as_of([AFTER]))
    kept, states = first.learned()
    second.resume(kept)

    second.observe(found.as_of([AFTER]))
    again, states_again = second.learned()

    assert len(kept["event_id"]) == len(READINGS) * len(LOOKS)
    assert len(again["event_id"]) == 0
    assert len(states["day"]) > 0
    assert states["detail"][-4:].tolist() == states_again["detail"][-4:].tolist()
    assert states["n"][-4:].tolist() == states_again["n"][-4:].tolist()


def test_rows_of_another_maker_are_made_again(tmp_path: Path) -> None:
    found, other = archive(tmp_path), desk()
    rows = track_rows(settled(found), "spread-0123456789ab")

    other.resume(rows)
    other.observe(found.as_of([AFTER]))

    assert len(other.learned()[0]["event_id"]) == len(READINGS) * len(LOOKS)


def test_what_came_in_behind_what_was_scored_leaves_the_record_that_a_new_desk_makes(tmp_path: Path) -> None:
    """A session scored three days without what an earlier one teaches; a backfill then brings that one."""
    past, whole = archive(tmp_path / "past"), archive(tmp_path / "whole")
    session = desk()
    session.observe(past.as_of([AFTER]))
    kept, _ = session.learned()
    later = kept["event_id"] != miami(FIRST).event_id
    stale = {name: column[later] for name, column in kept.items()}
    stale["p_model"] = np.array(["[" + ", ".join(["0.0"] * 5) + "]" if text else "" for text in stale["p_model"]], dtype=object)

    again = desk()
    again.resume(stale)
    again.observe(whole.as_of([AFTER]))
    rows, _ = again.learned()

    assert rows["event_id"].tolist() == kept["event_id"].tolist()
    assert rows["p_model"].tolist() == kept["p_model"].tolist()
    assert rows["p_pooled"].tolist() == kept["p_pooled"].tolist()


def test_outcomes_of_other_stations_make_nothing_be_scored_again(tmp_path: Path) -> None:
    found = archive(tmp_path)
    first = desk()
    first.observe(found.as_of([AFTER]))
    kept, _ = first.learned()
    strange = event("elsewhere", day=FIRST, station="KLGA")
    more = archive(
        tmp_path / "more", [listing(strange, AFTER - timedelta(days=3)), outcome(strange, AFTER - timedelta(days=2), 80)]
    )

    second = desk()
    second.resume(kept)
    second.observe(more.as_of([AFTER]))

    assert len(second.learned()[0]["event_id"]) == 0


def test_a_desk_that_resumes_knows_the_oldest_case_that_counts(tmp_path: Path) -> None:
    """Settled soon after its day, 181 days before the event day: no desk may know it that another one does not."""
    old, new = event("old", day=LAST - timedelta(days=181)), event("new", day=LAST)
    begin, now = window_start(old), window_start(new) + timedelta(hours=8)
    records = [
        listing(old, begin - timedelta(days=2)), forecast("KLGA", begin - timedelta(hours=8), (25.0,)),
        outcome(old, begin + timedelta(hours=25), 80),
        listing(new, window_start(new) - timedelta(days=2)), forecast("KLGA", now - timedelta(hours=9), (25.0,)),
    ]  # fmt: skip
    found, ran, resumed = archive_of(tmp_path, records), new_york(), new_york()
    ran.observe(found.as_of([begin + timedelta(hours=30)]))
    resumed.resume(ran.learned()[0])

    one, other = (each.observe(found.as_of([now])).learned for each in (ran, resumed))

    assert one.n.tolist() == other.n.tolist() == [[1.0], [1.0]]
    assert one.bias.tobytes() == other.bias.tobytes()


def new_york() -> WeatherDesk:
    return WeatherDesk((load_stations()["KLGA"],), SETTINGS)


def test_whoever_believes_by_another_table_is_another_maker(monkeypatch: pytest.MonkeyPatch) -> None:
    before = maker_of(SETTINGS, (MIAMI,))

    monkeypatch.setattr(track_rows_module, "load_hold", lambda: {"": ((14.0, 0.5),)})

    assert maker_of(SETTINGS, (MIAMI,)) != before
    assert maker_of(SETTINGS, (replace(MIAMI, neighbours=()),)) != maker_of(SETTINGS, (replace(MIAMI, neighbours=(MIAMI,)),))


def test_a_corrected_outcome_counts_from_when_it_was_received(tmp_path: Path) -> None:
    corrected = datetime(2024, 9, 9, 20, tzinfo=UTC)
    found = settled(archive(tmp_path, [outcome(miami(FIRST), corrected, 90)]))
    track = TrackMemory()
    track.give(found)

    before, after = (track.track("polymarket", 0, micros(corrected) + more) for more in (0, 1))

    assert [each.reading for each in found if each.event_day == FIRST] == [READINGS[0], 90.0]
    assert [each.reading for each in newest_of(found) if each.event_day == FIRST] == [90.0]
    place = before.ordinal.tolist().index(FIRST.toordinal())
    other = after.ordinal.tolist().index(FIRST.toordinal())
    assert len(before.ordinal) == len(after.ordinal)
    assert before.winner[place] != after.winner[other]


def test_what_is_older_than_any_state_looks_back_is_let_go() -> None:
    track = TrackMemory()
    track.give(scored(rank, model=0.5, market=0.4) for rank in range(8))

    track.forget(micros(datetime(2025, 1, 3, tzinfo=UTC)))

    assert len(track.track("kalshi", 0, 2**62).ordinal) == 4
    assert not track.has("e0000", scored(0, model=0.5, market=0.4).since)
    assert track.has("e0007", scored(7, model=0.5, market=0.4).since)


def test_what_was_received_later_changes_nothing_that_was_learned_before(tmp_path: Path) -> None:
    until = datetime(2024, 9, 9, 23, tzinfo=UTC)
    known = [record for record in all_records() if record.received_at <= until]

    whole = settled(archive(tmp_path / "whole"), until)
    part = settled(archive_of(tmp_path / "part", sorted(known, key=lambda record: record.received_at)), until)

    assert len(part) == len(whole) == 4
    assert all(same(one, other) for one, other in zip(whole, part, strict=True))


def test_looks_of_a_day_together_have_the_states_of_looks_alone(tmp_path: Path) -> None:
    """The outcome of the day before comes at 13:00Z: neither block nor look counts it before the next UTC day."""
    found = archive(tmp_path)
    day = datetime(2024, 9, 9, tzinfo=UTC)
    instants = [day + timedelta(hours=hour) for hour in (14, 16, 20)]

    together = desk().observe(found.as_of(instants)).skills
    alone = [desk().observe(found.as_of([at])).skills for at in instants]

    assert together.weight.tobytes() == np.concatenate([each.weight for each in alone]).tobytes()
    assert {state.n for state in together.states} == {3}


def scored(rank: int, *, model: float, market: float, claimed: float = np.nan) -> Scored:
    """Return an event of three brackets that the first won, given so much by each."""
    n = len(CHECKPOINTS)

    def pmf(first: float) -> np.ndarray:
        return np.tile([first, (1 - first) / 2, (1 - first) / 2], (n, 1))

    day = date(2025, 1, 1) + timedelta(days=rank // 4)
    looks, marks = np.zeros(len(LOOKS)), np.zeros(n)
    return Scored(
        event_id=f"e{rank:04}", venue="kalshi", station="KMIA", event_day=day, extreme=Extreme.HIGH, unit=Unit.FAHRENHEIT,
        since=micros(datetime(day.year, day.month, day.day, 13, tzinfo=UTC)) + DAY + rank, winner=0, reading=80.0, exact=True,
        own=80.0, own_winner=0, at=looks.astype(np.int64), forecast=looks, sources={}, mean=looks, sd=looks, floor=looks,
        n_residuals=looks.astype(np.int64), p_model=pmf(model), p_market=pmf(market), p_pooled=pmf(market),
        lower=marks + (rank * 7 % 10) / 10, upper=marks + (rank * 7 % 10) / 10 + 0.1, raw_lower=marks, raw_upper=marks + 1.0,
        rps=marks, width=marks, market_age=marks, booked=marks + 1.0, claimed=marks + claimed, realised=marks + claimed, closing=marks + 0.01,
    )  # fmt: skip


def track_of(events: Iterable[Scored]) -> Track:
    """Return all of some settled events of Kalshi at the first checkpoint."""
    memory = TrackMemory()
    memory.give(events)
    return memory.track("kalshi", 0, 2**62)


@pytest.mark.parametrize(("model", "market", "n", "size"), [
    (0.5, 0.4, 100, "probe"),  # fewer than 300 events
    (0.2, 0.5, 400, "none"),  # surely worse
    (0.5, 0.4, 400, "normal"),  # surely better, calibrated, and what it claimed came
])  # fmt: skip
def test_the_record_earns_a_size(model: float, market: float, n: int, size: str) -> None:
    track = track_of(scored(rank, model=model, market=market, claimed=0.1) for rank in range(n))

    skill = skill_of(track, "kalshi", 0, 0, 0.3)

    assert skill.gate.size == size
    assert (skill.weight.n, skill.weight.used) == (n, n >= 200)


def test_no_size_is_earned_against_prints() -> None:
    """What was paid is not what could have been had."""
    printed = [
        replace(scored(rank, model=0.5, market=0.4, claimed=0.1), booked=np.zeros(len(CHECKPOINTS))) for rank in range(400)
    ]

    assert skill_of(track_of(printed), "kalshi", 0, 0, 0.3).gate.size == "probe"


def test_states_of_a_day_rest_on_what_was_received_before_it_began() -> None:
    track = TrackMemory()
    track.give([scored(rank, model=0.5, market=0.4) for rank in range(8)])  # four a day, received 13:00Z the day after
    memory = SkillMemory(track)
    third = micros(datetime(2025, 1, 3, tzinfo=UTC))

    assert [memory.of("kalshi", 0, third + day * DAY).n for day in (-1, 0, 1)] == [0, 4, 8]
    assert memory.of("polymarket", 0, third).n == 0


def test_what_was_earned_reaches_the_sizes(tmp_path: Path) -> None:
    found = archive(tmp_path)
    memory = desk()
    panel = memory.observe(found.as_of([datetime(2024, 9, 9, 14, tzinfo=UTC)]))
    state = panel.skills.states[0]
    none = replace(state, gate=replace(state.gate, size="none"), shrinkage=replace(state.shrinkage, factor=0.5))

    skills = Skills(panel.skills.place * 0, (none,))

    assert set(skills.earned.ravel().tolist()) == {EARNED.index("none")}
    assert set(skills.factor.ravel().tolist()) == {0.5}
