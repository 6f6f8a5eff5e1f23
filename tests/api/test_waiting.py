"""An event that waits too long for its final word stands among the notices until it has it."""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from core.journal.changes import Obedience
from core.model.activity import Action, Activity, Severity
from core.model.settlement import Finality
from core.wiring.faces import build_services
from tests.api import world
from tests.api.conftest import settings_of

DAY = date(2026, 12, 6)


def said(folder: Path, kind: str, day: date = DAY, hours: float = 1.0) -> None:
    """Let the engine say that an event waits."""
    line = Activity(
        world.NOW - timedelta(hours=hours), Action.SETTLEMENT, f"New York {day}: over for 2 days", Severity.WARNING, kind, "KLGA",
        day, world.event_id(day),
    )  # fmt: skip
    with closing(world.open_journal(folder)) as journal:
        journal.commit(world.cycle(90, world.NOW), journal.account("weather"), Obedience(f"{kind}{day}{hours}", None, (line,)))


def notices(folder: Path) -> dict[str, tuple[str, str]]:
    warnings = build_services(settings_of(folder)).status.strip().warnings
    return {notice.code: (notice.severity, notice.message) for notice in warnings}


def test_what_waits_is_a_notice_with_its_day(tmp_path: Path) -> None:
    world.build(tmp_path)
    assert "settlement_waits" not in notices(tmp_path)

    said(tmp_path, "settlement_stalled")

    assert notices(tmp_path)["settlement_waits"] == ("warning", "New York 2026-12-06: over for 2 days.")


def test_an_unknown_winner_comes_first_and_is_more_than_a_warning(tmp_path: Path) -> None:
    world.build(tmp_path)
    said(tmp_path, "settlement_stalled", DAY - timedelta(days=1))
    said(tmp_path, "settlement_unknown")

    assert notices(tmp_path)["settlement_waits"] == (
        "danger", "2 events wait for their final word; New York 2026-12-06: over for 2 days."
    )  # fmt: skip


def test_a_final_word_or_a_day_of_silence_ends_the_notice(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        world.build(tmp_path / name)
    said(tmp_path / "a", "settlement_stalled", hours=27)
    said(tmp_path / "b", "settlement_stalled")
    of = world.cycle(91, world.NOW)
    with closing(world.open_journal(tmp_path / "b")) as journal:
        journal.commit(of, journal.account("weather"), world.payout(DAY, 1, Finality.FINAL, of))

    assert "settlement_waits" not in notices(tmp_path / "a")
    assert "settlement_waits" not in notices(tmp_path / "b")
