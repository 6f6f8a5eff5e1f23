"""Around a release of news nothing is bought: before it, because it comes, and after it, because it came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from agents.transmission.guard.draft import Draft
from agents.transmission.limits import Limit, pass_or_refuse
from core.registry import Release, load_calendar
from core.settings import Settings

ALL = "all"


def blackout(draft: Draft, settings: Settings) -> Limit:
    """Refuse around the releases of the kinds that are followed; value and limit: minutes to the release that is nearest.

    A kind of which the calendar knows no later release refuses too: nobody can say that none is near.
    """
    distance, needed = nearest(load_calendar(), settings.rules.blackout, draft.cycle.fill_at)
    return Limit(np.array([distance]), np.array([needed]), pass_or_refuse(np.array([distance > needed])))


def near_news(settings: Settings, at: datetime) -> bool:
    """Return whether an instant lies around a release, or nobody can say that it does not."""
    distance, needed = nearest(load_calendar(), settings.rules.blackout, at)
    return distance <= needed


def nearest(releases: Sequence[Release], kinds: str, at: datetime) -> tuple[float, float]:
    """Return the minutes to the release that leaves least room and the minutes that it needs; (0, inf): not known."""
    wanted = {release.kind for release in releases} if kinds == ALL else set(kinds.split(","))
    known = [release for release in releases if release.kind in wanted]
    if wanted - {release.kind for release in known if release.at >= at} or not known:
        return 0.0, np.inf
    room = [_distance(release, at) for release in known]
    return min(room, key=lambda each: each[0] - each[1])


def _distance(release: Release, at: datetime) -> tuple[float, float]:
    needed = release.before if at < release.at else release.after
    return abs((release.at - at).total_seconds()) / 60.0, needed.total_seconds() / 60.0
