"""How long a word stands: a service whose numbers change hourly is not asked every minute."""

from __future__ import annotations

from datetime import datetime, timedelta

MOST = timedelta(hours=1)  # below the 90 minutes after which a forecast counts as unconfirmed


class Standing:
    """Until when the last good answer about each subject stands; what failed may be asked again at once.

    While it stands the source says nothing: the record that lies in the archive is the answer. Handing the same bytes out
    again as received now would claim that somebody had asked.
    """

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def is_due(self, subject: str, now: datetime) -> bool:
        """Return whether a subject may be asked about."""
        until = self._until.get(subject)
        return until is None or now >= until

    def stands(self, subject: str, received_at: datetime, span: timedelta = MOST) -> None:
        """Remember a good answer; it stands for `span`, at most an hour."""
        self._until[subject] = received_at + min(span, MOST)
