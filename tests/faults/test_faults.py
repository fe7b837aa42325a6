"""Whatever dies in the middle of fifty tasks: each comes to its true end, once, and every viewer sees it."""

from collections.abc import Callable

import pytest

from tests.faults.conftest import option
from tests.faults.faults import Fault
from tests.faults.round import Score


def test_nothing_is_lost_doubled_stuck_missed_or_left(
    fault: Fault, play: Callable[[Fault, int], Score], scores: dict[str, Score], pytestconfig: pytest.Config
) -> None:
    score = scores.setdefault(fault.name, Score())
    for number in range(option(pytestconfig, "--rounds") or 1):
        score.add(play(fault, number))
    assert score.is_clean, "\n".join(score.notes)
