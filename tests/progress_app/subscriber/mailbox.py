"""A viewer's mailbox, with what happens to it in a line each."""

from collections.abc import Iterable

from progress_app.sse import Frame, frame
from progress_app.subscriber import Subscriber
from tests.progress_app.doubles import Told, told

STATE, LOG = "task-a", "task-a.log"
OTHER_STATE, OTHER_LOG = "task-b", "task-b.log"


class Viewer(Subscriber):
    """A mailbox that writes down when it asked for a tick."""

    __slots__ = ("scheduled",)

    def __init__(self, *states: str, logs: dict[str, int | None] | None = None) -> None:
        super().__init__(states, logs or {}, lambda _: self.schedule())
        self.scheduled = 0

    def schedule(self) -> None:
        self.scheduled += 1

    def state(self, pos: int, channel: str = STATE, *, final: bool = False) -> None:
        self.offer_state(channel, pos, event_of(pos, "complete" if final else "progress"), final=final)

    def entry(self, pos: int, channel: str = LOG) -> None:
        self.offer_entry(channel, pos, event_of(pos, "log"))

    def caught_up(self, *positions: int, newest: int = 0, channel: str = LOG) -> None:
        self.catch_up(channel, stored(positions), newest)

    def written(self) -> list[Told]:
        return told(self.take())


def event_of(pos: int, name: str) -> Frame:
    return frame(name, b"%d" % pos)


def stored(positions: Iterable[int]) -> list[tuple[int, Frame]]:
    return [(pos, event_of(pos, "log")) for pos in positions]


def ready(log: int = 0) -> Viewer:
    """A viewer of a task and its log who has seen the log up to this position."""
    viewer = Viewer(STATE, logs={LOG: log})
    viewer.caught_up()
    return viewer
