"""The newest state of each task, and an end with its position when all is said."""

from progress_app.sse import parse_positions
from tests.progress_app.subscriber.mailbox import LOG, OTHER_STATE, STATE, Viewer, ready


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
