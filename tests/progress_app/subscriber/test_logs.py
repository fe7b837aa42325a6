"""Every log entry, in order, from the mailbox or from storage; a reset where that cannot be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from progress_app.subscriber import QUEUED_LOG_ENTRIES, reset_frame
from tests.progress_app.doubles import told
from tests.progress_app.subscriber.mailbox import LOG, OTHER_LOG, STATE, Viewer, ready


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
