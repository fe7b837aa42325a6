"""A channel that somebody in this process watches: who watches it, and what is known of it."""

import asyncio

from progress_app.channels import ROW_KINDS, Channel
from progress_app.rows import Board, rows_frame
from progress_app.sse import Frame
from progress_app.subscriber import Subscriber


class Topic:
    """A state or log channel."""

    __slots__ = ("channel", "final", "frame", "is_state", "pos", "ready", "shown_pos", "subscribers")

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.is_state = channel.is_state
        self.subscribers: set[Subscriber] = set()
        self.pos = 0  # the newest known from Redis
        self.shown_pos = 0  # that of `frame`, which may come from the project's record
        self.frame: Frame | None = None
        self.final = False
        self.ready: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()  # None: it is

    def show(self, pos: int, event: Frame, *, final: bool) -> None:
        """Make this the newest frame of a state channel."""
        self.frame, self.shown_pos, self.final = event, pos, final
        for subscriber in self.subscribers:
            subscriber.offer_state(self.channel.name, pos, event, final=final)

    def show_first(self, subscriber: Subscriber) -> None:
        """Offer what a new viewer sees first of a state channel."""
        if self.frame is not None:
            subscriber.offer_state(self.channel.name, self.shown_pos, self.frame, final=self.final)

    def is_ready(self) -> None:
        """Let those go on who wait for the channel to be followed and read."""
        if self.ready is not None:
            self.ready.set_result(None)
            self.ready = None

    def is_interrupted(self) -> None:
        """Have new viewers wait until the channel is followed again."""
        if self.ready is None:
            self.ready = asyncio.get_running_loop().create_future()


class RowsTopic(Topic):
    """A channel of rows. `sources` are the channels on which its rows are announced, its own among them."""

    __slots__ = ("board", "is_due", "is_loaded", "sources")

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self.board = Board()
        self.sources: set[str] = set()
        self.is_due = False  # its next tick is set
        self.is_loaded = False  # its board was read from storage at least once

    def show_first(self, subscriber: Subscriber) -> None:
        """As `Topic.show_first`; what changes until the next tick is told once more then."""
        subscriber.offer_state(self.channel.name, 0, self.board.first(), final=False)

    def tick(self) -> None:
        """Tell all viewers at once what changed since the last tick."""
        self.is_due = False
        if changed := self.board.take():
            event = rows_frame(changed.values())
            for subscriber in self.subscribers:
                subscriber.offer_rows(self.channel.name, changed, event)


def topic_of(channel: Channel) -> Topic:
    """A new topic of the channel's kind."""
    return RowsTopic(channel) if channel.kind in ROW_KINDS else Topic(channel)
