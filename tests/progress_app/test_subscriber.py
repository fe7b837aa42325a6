"""A viewer's mailbox: bounded; the newest state, every log entry, and an end with its position when all is said."""

import asyncio
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from progress_app.sse import Frame, frame, parse_positions
from progress_app.subscriber import MANY, QUEUED_LOG_ENTRIES, Subscriber, reset_frame
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


async def is_awake(viewer: Viewer) -> bool:
    """Whether the stream would look now; it has looked then."""
    waiting = asyncio.ensure_future(viewer.wait())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return not waiting.cancelled()


# States


def test_only_the_newest_state_is_kept_and_the_rest_counted() -> None:
    viewer = Viewer(STATE, OTHER_STATE)
    for pos in range(1, 101):
        viewer.state(pos)
    viewer.state(7, OTHER_STATE)
    assert [event.data for event in viewer.written()] == [100, 7]
    assert viewer.conflated == 99
    assert viewer.take() == b""


def test_a_state_before_the_end_has_no_id() -> None:
    viewer = ready(log=4)
    viewer.state(1)
    viewer.entry(5)
    log, state = viewer.written()
    assert (log.id, state.id) == (f"{LOG}:5", None)


def test_an_end_has_an_id_with_all_that_must_be_brought_back() -> None:
    viewer = ready(log=4)
    viewer.entry(5)
    viewer.state(9, final=True)
    end = viewer.written()[-1]
    assert (end.event, end.data) == ("complete", 9)
    assert parse_positions(end.id or "") == {LOG: 5, STATE: 9}


def test_an_end_is_never_conflated_away_by_what_comes_of_other_tasks() -> None:
    viewer = Viewer(STATE, OTHER_STATE)
    viewer.state(1)
    viewer.state(2, final=True)
    for pos in range(100):
        viewer.state(pos, OTHER_STATE)
    assert [(event.event, event.data) for event in viewer.written()] == [("progress", 99), ("complete", 2)]


def test_the_ids_of_later_events_keep_the_ends() -> None:
    viewer = Viewer(STATE, OTHER_STATE, logs={LOG: 4})
    viewer.caught_up()
    viewer.state(9, final=True)
    viewer.take()
    viewer.entry(5)
    assert parse_positions(viewer.written()[0].id or "") == {LOG: 5, STATE: 9}


# While the log is behind


def test_an_end_is_told_at_once_and_once_more_with_its_position_after_the_log() -> None:
    viewer = Viewer(STATE, logs={LOG: None})
    viewer.state(9, final=True)
    (early,) = viewer.written()
    assert (early.event, early.id) == ("complete", None)
    assert viewer.take() == b"", "told once while the log is read"
    viewer.caught_up(1, 2, newest=2)
    *log, late = viewer.written()
    assert [entry.data for entry in log] == [1, 2]
    assert (late.event, parse_positions(late.id or "")) == ("complete", {LOG: 2, STATE: 9})
    assert viewer.take() == b""


def test_no_entry_read_before_the_end_is_written_carries_the_position_of_the_end() -> None:
    viewer = Viewer(STATE, logs={LOG: None})
    viewer.state(9, final=True)
    viewer.take()
    viewer.caught_up(1, newest=2)
    assert STATE not in parse_positions(viewer.written()[0].id or "")


# Logs


def test_entries_are_queued_in_order_each_with_its_position() -> None:
    viewer = ready(log=4)
    for pos in (5, 6, 7):
        viewer.entry(pos)
    assert [(event.data, event.id) for event in viewer.written()] == [(pos, f"{LOG}:{pos}") for pos in (5, 6, 7)]
    assert viewer.positions == {LOG: 7}


def test_log_entries_are_written_before_states() -> None:
    viewer = ready()
    viewer.state(3)
    viewer.entry(1)
    assert [event.event for event in viewer.written()] == ["log", "progress"]


def test_an_entry_seen_before_is_not_queued_again() -> None:
    viewer = ready(log=4)
    for pos in (3, 4, 5, 5, 4):
        viewer.entry(pos)
    assert [event.data for event in viewer.written()] == [5]
    assert not viewer.behind


def test_an_entry_that_does_not_follow_the_last_is_left_to_storage() -> None:
    viewer = ready(log=4)
    viewer.entry(5)
    viewer.entry(7)
    viewer.entry(8)
    assert viewer.behind == {LOG}
    assert [event.data for event in viewer.written()] == [5]
    viewer.caught_up(6, 7, 8, newest=8)
    assert not viewer.behind
    viewer.entry(9)
    assert [event.data for event in viewer.written()] == [6, 7, 8, 9]


def test_a_viewer_who_does_not_read_costs_bounded_memory() -> None:
    viewer = ready()
    for pos in range(1, 10_000):
        viewer.entry(pos)
        viewer.state(pos)
    assert viewer.behind == {LOG}
    assert len(viewer.written()) == QUEUED_LOG_ENTRIES + 1
    assert viewer.positions[LOG] == viewer.cursor(LOG) == QUEUED_LOG_ENTRIES


def test_who_is_behind_stays_so_until_the_newest_is_reached() -> None:
    viewer = Viewer(STATE, logs={LOG: None})
    viewer.caught_up(1, 2, newest=4)
    assert viewer.behind
    viewer.caught_up(3, 4, newest=4)
    assert not viewer.behind


def test_one_log_behind_does_not_hold_another() -> None:
    viewer = Viewer(logs={LOG: 0, OTHER_LOG: 0})
    viewer.caught_up()
    viewer.caught_up(channel=OTHER_LOG)
    viewer.fall_behind(LOG)
    viewer.entry(1)
    viewer.entry(1, OTHER_LOG)
    assert viewer.behind == {LOG}
    assert [event.id for event in viewer.written()] == [f"{LOG}:0,{OTHER_LOG}:1"]


