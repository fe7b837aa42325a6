"""Every error of progress_app, in one tree.

    ProgressError
    ├── UsageError            a caller's mistake: the text names subject, value, what is allowed, the remedy
    │   ├── ChannelNameError
    │   └── SettingError
    ├── BackendUnavailable    Redis is away, full or read-only: try again later
    ├── PositionUnknown       events were asked for from a position that is no longer (or not yet) kept
    ├── TokenRefused          a stream token is missing, expired or used
    └── Overloaded            a bounded queue or a limit is full: come back later

`TaskCancelled`, `TimeLimitReached` and `AttemptSuperseded` stand outside the tree, on BaseException: they end a job's
function from the middle of its loop, and an `except Exception` in that loop must not swallow them.
"""


class ProgressError(Exception):
    """Base of the errors that progress_app raises on purpose."""


class UsageError(ProgressError):
    """The call cannot be meant: its text says which value was given, what is allowed and what to do."""


class ChannelNameError(UsageError):
    """A channel name is empty, too long, or holds characters that cannot stand in a stream."""


class SettingError(UsageError):
    """A PROGRESS_ setting has a value that cannot be used."""


class BackendUnavailable(ProgressError):
    """Redis did not take or give what was asked; the work goes on and the newest state is sent later."""


class PositionUnknown(ProgressError):
    """A log channel no longer holds the events after the position given.

    Attributes:
        current: the newest position of the channel, to go on from.

    """

    def __init__(self, channel: str, position: int, current: int) -> None:
        super().__init__(f"{channel}: events after {position} are not kept; the newest position is {current}.")
        self.current = current


class TokenRefused(ProgressError):
    """The stream token is missing, expired or already used; ask for a new one."""


class Overloaded(ProgressError):
    """A limit is reached.

    Attributes:
        retry_after_s: when another try makes sense, in seconds.

    """

    def __init__(self, text: str, retry_after_s: float) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class TaskCancelled(BaseException):
    """Somebody cancelled the task: raised in the job at its next progress call."""


class TimeLimitReached(BaseException):
    """The job ran longer than it may: raised in it at its next progress call.

    Attributes:
        limit_s: how long it may run, in seconds; None: nobody said.

    """

    def __init__(self, text: str, limit_s: float | None = None) -> None:
        super().__init__(text)
        self.limit_s = limit_s


class AttemptSuperseded(BaseException):
    """A newer attempt owns the task, or its lease was lost: stop and write nothing more."""
