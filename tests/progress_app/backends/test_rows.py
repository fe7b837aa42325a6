"""The contract of a backend: rows of tasks that wait."""

from progress_app.events import State
from tests.progress_app.backends.stores import Store
from tests.progress_app.doubles import OTHER_TASK, TASK, listening, snapshot, until


async def test_lists_are_told_of_a_task_that_waits_and_nothing_is_stored(store: Store) -> None:
    async with listening(store.feed(), "tasks", "user-7.tasks") as (_, listener):
        store.backend.announce_row(snapshot(state=State.QUEUED), audience=["user-7"])
        await until(lambda: len(listener.entries) == 2)
    assert {(told.channel, told.event, told.pos) for told in listener.entries} == {
        ("tasks", "row", 0), ("user-7.tasks", "row", 0),
    }  # fmt: skip
    assert all(b'"state":"queued"' in told.data for told in listener.entries)
    assert store.backend.read_snapshot(TASK) is None


async def test_a_task_that_has_reported_is_not_told_of_as_waiting(store: Store) -> None:
    store.backend.publish(snapshot(state=State.SUCCEEDED))
    async with listening(store.feed(), "tasks") as (_, listener):
        store.backend.announce_row(snapshot(state=State.QUEUED))
        last = store.backend.publish(snapshot(task=OTHER_TASK))
        await until(lambda: listener.entries)
    assert [told.pos for told in listener.entries] == [last.pos]
