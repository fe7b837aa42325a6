"""What a list of tasks begins with: the project's own list, each task as Redis or the project knows it now."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from progress_app.backends.base import Feed, snapshot_in
from progress_app.channels import task_channel
from progress_app.events import Snapshot
from progress_app.rows import Board, row


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The unfinished tasks of a channel, the newest last, and the channels on which their rows are announced."""

    snapshots: Sequence[Snapshot] = ()
    sources: Sequence[str] = ()


Listings = Callable[[str], Awaitable[Listing]]
Records = Callable[[str], Awaitable[Snapshot | None]]


async def nothing_listed(_channel: str) -> Listing:
    """The listing of a project that lists nothing."""
    return Listing()


async def refresh(board: Board, listing: Listing, feed: Feed, records: Records) -> None:
    """Bring a board up to what is stored.

    Raises:
        BackendUnavailable: Redis is away.

    """
    recorded = {snapshot.task: snapshot for snapshot in listing.snapshots}
    # A task on the board that the project does not list any more has ended, or has aged out of the list.
    gone = [task for task in board.tasks if task not in recorded]
    states = await feed.read_states([task_channel(task) for task in (*recorded, *gone)])
    kept = (snapshot_in(entry) for entry in states.values())
    live = {snapshot.task: snapshot for snapshot in kept if snapshot is not None}
    for task, snapshot in recorded.items():
        _put(board, _newer(live.get(task), snapshot))
    for task in gone:
        found = live.get(task)
        _put(board, found if found is not None and found.is_final else await records(task))


def _newer(live: Snapshot | None, recorded: Snapshot) -> Snapshot:
    return live if live is not None and live.attempt >= recorded.attempt else recorded


def _put(board: Board, snapshot: Snapshot | None) -> None:
    if snapshot is not None:
        board.put(snapshot.pos, row(snapshot))
