"""A backend whose publishes also go to a hosted service: Redis first, and what it accepted to the publisher.

The bar of a parent is announced inside Redis when a child reports; it is read from there for the service, once a
second at most.
"""

import time
from collections.abc import Collection, Sequence
from typing import Any, Final

from progress_app.backends.base import Answer, Verdict
from progress_app.backends.redis import RedisBackend
from progress_app.channels import log_channel, task_channel
from progress_app.events import LogEntry, Snapshot
from progress_app.exceptions import BackendUnavailable
from progress_app.publisher import Publisher
from progress_app.rollup import Member
from progress_app.transports.base import Message

PARENT_EVERY_S: Final = 1.0
MOST_PARENTS: Final = 1_000


class MirroredBackend(RedisBackend):
    """As `RedisBackend`, and what it announces reaches the publishers too."""

    def __init__(self, *args: Any, publishers: Sequence[Publisher], **options: Any) -> None:
        super().__init__(*args, **options)
        self.publishers = publishers
        self._parents: dict[str, float] = {}

    def publish(
        self, snapshot: Snapshot, log: Sequence[LogEntry] = (), member: Member | None = None, *,
        audience: Collection[str] = (),
    ) -> Answer:  # fmt: skip
        """As `Backend.publish`."""
        answer = super().publish(snapshot, log, member, audience=audience)
        if answer.verdict is Verdict.ACCEPTED:
            first = answer.log_pos - len(log) + 1
            for number, entry in enumerate(log if answer.log_pos else ()):
                self._entry(log_channel(snapshot.task), first + number, "log", entry.to_json())
            self._state(snapshot.at(answer.pos))
        if member is not None:
            self._parent(member.parent)
        return answer

    def append(self, channel: str, event: str, data: bytes, once: str = "") -> int:
        """As `Backend.append`."""
        pos = super().append(channel, event, data, once)
        if pos:
            self._entry(channel, pos, event, data)
        return pos

    def _state(self, snapshot: Snapshot) -> None:
        channel = task_channel(snapshot.task)
        data = snapshot.to_json()
        self._put(Message(channel, snapshot.pos, snapshot.event, data, is_state=True, is_end=snapshot.is_final))

    def _entry(self, channel: str, pos: int, event: str, data: bytes) -> None:
        """A log entry; its position, which SSE has in the event's id, goes into its data."""
        if data.startswith(b"{") and data[1:2] not in (b"}", b""):
            data = b'{"pos":%d,%b' % (pos, data[1:])
        self._put(Message(channel, pos, event, data))

    def _parent(self, parent: str) -> None:
        now_s = time.monotonic()
        if now_s - self._parents.get(parent, 0.0) < PARENT_EVERY_S:
            return
        if len(self._parents) >= MOST_PARENTS:
            self._parents.clear()
        self._parents[parent] = now_s
        try:
            shown = self.read_snapshot(parent)
        except BackendUnavailable:
            return
        if shown is not None and not shown.is_final:
            self._state(shown)

    def _put(self, message: Message) -> None:
        for publisher in self.publishers:
            publisher.put(message)
