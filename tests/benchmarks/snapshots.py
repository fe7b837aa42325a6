"""The snapshot that is published in measurements."""

import time

from progress_app.events import Snapshot, StageProgress, StageRef, StageState, State
from tests.benchmarks.servers import task_id


def snapshot(channel: int, number: int, state: State = State.RUNNING) -> Snapshot:
    """A running task's, of the usual size (600 bytes)."""
    stages = [StageProgress(name=name, state=StageState.DONE, percent=100.0, seconds=1.2) for name in ("Read", "Check")]
    load = StageProgress(name="Load", state=StageState.RUNNING, percent=12.5, seconds=0.7)
    return Snapshot(
        task=task_id(channel), job="import_csv", attempt=1, state=state, current=number, total=1_000_000,
        unit="rows", percent=42.1, message="Loading rows", stage=StageRef(index=2, name="Load"),
        stages=(*stages, load), rate=812.4, started_at=1_789_999_994.9, elapsed=5.2, ts=time.time(),
    )  # fmt: skip
