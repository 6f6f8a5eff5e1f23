"""Tables about what settled: columns, and rows in words with the exact numbers behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.services.calibrated import ALL, BLEND, LAW, LEAST_SHOWN, Calibrated, Miss, Spread
from core.services.comparisons import SettledRow, Settlements
from core.services.earned import Earned
from core.services.scored import Advantage, EdgeCurve, EdgePoint, Marks, ScoreRow
from dashboard import selection, wording
from dashboard.components.table import Cell, Column, Row
from dashboard.selection import Selection

SCORES = (
    Column("event", "checkpoint", left=True), Column("n", "events"), Column("log_model", "model"),
    Column("log_market", "market"), Column("log_pooled", "pool"), Column("d", "pool − market"),
    Column("low", "", named="90 % low", file_only=True), Column("high", "90 % by dates", minor=True, named="90 % high"),
    Column("least", "least detectable", minor=True), Column("why", "what may be said", left=True),
)  # fmt: skip
MORE = (
    Column("event", "checkpoint", left=True), *(
        Column(f"{score}_{speaker}", f"{name} {said}", scale=scale, minor=speaker == "pooled")
        for score, name, scale in (("brier", "Brier", 1), ("top", "hit %", 100), ("rps", "RPS", 1))
        for speaker, said in (("model", "model"), ("market", "market"), ("pooled", "pool"))
    ), Column("degrees", "RPS on whole degrees, model"),
)  # fmt: skip
GATES = (
    Column("event", "checkpoint", left=True), Column("venue", "venue", left=True), Column("size", "size", left=True),
    Column("n", "events"), Column("why", "what decides", left=True), Column("weight", "model's weight %", scale=100),
    Column("recalibration", "recalibration", left=True, minor=True), Column("shrinkage", "edge kept %", scale=100),
    Column("traded", "traded events", minor=True),
)  # fmt: skip
CHECKS = (
    Column("event", "checkpoint", left=True), Column("check", "check", left=True), Column("passed", "passed", left=True),
    Column("value", "value"), Column("limit", "limit"), Column("n", "n"), Column("why", "in words", left=True),
)  # fmt: skip
ERRORS = (
    Column("event", "station", left=True), Column("look", "look", left=True, minor=True), Column("source", "source", left=True),
    Column("n", "events"), Column("bias", "bias"), Column("mae", "mean absolute"), Column("rmse", "root mean square"),
)  # fmt: skip
BY_SOURCE = (Column("event", "source", left=True), *ERRORS[3:])
BY_STATION = (Column("event", "station", left=True), *ERRORS[3:])
SPREADS = (
    Column("event", "look", left=True), Column("n", "events"), Column("claimed", "claimed sd"), Column("realised", "realised"),
    Column("ratio", "realised %", scale=100, minor=True),
)  # fmt: skip
EDGES = (
    Column("event", "trades", left=True), Column("n", "n"), Column("claimed", "claimed ¢", scale=100),
    Column("realised", "realised ¢", scale=100), Column("low", "", named="90 % low ¢", scale=100, file_only=True),
    Column("high", "90 % by dates", minor=True, named="90 % high ¢", scale=100),
)  # fmt: skip
RECORD = (
    Column("event", "event", left=True, as_said=True), Column("venue", "venue", left=True, minor=True),
    Column("id", "", named="event id", file_only=True), Column("winner", "settled at", left=True, as_said=True),
    Column("reading", "reading"), Column("own", "METAR gives"), Column("own_bracket", "bracket by METAR", left=True, as_said=True),
    Column("agreed", "agreed", left=True), Column("forecast", "forecast", minor=True), Column("error", "error", minor=True),
    Column("at", "settled, UTC", left=True, minor=True),
)  # fmt: skip
SOURCES = {LAW: "model", BLEND: "forecasts together"}
NO_REPORTS = "No METAR report of this station on that day is in the folder"
TONES = {"none": "loss", "normal": "gain"}


def score_rows(rows: Sequence[ScoreRow]) -> list[Row]:
    """Return log scores and the advantage of the pool, a row for each checkpoint."""
    return [
        Row(
            row.checkpoint,
            (
                Cell(row.checkpoint, row.checkpoint), Cell(f"{row.n}", row.n, f"on {row.n_dates} dates"),
                _score(row.model, "Before its recalibration"), _score(row.market, _age(row)),
                _score(row.pooled, "As it was traded on"), *_advantage(row.advantage),
                Cell(row.advantage.verdict, row.advantage.verdict, _tested(row.advantage)),
            ),
            kind=_kind(row.n),
        )
        for row in rows
    ]  # fmt: skip


def _score(marks: Marks | None, about: str) -> Cell:
    if marks is None:
        return Cell(wording.NONE, None, "Nothing was scored here yet")
    hits = f"; {marks.floor_hits} winners were given less than 0.2 % and charged as that" if marks.floor_hits else ""
    return Cell(f"{marks.log:.3f}", marks.log, f"{about}{hits}")


def _age(row: ScoreRow) -> str:
    if row.market_age_seconds is None:
        return "Last prices"
    return f"Last prices, half of them older than {wording.span(row.market_age_seconds)}"


def _advantage(found: Advantage) -> tuple[Cell, Cell, Cell, Cell]:
    none = f"Needs 30 dates, there are {found.n_dates}"
    tone = {"better than the market": "gain", "worse than the market": "loss"}.get(found.verdict, "")
    said = _between(found.low, found.high, 3)
    return (
        Cell(_signed(found.mean, 3), found.mean, "Log score of the market less that of the pool; + is better [nats]", tone),
        Cell(said, found.low, none if found.low is None else ""), Cell(said, found.high, none if found.low is None else ""),
        Cell(_fixed(found.least_detectable, 3), found.least_detectable, "Smallest true advantage that so many events find in 4 of 5"),
    )  # fmt: skip


def _tested(found: Advantage) -> str:
    return "" if found.p_value is None else f"Diebold-Mariano by dates: p = {found.p_value:.2g}"


def more_rows(rows: Sequence[ScoreRow]) -> list[Row]:
    """Return the other scores, a row for each checkpoint."""
    return [
        Row(
            row.checkpoint,
            (
                Cell(row.checkpoint, row.checkpoint),
                *(_mark(marks, "brier") for marks in (row.model, row.market, row.pooled)),
                *(_mark(marks, "top") for marks in (row.model, row.market, row.pooled)),
                *(_mark(marks, "rps") for marks in (row.model, row.market, row.pooled)),
                Cell(_fixed(row.rps_degrees, 2), row.rps_degrees, _measured(row)),
            ),
            kind=_kind(row.n),
        )
        for row in rows
    ]  # fmt: skip


def _measured(row: ScoreRow) -> str:
    if row.n_degrees and row.rps_degrees is None:
        return "Events in °F and in °C have no score in common: choose a station"
    return f"on {row.n_degrees} events whose reading is known"


def _mark(marks: Marks | None, name: str) -> Cell:
    value = None if marks is None else getattr(marks, name)
    told = "Share of events whose likeliest bracket won" if name == "top" else "On the ladder" if name == "rps" else ""
    return Cell(wording.percent(value) if name == "top" else _fixed(value, 3), value, told)


def gate_rows(rows: Sequence[Earned]) -> list[Row]:
    """Return what is earned, a row for each venue and checkpoint."""
    return [
        Row(
            f"{row.venue} {row.checkpoint}",
            (
                Cell(row.checkpoint, row.checkpoint), Cell(row.venue.title(), row.venue),
                Cell(row.size, row.size, row.sentence, TONES.get(row.size, "")), Cell(f"{row.n}", row.n, f"on {row.n_dates} dates"),
                Cell(row.decided, row.decided, row.sentence), _weight(row), _recalibration(row), _shrinkage(row),
                Cell(f"{row.shrinkage_n}", row.shrinkage_n),
            ),
        )
        for row in rows
    ]  # fmt: skip


def _weight(row: Earned) -> Cell:
    how = "learned" if row.weight_learned else "prior: too few events to learn it"
    return Cell(wording.percent(row.weight), row.weight, f"In the pool with the market; {how}, n = {row.weight_n}")


def _recalibration(row: Earned) -> Cell:
    if not row.recalibration_n:
        return Cell(wording.NONE, None, "Nothing settled yet")
    gain = (
        f", {wording.signed(row.recalibration_gain, 4)} nats an event out of sample"
        if row.recalibration_gain is not None
        else ""
    )
    return Cell("on" if row.recalibrated else "off", row.recalibrated, f"n = {row.recalibration_n}{gain}")


def _shrinkage(row: Earned) -> Cell:
    return Cell(
        wording.percent(row.shrinkage), row.shrinkage, f"Part of a claimed edge that is thought real, n = {row.shrinkage_n}"
    )


def check_rows(rows: Sequence[Earned]) -> list[Row]:
    """Return every check of every gate."""
    return [
        Row(
            f"{row.venue} {row.checkpoint} {check.name}",
            (
                Cell(f"{row.checkpoint} {row.venue.title()}", row.checkpoint), Cell(check.name, check.name),
                Cell("yes" if check.passed else "no", check.passed, "", "gain" if check.passed else "loss"),
                Cell(_fixed(check.value, 3), check.value, "" if check.value is not None else "Too few events to say"),
                Cell(_fixed(check.limit, 2), check.limit), Cell(f"{check.n}", check.n), Cell(check.sentence, check.sentence),
            ),
        )
        for row in rows
        for check in row.checks
    ]  # fmt: skip


def miscalibration(found: Calibrated) -> str:
    """Return what miscalibration costs model and market."""
    parts = [
        f"{name}: miscalibration {one.log.miscalibration:.3f}, discrimination {one.log.discrimination:.3f} nats a bracket"
        for name, one in (("model", found.model), ("market", found.market))
        if one is not None
    ]
    return " · ".join(parts)


def flatness(found: Calibrated) -> str:
    """Return whether the transform is flat, or how many events are missing for saying it."""
    if found.transform is None:
        return "no law was issued"
    if found.verdict != "enough":
        return found.verdict
    return f"n = {found.transform.n}, {'flat' if found.transform.flatness.flat else 'not flat'} (all ten judged together)"


def coverage(found: Calibrated) -> str:
    """Return coverage of the central intervals with the bands of no surprise, and their width."""
    if found.transform is None:
        return ""
    parts = [
        f"<b>{100 * one.share:.1f} %</b> in the central {100 * one.level:.0f} % "
        f"({100 * one.low:.1f} to {100 * one.high:.1f} is no surprise"
        f"{')' if one.inside else '; <span class=amber>outside</span>)'}"
        for one in found.transform.coverage
    ]
    width = f" · central 80 % is {found.width:.1f}° wide" if found.width is not None else ""
    return " · ".join(parts) + width


def spread_rows(rows: Sequence[Spread]) -> list[Row]:
    """Return claimed beside realised spread, a row for each look."""
    return [
        Row(
            row.look,
            (
                Cell(row.look, row.look), Cell(f"{row.n}", row.n), Cell(f"{row.claimed:.2f}", row.claimed),
                Cell(f"{row.realised:.2f}", row.realised), Cell(wording.percent(_ratio(row)), _ratio(row), "Of the claimed spread"),
            ),
            kind=_kind(row.n),
        )
        for row in rows
    ]  # fmt: skip


def _ratio(row: Spread) -> float | None:
    return row.realised / row.claimed if row.claimed > 0 else None


def error_rows(rows: Sequence[Miss], about: Callable[[Miss], Sequence[Cell]]) -> list[Row]:
    """Return errors, each after the cells that say what it is about."""
    return [
        Row(
            f"{row.station_code} {row.look} {row.source}",
            (
                *about(row), Cell(f"{row.n}", row.n), Cell(_signed(row.bias, 2), row.bias), Cell(f"{row.mae:.2f}", row.mae),
                Cell(f"{row.rmse:.2f}", row.rmse),
            ),
            kind=_kind(row.n),
        )
        for row in rows
    ]  # fmt: skip


def of_source(row: Miss) -> Sequence[Cell]:
    """Return the source of an error."""
    return (Cell(SOURCES.get(row.source, row.source), row.source),)


def of_station(row: Miss) -> Sequence[Cell]:
    """Return the station of an error of the model."""
    return (Cell(row.station_code, row.station_code, "Of the model"),)


def of_all(row: Miss) -> Sequence[Cell]:
    """Return station, look and source of an error."""
    code = "all stations" if row.station_code == ALL else row.station_code
    return Cell(code, row.station_code), Cell(row.look, row.look), *of_source(row)


def edge_rows(found: EdgeCurve) -> list[Row]:
    """Return claimed and realised edges, all trades first, then by size of the claim."""
    groups = found.points if len(found.points) > 1 else ()
    named = [("all", found.total), *((f"claims, group {i}", point) for i, point in enumerate(groups, 1))]
    return [_edge(name, point) for name, point in named if point is not None]


def _edge(name: str, point: EdgePoint) -> Row:
    said = _between(None if point.low is None else 100 * point.low, None if point.high is None else 100 * point.high, 1)
    none = f"Needs 30 dates, there are {point.n_dates}" if point.low is None else ""
    return Row(
        name,
        (
            Cell(name, name), Cell(f"{point.n}", point.n, f"on {point.n_dates} dates"),
            Cell(_signed(100 * point.claimed, 1), point.claimed), Cell(_signed(100 * point.realised, 1), point.realised),
            Cell(said, point.low, none), Cell(said, point.high, none),
        ),
        kind=_kind(point.n),
    )  # fmt: skip


def agreement(found: Settlements) -> str:
    """Return how often METAR gave what settled."""
    if not found.compared:
        return f"{found.total} events, none of which has METAR reports here"
    return f"{found.total} shown of {found.n} · METAR gave the winner in {found.agreed} of {found.compared} ({_rate(found)} %)"


def _rate(found: Settlements) -> str:
    return wording.trimmed(100 * found.agreed / found.compared, 1)


def record_rows(rows: Sequence[SettledRow]) -> list[Row]:
    """Return settled events."""
    return [_settled(row) for row in rows]


def _settled(row: SettledRow) -> Row:
    where = Selection(row.station_code, row.event_day.isoformat(), row.extreme, row.venue)
    name = f"{row.city} {row.station_code} {row.extreme} {wording.day(row.event_day)} {row.event_day.year}"
    error = None if row.forecast is None or row.reading is None else row.reading - row.forecast
    said = "agreed" if row.agreed else "disagreed"
    return Row(
        row.event_id,
        (
            Cell(name, row.event_id, "Open on Live", link=selection.link(where)), Cell(row.venue.title(), row.venue),
            Cell(row.event_id, row.event_id), _bracket(row.winner_bracket, row.winner, row.unit),
            Cell(_degrees(row.reading, row.unit, 1), row.reading, "" if row.named else "The venue named a bracket, no reading"),
            Cell(_degrees(row.own_reading, row.unit, 0), row.own_reading, NO_REPORTS if row.own_reading is None else ""),
            _bracket(row.own_bracket, row.own_winner, row.unit),
            Cell(wording.NONE, None, NO_REPORTS) if row.agreed is None else Cell(said, row.agreed, "", "" if row.agreed else "loss"),
            Cell(_degrees(row.forecast, row.unit, 1), row.forecast, "Mean forecast of the evening before"),
            Cell(_signed(error, 1), error, "Settled less forecast"),
            Cell(f"{row.settled_at:%d %b %H:%M}" if row.settled_at else wording.NONE, row.settled_at),
        ),
        kind="won" if row.agreed is False else "",
    )  # fmt: skip


def _bracket(label: str, rank: int | None, unit: str) -> Cell:
    if rank is None:
        return Cell(wording.NONE, None, NO_REPORTS)
    return Cell(
        wording.spelled(label, unit) if label else f"bracket {rank + 1}",
        rank,
        "" if label else "Its name is not in this folder",
    )


def _degrees(value: float | None, unit: str, digits: int) -> str:
    return wording.NONE if value is None else f"{wording.trimmed(value, digits)}°{unit}"


def _fixed(value: float | None, digits: int) -> str:
    return wording.NONE if value is None else f"{value:.{digits}f}".replace("-", wording.MINUS)


def _signed(value: float | None, digits: int) -> str:
    return wording.NONE if value is None else wording.signed(value, digits)


def _between(low: float | None, high: float | None, digits: int) -> str:
    return wording.NONE if low is None or high is None else f"{_signed(low, digits)} to {_signed(high, digits)}"


def _kind(n: int) -> str:
    return "" if n >= LEAST_SHOWN else "dead"
