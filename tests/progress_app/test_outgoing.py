from progress_app.outgoing import Outgoing
from progress_app.transports.base import Message


def state(channel: str, pos: int = 1) -> Message:
    return Message(channel, pos, "progress", b"{}", is_state=True)


def end(channel: str, pos: int = 9) -> Message:
    return Message(channel, pos, "complete", b"{}", is_state=True, is_end=True)


def line(pos: int) -> Message:
    return Message("log", pos, "log", b"{}")


def test_the_newest_state_takes_the_place_of_the_older_one() -> None:
    queue = Outgoing(10)
    for message in (state("a", 1), state("b", 1), state("a", 2)):
        queue.put(message)
    assert queue.take(10) == [state("a", 2), state("b", 1)]


def test_ends_go_first_and_take_the_place_of_states() -> None:
    queue = Outgoing(10)
    for message in (state("a"), state("b"), end("b")):
        queue.put(message)
    assert queue.take(10) == [end("b"), state("a")]


def test_of_ends_the_oldest_are_dropped_and_counted() -> None:
    queue = Outgoing(3)
    for number in range(5):
        queue.put(end(f"task-{number}"))
    queue.put_back([end("task-0"), end("task-1")])
    assert queue.take(9) == [end("task-2"), end("task-3"), end("task-4")]
    assert queue.dropped == 4


def test_ends_that_come_back_go_before_those_that_came_meanwhile() -> None:
    queue = Outgoing(3)
    queue.put(end("c"))
    queue.put_back([end("a"), end("b")])
    assert queue.take(9) == [end("a"), end("b"), end("c")]


def test_states_beyond_the_bound_are_dropped_and_counted() -> None:
    queue = Outgoing(2)
    for message in (state("a"), state("b"), state("c"), state("a", 2)):
        queue.put(message)
    assert (queue.take(9), queue.dropped) == ([state("a", 2), state("b")], 1)


def test_of_log_entries_the_oldest_are_dropped() -> None:
    queue = Outgoing(3)
    for pos in range(5):
        queue.put(line(pos))
    assert (queue.take(9), queue.dropped) == ([line(2), line(3), line(4)], 2)


def test_states_and_log_entries_take_turns() -> None:
    queue = Outgoing(9)
    for message in (line(1), line(2), state("a"), state("b")):
        queue.put(message)
    assert queue.take(3) == [state("a"), line(1), state("b")]


def test_what_was_not_sent_waits_again_but_for_states_that_are_old_by_now() -> None:
    queue = Outgoing(9)
    unsent = [end("e"), state("a"), state("b"), line(1), line(2)]
    queue.put(state("a", 2))
    queue.put(line(3))
    queue.put_back(unsent)
    assert queue.take(9) == [end("e"), state("a", 2), line(1), state("b"), line(2), line(3)]


def test_a_state_that_comes_back_does_not_follow_its_end() -> None:
    queue = Outgoing(9)
    queue.put(end("a"))
    queue.put_back([state("a")])
    assert queue.take(9) == [end("a")]
