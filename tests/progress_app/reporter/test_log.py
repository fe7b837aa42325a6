"""The log on its way to Redis."""

import pytest

from progress_app.exceptions import BackendUnavailable, UsageError
from progress_app.reporter import Reporter
from tests.progress_app.reporter.recording import Recorder


def test_an_unknown_level_is_refused_with_those_known(progress: Reporter) -> None:
    with pytest.raises(UsageError, match=r"level='loud'.*debug, info, warning, error"):
        progress.log("x", level="loud")


def test_a_flood_is_counted(progress: Reporter, backend: Recorder) -> None:
    for number in range(5_000):
        progress.log(f"line {number}")
    progress.teller.send()
    lines = backend.lines()
    assert len(lines) < 500
    assert f"{5_000 - len(lines) + 1} log entries were left out" in lines[-1]


def test_lines_written_while_redis_is_away_come_later(progress: Reporter, backend: Recorder) -> None:
    progress.log("a")
    backend.away = True
    with pytest.raises(BackendUnavailable):
        progress.teller.send()
    progress.log("b")
    backend.away = False
    assert progress.teller.changed()
    progress.teller.send()
    assert backend.lines() == ["a", "b"]
    assert not progress.teller.changed()


def test_lines_that_a_full_redis_refused_are_counted(progress: Reporter, backend: Recorder) -> None:
    backend.full = True
    for number in range(7):
        progress.log(str(number))
    for _ in range(3):
        progress.teller.send()
    backend.full = False
    progress.teller.send()
    assert backend.lines() == ["7 log entries were left out: too many, or Redis was away."]
    assert [told.text for told in progress.log_entries()] == [str(number) for number in range(7)]
