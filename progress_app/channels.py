"""Names of channels and what they mean; pure.

A state channel carries snapshots (the latest wins); a log channel carries ordered entries (none may be missing).
A name that is not one of ours is a log channel, so that `send_event` works on any name.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from progress_app.exceptions import ChannelNameError

ROWS: Final = "tasks"  # the rows of all tasks
MAX_NAME_LENGTH: Final = 164  # Pusher's limit, the smallest of the transports
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PRINTABLE = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")  # \s also holds Unicode's line breaks


class Kind(Enum):
    """What a channel is about."""

    TASK = "task"
    TASK_LOG = "task log"
    USER = "user"
    USER_TASKS = "user tasks"
    TASKS = "tasks"
    OPS = "ops"
    OTHER = "other"


ROW_KINDS: Final = frozenset({Kind.TASKS, Kind.USER_TASKS})
STATE_KINDS: Final = frozenset({Kind.TASK, Kind.USER_TASKS, Kind.TASKS, Kind.OPS})
_FORMS: Final = (
    (Kind.TASK_LOG, re.compile(rf"task-({_UUID})\.log")),
    (Kind.TASK, re.compile(rf"task-({_UUID})")),
    (Kind.USER_TASKS, re.compile(r"user-([^.]+)\.tasks")),
    (Kind.USER, re.compile(r"user-([^.]+)")),
    (Kind.TASKS, re.compile(r"(tasks)")),
    (Kind.OPS, re.compile(r"(ops)")),
)


@dataclass(frozen=True, slots=True)
class Channel:
    """A parsed name. `subject` is the task's UUID, the user's id, or the name itself."""

    name: str
    kind: Kind
    subject: str

    @property
    def is_state(self) -> bool:
        """Whether the latest event replaces those before it."""
        return self.kind in STATE_KINDS

    @property
    def task(self) -> str | None:
        """The UUID of the task that the channel belongs to, None for other channels."""
        return self.subject if self.kind in (Kind.TASK, Kind.TASK_LOG) else None


def parse(name: str) -> Channel:
    """Read a channel name.

    Raises:
        ChannelNameError: empty, over 164 characters, or with blanks or control characters.

    """
    if len(name) > MAX_NAME_LENGTH:
        raise ChannelNameError(
            f"A channel name of {len(name)} characters ({name[:20]!r}…): at most {MAX_NAME_LENGTH} are allowed."
        )
    if not _PRINTABLE.fullmatch(name):
        raise ChannelNameError(f"Channel name {name!r}: expected 1 to {MAX_NAME_LENGTH} characters without blanks.")
    for kind, form in _FORMS:
        if match := form.fullmatch(name):
            return Channel(name, kind, match[1])
    return Channel(name, Kind.OTHER, name)


def task_channel(task: object) -> str:
    """The state channel of a task, by its UUID."""
    return f"task-{task}"


def log_channel(task: object) -> str:
    """The log channel of a task, by its UUID."""
    return f"task-{task}.log"


def user_channel(user_id: object) -> str:
    """The channel of a user's notifications."""
    return f"user-{user_id}"


def audience_channel(name: str) -> str:
    """The channel of the rows that an audience may see; `name` is `user-<id>` or `group-<id>`."""
    return f"{name}.tasks"
