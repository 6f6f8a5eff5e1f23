"""What `verify` prints: tables of scores, calibration, uncertainty and what was earned."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from core.checkpoints import CHECKPOINTS
from core.modes.lines import table
from core.wiring.research import Advantage, Audit, CheckpointScore, Count, MomentScore, Score, Skill, Uncertainty

NOTHING = "-"
CHECKPOINT_HEADER = (
    "checkpoint", "n", "model log", "market log", "pool log", "model Brier", "market Brier", "pool Brier", "model top",
    "market top", "print age",
)  # fmt: skip
ADVANTAGE_HEADER = ("checkpoint", "model", "pool", "DM p", "detectable", "traded", "pool there", "what may be said")
CALIBRATION_HEADER = (
    "checkpoint", "80 % cover", "honest within", "80 % width", "RPS", "PIT mean", "12 Var PIT", "tenths",
    "MCB / DSC model", "market", "floor hits",
)  # fmt: skip
MOMENT_HEADER = (
    "moments, local clock", "events", "moments", "model log", "market log", "model Brier", "market Brier", "model RPS",
    "market RPS", "model better",
)  # fmt: skip
RULE_HEADER = ("how the rule is read", "bracket", "exact value", "of")
UNCERTAINTY_HEADER = (
    "station", "", "look", "n", "forecast bias", "forecast RMSE", "n law", "law bias", "law RMSE", "sd claimed",
)  # fmt: skip
EARNED_HEADER = ("venue", "checkpoint", "n", "size", "pool weight", "correction", "of a claimed edge", "what decides")


def moment_lines(name: str, grade: str, found: Sequence[MomentScore]) -> Iterator[str]:
    """Yield the table of scores at every moment."""
    yield f"Set {name}, model against market at every moment at which both were read ({grade})"
    yield from table(MOMENT_HEADER, [
        (
            each.name, str(each.n_events), str(each.n_moments), *(_number(value) for value in (
                each.model_log, each.market_log, each.model_brier, each.market_brier, each.model_rps, each.market_rps,
            )), f"{each.model_better} of {each.n_events}",
        )
        for each in found
    ])  # fmt: skip
    yield "Few days, and all cities share their weather: this describes them and proves nothing."


def rule_lines(name: str, found: Sequence[Count]) -> Iterator[str]:
    """Yield the table of wrong readings of the rule."""
    yield f"Set {name}: what the reports would have settled under the rule, and under wrong ones (days right)"
    if not found:
        yield "no reports of the station or of a neighbour"
        return
    yield from table(RULE_HEADER, [
        (each.name, str(each.bracket), f"{each.value} of {each.n_valued}" if each.n_valued else NOTHING, str(each.n))
        for each in found
    ])  # fmt: skip


def score_lines(title: str, found: Score) -> Iterator[str]:
    """Yield the tables of one set's scores."""
    own, ahead = found.settlement, found.day1
    yield title
    if own.n:
        yield f"settlement from METAR text alone: bracket {own.bracket_agree} of {own.n}, exact value {own.value_agree} of {own.n}"
    else:
        yield "settlement: no reports of the station itself"
    yield from table(CHECKPOINT_HEADER, [_row(each) for each in found.checkpoints])
    spoke = [each for each in found.checkpoints if each.model_advantage is not None]
    if spoke:
        yield "ln p - ln q of what settled, nats per event against the market (positive is better), 90 % by dates:"
        yield from table(ADVANTAGE_HEADER, [_earned(each) for each in spoke])
        yield "calibration of the model:"
        yield from table(CALIBRATION_HEADER, [_calibrated(each) for each in spoke])
    if ahead.rps_model is None:
        return
    yield (
        f"17:45 D-1, whole °F, {ahead.n} days: RPS model {_number(ahead.rps_model)}, raw mean {_number(ahead.rps_baseline)}, "
        f"bias-corrected mean {_number(ahead.rps_bias_corrected)}"
    )
    for name, (change, interval, n) in ahead.against.items():
        low, high = interval or (None, None)
        yield f"model against {name}: {change:+.1f} % [{_number(low, '+.1f')}, {_number(high, '+.1f')}] on {n} days"
    yield (
        f"80 % coverage {_number(ahead.coverage80)}, mean 80 % width {_number(ahead.width80, '.2f')} °F "
        f"(at most {_number(ahead.widest, '.2f')}), log score {_number(ahead.log_model)} "
        f"(one law for all days around the same means: {_number(ahead.log_constant)})"
    )


