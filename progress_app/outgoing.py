"""What waits to be published: bounded, and the newest state of a task takes the place of the one before.

Ends go first, at most one a task. When too many wait, the oldest of ends and of log entries are dropped: an end is
found by who asks for the task's snapshot, and the positions of entries tell a viewer that some are missing. A state of
one more task is not taken: the next one, or the end, will be.
"""

import threading
from collections import deque
from collections.abc import Sequence

from progress_app.transports.base import Message


class Outgoing:
    """A conflating queue between whoever publishes and the thread that sends. Safe to share.

    Args:
        most: ends, states and log entries that may wait, each.

    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._ends: dict[str, Message] = {}
        self._states: dict[str, Message] = {}
        self._entries: deque[Message] = deque(maxlen=most)
        self._lock = threading.Lock()
        self.dropped = 0  # so far

    def __len__(self) -> int:
        return len(self._ends) + len(self._states) + len(self._entries)

    def put(self, message: Message) -> None:
        """Let a message wait: a state in the place of an older one of its channel, a log entry behind the others."""
        with self._lock:
            if message.is_end:
                self._states.pop(message.channel, None)
                self._ends[message.channel] = message
                self._keep_to_bound()
            elif not message.is_state:
                self.dropped += len(self._entries) == self._most
                self._entries.append(message)
            elif len(self._states) < self._most or message.channel in self._states:
                self._states[message.channel] = message
            else:
                self.dropped += 1

    def take(self, most: int) -> list[Message]:
        """The next messages: ends, then states and log entries in turn."""
        with self._lock:
            taken: list[Message] = []
            while len(taken) < most and self._ends:
                taken.append(self._ends.pop(next(iter(self._ends))))
            while len(taken) < most and (self._states or self._entries):
                if self._states:
                    taken.append(self._states.pop(next(iter(self._states))))
                if self._entries and len(taken) < most:
                    taken.append(self._entries.popleft())
            return taken

    def put_back(self, messages: Sequence[Message]) -> None:
        """Let messages wait again that were not sent; a state only if no newer one waits."""
        with self._lock:
            entries = [message for message in messages if not message.is_state]
            self._ends = {message.channel: message for message in messages if message.is_end} | self._ends
            self._keep_to_bound()
            for message in messages:
                if message.is_state and not message.is_end and message.channel not in self._ends:
                    self._states.setdefault(message.channel, message)
            room = self._most - len(self._entries)
            self.dropped += max(0, len(entries) - room)
            self._entries.extendleft(reversed(entries[-room:] if room else []))

    def _keep_to_bound(self) -> None:
        while len(self._ends) > self._most:
            del self._ends[next(iter(self._ends))]
            self.dropped += 1

    def clear(self) -> None:
        """Drop everything: nobody will ever take it."""
        with self._lock:
            self._ends.clear()
            self._states.clear()
            self._entries.clear()
