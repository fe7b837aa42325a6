"""When the stream is woken: at once for few tasks and for an end, at the tick for many."""

import asyncio

from progress_app.subscriber import MANY
from tests.progress_app.subscriber.mailbox import LOG, STATE, Viewer, ready


async def is_awake(viewer: Viewer) -> bool:
    """Whether the stream would look now; it has looked then."""
    waiting = asyncio.ensure_future(viewer.wait())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return not waiting.cancelled()


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
