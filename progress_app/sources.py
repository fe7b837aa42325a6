"""Where the rows of lists come from: channels on which publishers announce them, followed while a list needs them."""

import asyncio
from collections.abc import Iterable

from progress_app.backends.base import Entry, Feed
from progress_app.topic import RowsTopic


class Sources:
    """The source channels of all lists that this process shows.

    Args:
        feed: follows them.
        tick_s: how often viewers of a list are written to.

    """

    def __init__(self, feed: Feed, *, tick_s: float) -> None:
        self._feed = feed
        self._tick_s = tick_s
        self._topics: dict[str, set[RowsTopic]] = {}

    def listen(self, topic: RowsTopic, sources: Iterable[str]) -> None:
        """Have the rows of these channels put on the topic's board, too."""
        for source in set(sources) - topic.sources:
            topic.sources.add(source)
            topics = self._topics.setdefault(source, set())
            if not topics:
                self._feed.follow(source)
            topics.add(topic)

    def let_go(self, topic: RowsTopic) -> None:
        """Nobody watches the topic any more."""
        for source in topic.sources:
            topics = self._topics[source]
            topics.discard(topic)
            if not topics:
                del self._topics[source]
                self._feed.unfollow(source)

    def topics(self, source: str) -> set[RowsTopic]:
        """The lists that have rows from this channel."""
        return self._topics.get(source, set())

    def put(self, entry: Entry) -> None:
        """Take a row that was announced."""
        for topic in self.topics(entry.channel):
            if topic.board.put(entry.pos, entry.data):
                self._schedule(topic)

    def changed(self, topic: RowsTopic, sources: Iterable[str]) -> None:
        """A topic was compared with storage: its rows come from these channels."""
        if topic.subscribers:
            self.listen(topic, sources)
        self._schedule(topic)

    def _schedule(self, topic: RowsTopic) -> None:
        if not topic.is_due:
            topic.is_due = True
            asyncio.get_running_loop().call_later(self._tick_s, topic.tick)
