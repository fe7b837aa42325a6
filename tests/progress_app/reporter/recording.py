"""A reporter over the memory backend, which writes down what it is sent."""

from typing import Any

from progress_app.backends.base import Answer
from progress_app.backends.memory import MemoryBackend
from progress_app.channels import log_channel
from progress_app.events import LogEntry, Snapshot
from progress_app.exceptions import BackendUnavailable
from progress_app.reporter import Reporter
from tests.progress_app.doubles import TASK, FakeHost

LONG_S = 3_600.0


class Recorder(MemoryBackend):
    """A backend that writes down what it is sent, and can be away or full."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Snapshot] = []
        self.away = False
        self.full = False

    def publish(self, snapshot: Snapshot, log: Any = (), member: Any = None, *, audience: Any = ()) -> Answer:
        if self.away:
            raise BackendUnavailable("away")
        kept = () if self.full else log
        taken = super().publish(Snapshot.from_json(snapshot.to_json()), kept, audience=audience)
        self.sent.append(snapshot)
        return Answer(taken.verdict, taken.pos, taken.cancel_requested_at, len(log) if self.full else 0)

    def lines(self) -> list[str]:
        entries = self.replay(log_channel(TASK), None, 10_000)
        return [LogEntry.from_json(entry.data).text for entry in entries]


def reporter_of(backend: MemoryBackend, host: FakeHost, **changes: Any) -> Reporter:
    settings: dict[str, Any] = {"task": TASK, "job": "import_csv", "attempt": 1, "pulse_s": LONG_S}
    return Reporter(backend=backend, host=host, **(settings | changes))


def shown(progress: Reporter) -> Snapshot:
    """What a viewer would be shown now, by way of JSON."""
    progress.teller.send()
    live = progress.teller._publish.func.__self__.read_snapshot(TASK)  # type: ignore[attr-defined]
    assert live is not None
    return Snapshot.from_json(live.to_json())
