"""Earlier runs of the job, looked up in passing."""

from collections.abc import Callable

import pytest

from progress_app.sender import Sender
from tests.processes import until
from tests.progress_app.sender.source import SHORT_S, FakeSource


def test_earlier_runs_are_looked_up_once_and_not_for_a_short_task(
    make: Callable[..., Sender], source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = make()
    short.start()
    short.stop()
    until(lambda: not short._threads[1].is_alive())
    assert source.recalls == 0
    monkeypatch.setattr("progress_app.sender.RECALL_AFTER_S", SHORT_S)
    make().start()
    until(lambda: source.recalls == 1)


def test_a_database_that_knows_no_earlier_runs_does_not_end_the_renewals(
    make: Callable[..., Sender], source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise OSError("the database is away")

    monkeypatch.setattr("progress_app.sender.RECALL_AFTER_S", SHORT_S)
    source.on_recall = broken
    sender = make()
    sender.start()
    until(lambda: source.recalls == 1)
    sender._stale.set()
    until(lambda: "renew" in source.calls)
