"""Every error of Hermes, sorted by what to do next.

HermesError
├── SettingsError        stop at start: a setting is missing or wrong
├── SourceError          an outside service did not answer as hoped
│   ├── SourceDownError      retry later
│   │   └── SourceTimeoutError   it kept us waiting: not asked again in this cycle
│   ├── SourceLimitedError   wait: the service asked us to slow down
│   ├── SourceRefusedError   stop asking that source: key, geography, unknown endpoint
│   └── WireError            it answered something we do not understand: keep the bytes, no retry
├── RuleError            do not trade the event: its settlement text is not understood
├── LadderError          do not trade the event: its brackets do not partition the readings
├── StoreError           a folder or file of ours cannot be read or written
├── BusyError            another process holds the lock, the port or the data folder
├── LookaheadError       a bug: something asked for the future
├── JournalError         a bug: the journal and the account disagree
├── TransitionError      a bug: an order was moved along an arrow that does not exist
├── UnknownIdError       the asker's: no such station, event, trade
└── NotAllowedError      the asker's: forbidden, or malformed beyond repair
"""


class HermesError(Exception):
    """Base of all errors that Hermes raises on purpose; the message names thing, value and remedy."""


class SettingsError(HermesError):
    """A setting is missing, malformed or contradictory."""


class SourceError(HermesError):
    """An outside service failed."""


class SourceDownError(SourceError):
    """No answer, a timeout or a server error: try again later."""


class SourceTimeoutError(SourceDownError):
    """It did not answer in time: a cycle waits for that once."""


class SourceLimitedError(SourceError):
    """The service asks us to slow down; `retry_after_seconds` is its own word, if it gave one."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class SourceRefusedError(SourceError):
    """The service refuses us: a key, a region or an address is wrong."""


class WireError(SourceError):
    """An answer does not have the shape or meaning that its documentation promises."""


class RuleError(HermesError):
    """A settlement text is not understood, or contradicts the dated tables."""


class LadderError(HermesError):
    """The brackets of an event leave a gap, overlap or lack a tail."""


class StoreError(HermesError):
    """A file or folder of the data directory is damaged, foreign or not writable."""


class BusyError(HermesError):
    """Another process already holds the thing."""


class LookaheadError(HermesError):
    """A read asked for something received after its instant."""


class JournalError(HermesError):
    """The journal holds something that the rules of money do not allow."""


class TransitionError(HermesError):
    """An order cannot make this move."""


class UnknownIdError(HermesError):
    """No such station, event, trade or run."""


class NotAllowedError(HermesError):
    """A request that must not be carried out; `field` names the offending part."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field