def test_a_log_may_start_after_a_position() -> None:
    viewer = Viewer(logs={"user-1": None})
    viewer.start_at("user-1", 41)
    assert (viewer.behind, viewer.positions) == (frozenset(), {"user-1": 41})
    viewer.entry(42, "user-1")
    assert [event.data for event in viewer.written()] == [42]


@pytest.mark.parametrize(("seen", "brought_back"), [(None, {}), (0, {LOG: 0}), (7, {LOG: 7})])
def test_positions_begin_with_what_the_viewer_brought(seen: int | None, brought_back: dict[str, int]) -> None:
    viewer = Viewer(STATE, logs={LOG: seen})
    assert viewer.positions == brought_back
    assert viewer.channels == {STATE, LOG}


# A position that cannot be continued


def test_a_reset_is_told_before_the_log_begins_again() -> None:
    viewer = ready(log=4)
    viewer.entry(5)
    viewer.reset(LOG, reset_frame([LOG]))
    (reset,) = viewer.written()
    assert (reset.event, reset.data) == ("stream-reset", {"v": 1, "channels": [LOG]})
    assert reset.id == f"{LOG}:0", "who comes back with it begins again, knowingly"
    assert viewer.cursor(LOG) is None
    viewer.caught_up(100, 101, newest=101)
    assert [event.id for event in viewer.written()] == [f"{LOG}:100", f"{LOG}:101"]


def test_a_reset_leaves_the_other_log_alone() -> None:
    viewer = Viewer(logs={LOG: 0, OTHER_LOG: 0})
    viewer.caught_up()
    viewer.caught_up(channel=OTHER_LOG)
    viewer.entry(1)
    viewer.entry(1, OTHER_LOG)
    viewer.reset(LOG, reset_frame([LOG]))
    assert [event.event for event in viewer.written()] == ["log", "stream-reset"]


@pytest.mark.parametrize("name", ["task-a.log", 'a"b', "a\\b", "\u6f22"])
def test_a_reset_names_any_channel_in_json(name: str) -> None:
    (reset,) = told(reset_frame([name, "other"]).plain)
    assert reset.data == {"v": 1, "channels": [name, "other"]}


# Waking


async def test_a_new_mailbox_lets_the_stream_look_once() -> None:
    viewer = Viewer(STATE)
    assert await is_awake(viewer)
    assert not await is_awake(viewer)


async def test_up_to_ten_tasks_are_written_as_they_come() -> None:
    viewer = Viewer(*(f"task-{number}" for number in range(MANY)))
    await is_awake(viewer)
    viewer.state(1, "task-3")
    assert await is_awake(viewer)
    assert viewer.scheduled == 0


async def test_more_than_ten_go_at_the_tick_but_an_end_at_once() -> None:
    viewer = Viewer(*(f"task-{number}" for number in range(MANY + 1)))
    await is_awake(viewer)
    viewer.state(1, "task-3")
    assert not await is_awake(viewer)
    assert viewer.scheduled == 1
    viewer.state(1, "task-4", final=True)
    assert await is_awake(viewer)
    assert [event.event for event in viewer.written()] == ["progress", "complete"], "what waited goes along"


async def test_log_entries_of_many_tasks_do_not_wait_for_the_tick() -> None:
    viewer = Viewer(*(f"task-{number}" for number in range(MANY + 1)), logs={LOG: 0})
    viewer.caught_up()
    await is_awake(viewer)
    viewer.entry(1)
    assert await is_awake(viewer)


async def test_falling_behind_wakes_the_stream() -> None:
    viewer = ready()
    await is_awake(viewer)
    viewer.fall_behind(LOG)
    assert await is_awake(viewer)


async def test_what_happens_between_looking_and_waiting_is_not_slept_over() -> None:
    viewer = ready()
    await viewer.wait()
    viewer.take()
    viewer.state(1)
    await viewer.wait()
    assert [event.data for event in viewer.written()] == [1]


async def test_the_first_cause_of_an_end_is_kept_and_what_waits_can_be_written() -> None:
    viewer = ready()
    await is_awake(viewer)
    viewer.state(1)
    viewer.end("drained")
    viewer.end("disconnected")
    assert await is_awake(viewer)
    assert viewer.ended == "drained"
    assert [event.data for event in viewer.written()] == [1]


# Anything in any order

happenings = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 3)),
        st.tuples(st.just("lose"), st.integers(1, 3)),
        st.tuples(st.just("repeat"), st.integers(1, 5)),
        st.tuples(st.just("read"), st.integers(1, 4)),
        st.tuples(st.just("recheck"), st.just(0)),
        st.tuples(st.just("take"), st.just(0)),
    ),
    max_size=60,
)


@given(happenings)
def test_whatever_is_lost_or_repeated_on_the_way_each_entry_is_written_once_in_order(
    steps: list[tuple[str, int]],
) -> None:
    viewer, newest, written = Viewer(logs={LOG: None}), 0, []

    def read(limit: int) -> None:
        at = viewer.cursor(LOG) or 0
        viewer.caught_up(*range(at + 1, min(at + limit, newest) + 1), newest=newest)

    for step, number in steps:
        if step in ("publish", "lose"):
            for _ in range(number):
                newest += 1
                if step == "publish":
                    viewer.entry(newest)
        elif step == "repeat":
            viewer.entry(max(1, newest - number))
        elif step == "read" and viewer.behind:
            read(number)
        elif step == "recheck":
            viewer.fall_behind(LOG)
        else:
            written += [event.data for event in viewer.written()]
    viewer.fall_behind(LOG)
    read(newest)
    written += [event.data for event in viewer.written()]
    assert written == list(range(1, newest + 1))
    assert not viewer.behind