def _row(found: CheckpointScore) -> Sequence[str]:
    scores = (
        found.model_log, found.market_log, found.pooled_log, found.model_brier, found.market_brier, found.pooled_brier,
        found.model_top, found.market_top,
    )  # fmt: skip
    age = NOTHING if found.median_print_age_s is None else f"{found.median_print_age_s / 60:.0f} min"
    return (found.at, str(found.n), *(_number(each) for each in scores), age)


def _earned(found: CheckpointScore) -> Sequence[str]:
    pooled = found.pooled_advantage
    assert pooled is not None
    traded = "" if found.traded_advantage is None else _interval(found.traded_advantage)
    return (
        found.at, _interval(found.model_advantage), _interval(pooled), _number(pooled.p_value), _number(pooled.least_detectable),
        f"{found.n_traded}", traded or NOTHING, pooled.verdict,
    )  # fmt: skip


def _interval(found: Advantage | None) -> str:
    if found is None or found.interval is None:
        return NOTHING
    return f"{found.interval.mean:+.3f} [{found.interval.low:+.3f}, {found.interval.high:+.3f}]"


def _calibrated(found: CheckpointScore) -> Sequence[str]:
    low, high = found.coverage_band or (None, None)
    flat = NOTHING if found.pit_half_width is None else (
        "flat" if max(abs(share - 1 / len(found.pit_shares)) for share in found.pit_shares) <= found.pit_half_width else "bent"
    )  # fmt: skip
    corp = [
        NOTHING if each is None else f"{each.miscalibration:.4f} / {each.discrimination:.4f}"
        for each in (found.model_corp, found.market_corp)
    ]
    return (
        found.at, _number(found.coverage80), f"{_number(low)} to {_number(high)}", _number(found.width80, ".2f"),
        _number(found.rps), _number(found.pit_mean), _number(found.pit_spread, ".2f"), flat, *corp,
        f"{found.floor_hits[0]}, {found.floor_hits[1]}",
    )  # fmt: skip


def _number(value: object, form: str = ".3f") -> str:
    return format(value, form) if isinstance(value, float) else NOTHING


def uncertainty_lines(found: Sequence[Uncertainty]) -> Iterator[str]:
    """Yield how wrong forecasts and laws were, by station, lead and hour."""
    yield "Uncertainty by lead and hour, in the rule's unit: what forecasts and laws missed, beside what the laws claimed"
    yield from table(UNCERTAINTY_HEADER, [
        (
            each.station, f"{each.extreme} °{each.unit}", each.at, str(each.n), _number(each.forecast_bias, "+.2f"),
            _number(each.forecast_rmse, ".2f"), str(each.n_law), _number(each.law_bias, "+.2f"), _number(each.law_rmse, ".2f"),
            _number(each.law_sd, ".2f"),
        )
        for each in found
    ])  # fmt: skip


def earned_lines(found: Sequence[Skill]) -> Iterator[str]:
    """Yield what each venue has earned at each checkpoint."""
    yield "Earned so far (a size needs 300 events on 60 dates; a weight 200 events, a correction 300)"
    yield from table(EARNED_HEADER, [
        (
            each.venue, CHECKPOINTS[each.checkpoint].name, str(each.n), each.gate.size, f"{each.weight.weight:.2f}",
            f"{each.recalibration.gain:+.3f} nats, {'on' if each.recalibration.on else 'off'}",
            f"{each.shrinkage.factor:.2f} (slope {_known(each.shrinkage.slope)} of {each.shrinkage.n})",
            each.gate.sentence,
        )
        for each in found
    ])  # fmt: skip


def _known(value: float) -> str:
    return _number(value, ".2f") if math.isfinite(value) else NOTHING


def audit_lines(found: Audit) -> Iterator[str]:
    """Yield the audit that assumes no shape."""
    yield "Isotonic audit, 17:45 D-1, whole °F: the fit that is best for every score, on the model's own mean, learned walk-forward"
    yield (
        f"RPS model {found.model:.3f}, isotonic {found.isotonic:.3f} on {found.n} days: {found.gap:+.1f} % (above +2 the model's "
        "shape or width is wrong)"
    )
