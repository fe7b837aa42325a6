"""A job from the command line, with a real worker."""

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from progress_app.events import State
from tasks_app.models import Task
from tests.stack import Stack


def test_a_job_is_started_and_followed_to_its_end(live: Stack, staff: User, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        call_command("run_job", "rehearsal", "steps=20", "seconds=1", "stages=2", watch=True)
    told = capsys.readouterr().out
    assert left.value.code == 0
    assert Task.objects.get().state == State.SUCCEEDED
    assert "Prepare" in told
    assert told.count("steps done") == 10
    assert "succeeded · 100 %" in told


def test_one_that_fails_says_why_and_by_its_status(
    live: Stack, staff: User, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        call_command("run_job", "rehearsal", "steps=5", "seconds=0", "fail_chance=100", watch=True)
    assert left.value.code == 1
    assert "failed on purpose" in capsys.readouterr().out
