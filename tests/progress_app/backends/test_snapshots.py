"""The contract of a backend: snapshots are read back as they were."""

from progress_app.backends.base import Backend
from progress_app.events import Children, Eta, Fault, Place, StageProgress, StageRef
from tests.progress_app.backends.stores import LOG
from tests.progress_app.doubles import OTHER_TASK, TASK, snapshot

WHOLE = snapshot(
    job='"pos":0,',
    current=4_210,
    total=10_000,
    unit="rows",
    percent=42.1,
    message='Zeilen \u2028 "laden", 漢字 \N{ROCKET} \\ \x00',
    stage=StageRef(index=1, name="Load"),
    stages=(StageProgress(name="Read", percent=100.0, seconds=1.2), StageProgress(name="Load", depth=1)),
    children=Children(total=3, done=1, failed=1),
    rate=812.4,
    eta=Eta(low=6.1, high=8.4),
    queue=Place(position=3, starts_in_s=40.0),
    stalled_s=0.5,
    cancel_requested_at=1_790_000_000.123456,
    error=Fault(code="bad", text="It was bad."),
    started_at=1_789_999_994.9,
    elapsed=5.2,
    ts=1_790_000_000.123456,
)


def test_a_snapshot_is_read_back_as_it_was_with_the_position_given(backend: Backend) -> None:
    pos = backend.publish(WHOLE).pos
    assert backend.read_snapshot(TASK) == WHOLE.at(pos)


def test_many_snapshots_are_read_at_once(backend: Backend) -> None:
    pos = backend.publish(WHOLE).pos
    assert backend.read_snapshots([TASK, OTHER_TASK]) == {TASK: WHOLE.at(pos)}
    assert backend.read_snapshots([]) == {}


def test_the_position_in_a_snapshot_is_ignored(backend: Backend) -> None:
    pos = backend.publish(snapshot()).pos
    assert backend.publish(snapshot(pos=7)).pos == pos + 1
    newest = backend.read_snapshot(TASK)
    assert newest is not None
    assert newest.pos == pos + 1


def test_a_task_that_never_published_has_no_snapshot(backend: Backend) -> None:
    assert backend.read_snapshot(TASK) is None
    backend.request_cancel(TASK, 1.0)
    backend.append(LOG, "log", b"{}")
    assert backend.read_snapshot(TASK) is None
