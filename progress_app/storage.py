"""django-eventstream's storage on our Redis streams.

`send_event` appends here; the append also announces the event to every hub in one step. A position whose successors
are no longer kept raises EventDoesNotExist, which the package turns into `stream-reset`. Of a task's state channel the
present snapshot is all that is stored.
"""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django_eventstream.event import Event
from django_eventstream.storage import EventDoesNotExist, StorageBase

from progress_app import connections
from progress_app.channels import Kind, parse
from progress_app.exceptions import PositionUnknown, UsageError
from progress_app.present import present
from progress_app.sse import one_line


class RedisStreamStorage(StorageBase):  # type: ignore[misc]  # the base class ships no types
    """One stream a channel; positions as everywhere in progress_app."""

    def append_event(self, channel: str, event_type: str, data: Any) -> Event:
        """Store and announce an event; `data` is JSON text, or a value that JSON can say.

        Raises:
            UsageError: the name cannot be a channel's, or is that of a state channel, which carries snapshots only.
            BackendUnavailable: Redis is away.

        """
        if parse(channel).is_state:
            raise UsageError(
                f"send_event({channel!r}, {event_type!r}): this channel carries states, which are reported and not "
                "sent; send to the task's log channel, the user's channel, or one of your own."
            )
        text = data if isinstance(data, str) else json.dumps(data, cls=DjangoJSONEncoder)
        pos = connections.backend().append(channel, one_line(event_type), text.encode())
        return Event(channel, event_type, data, id=pos)

    def get_events(self, channel: str, last_id: int, limit: int = 100) -> list[Event]:
        """The events after a position, oldest first; of a task's state the present one unless it has this position.

        Raises:
            EventDoesNotExist: they are no longer all kept.

        """
        if parse(channel).is_state:
            shown = _state(channel)
            return [] if shown is None or int(shown.id) == last_id > 0 else [shown]
        try:
            entries = connections.backend().replay(channel, last_id, limit)
        except PositionUnknown as gap:
            raise EventDoesNotExist(str(gap), gap.current) from gap
        return [Event(channel, entry.event, entry.data.decode(), id=entry.pos) for entry in entries]

    def get_current_id(self, channel: str) -> int:
        """The newest position, 0 when there is none."""
        if parse(channel).is_state:
            shown = _state(channel)
            return 0 if shown is None else int(shown.id)
        return connections.backend().position(channel)


def _state(name: str) -> Event | None:
    """The present snapshot as an event; its id is a text, because the package takes the number 0 for none."""
    channel = parse(name)
    shown = present(channel.subject) if channel.kind is Kind.TASK else None
    return None if shown is None else Event(name, shown.event, shown.to_json().decode(), id=str(shown.pos))
