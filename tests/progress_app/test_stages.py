"""The percentage: it never goes back, and only success is 100."""

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from progress_app.events import StageProgress, StageRef, StageState
from progress_app.exceptions import UsageError
from progress_app.stages import MOST_STAGES, Stage, Stages, percent


def opened(stages: Stages, name: str, *, weight: float = 1, total: float | None = None, at: float = 0) -> Stage:
    return stages.open(name, weight=weight, total=total, unit="", at=at, now_s=at)


def test_without_stages_the_count_decides() -> None:
    stages = Stages()
    assert stages.percent() is None
    stages.whole.total, stages.whole.count = 8, 1
    assert stages.percent() == 12.5
    assert stages.views(0.0) == ()
    assert stages.ref() is None


def test_weights_decide_what_a_stage_is_worth() -> None:
    stages = Stages(["Read", "Load"])
    read = opened(stages, "Read", weight=1, total=10)
    read.count = 5
    assert stages.percent() == 25.0
    stages.close(read, at=10, now_s=1.0)
    assert stages.percent() == 50.0
    load = opened(stages, "Load", weight=3, total=4, at=10)
    assert stages.percent() == 50.0, "a heavier stage must not take back what was shown"
    load.count = 3
    assert stages.percent() == pytest.approx(81.2)


def test_stages_within_a_stage_share_its_part() -> None:
    stages = Stages(["A", "B"])
    outer = opened(stages, "A", total=99)
    inner = opened(stages, "A1", weight=1, total=2)
    inner.count = 1
    assert stages.ref() == StageRef(index=1, name="A1")
    assert [(view.name, view.depth) for view in stages.views(0.0)] == [("A", 0), ("A1", 1), ("B", 0)]
    assert stages.percent() == 25.0
    stages.close(inner, at=2, now_s=1.0)
    assert stages.current is outer
    stages.close(outer, at=2, now_s=2.0)
    assert stages.current is stages.whole
    assert stages.percent() == 50.0


def test_what_a_stage_counted_does_not_count_for_the_stage_around_it() -> None:
    stages = Stages()
    outer = opened(stages, "A", at=100)
    inner = opened(stages, "A1", at=107)
    stages.close(inner, at=207, now_s=1.0)
    assert (outer.base, inner.count) == (200, 100)
    stages.close(outer, at=210, now_s=2.0)
    assert (stages.whole.base, outer.count) == (110, 10)


def test_a_view_tells_state_percent_and_seconds() -> None:
    stages = Stages(["A", "B", "C"])
    stages.close(stages.open("A", weight=1, total=None, unit="", at=0, now_s=10.0), at=0, now_s=12.34)
    stages.open("B", weight=1, total=4, unit="", at=0, now_s=20.0).count = 1
    assert stages.views(21.0) == (
        StageProgress(name="A", state=StageState.DONE, percent=100.0, seconds=2.3),
        StageProgress(name="B", state=StageState.RUNNING, percent=25.0, seconds=1.0),
        StageProgress(name="C"),
    )


def test_a_clock_may_begin_at_zero() -> None:
    stages = Stages()
    stages.close(stages.open("A", weight=1, total=None, unit="", at=0, now_s=-1.0), at=0, now_s=0.0)
    assert stages.views(50.0)[0].seconds == 1.0


@pytest.mark.parametrize("total", [0, 10])
def test_a_full_count_is_not_yet_success(total: float) -> None:
    stages = Stages()
    stages.whole.total, stages.whole.count = total, total
    shown = stages.percent()
    assert shown is not None
    assert 99.0 <= shown < 100.0
    stages.finish(1.0)
    assert stages.percent() == 100.0


def test_closing_the_last_stage_is_not_yet_success() -> None:
    stages = Stages(["A"])
    stages.close(opened(stages, "A"), at=0, now_s=1.0)
    shown = stages.percent()
    assert shown is not None
    assert shown < 100.0


def test_success_ends_every_stage() -> None:
    stages = Stages(["A", "B"])
    opened(stages, "A")
    opened(stages, "A1")
    stages.finish(5.0)
    assert stages.percent() == 100.0
    assert {view.state for view in stages.views(9.0)} == {StageState.DONE}
    assert {view.percent for view in stages.views(9.0)} == {100.0}


@pytest.mark.parametrize(("fraction", "shown"), [(None, None), (0.0, 0.0), (0.9996, 99.9), (0.421, 42.1), (1.0, 100.0)])
def test_percentages_are_cut_not_rounded(fraction: float | None, shown: float | None) -> None:
    assert percent(fraction) == shown


def test_a_stage_that_outlives_the_one_around_it_has_ended_with_it() -> None:
    stages = Stages(["A", "C"])
    outer = opened(stages, "A")
    inner = opened(stages, "B")
    stages.close(outer, at=7, now_s=1)
    assert (outer.ended_s, inner.ended_s, stages.current) == (1, 1, stages.whole)
    stages.close(inner, at=9, now_s=2)
    assert (inner.ended_s, stages.percent()) == (1, 50.0)


def test_three_deep_is_refused() -> None:
    stages = Stages()
    opened(stages, "A")
    opened(stages, "A1")
    with pytest.raises(UsageError, match="nest two deep"):
        opened(stages, "A11")
    assert [view.name for view in stages.views(0.0)] == ["A", "A1"]


def test_the_same_stage_twice_is_refused_but_not_the_same_name_elsewhere() -> None:
    stages = Stages(["A", "A"])
    for _ in range(2):
        outer = opened(stages, "A")
        stages.close(opened(stages, "part"), at=0, now_s=0.0)
        stages.close(outer, at=0, now_s=0.0)
    with pytest.raises(UsageError, match=r"'A'.*opened before"):
        opened(stages, "A")


@pytest.mark.parametrize("weight", [-1, math.nan, math.inf, -math.inf, "heavy", Decimal(2)])
def test_a_weight_that_cannot_be_meant_is_refused_and_leaves_nothing(weight: Any) -> None:
    stages = Stages()
    with pytest.raises(UsageError, match="weight="):
        opened(stages, "A", weight=weight)
    assert stages.views(0.0) == ()


def test_stages_are_bounded() -> None:
    stages = Stages()
    for number in range(MOST_STAGES):
        stages.close(opened(stages, str(number)), at=0, now_s=0.0)
    with pytest.raises(UsageError, match=f"at most {MOST_STAGES}"):
        opened(stages, "one more")


def test_weights_of_zero_are_worth_nothing() -> None:
    stages = Stages(["A"])
    stages.close(opened(stages, "A", weight=0), at=0, now_s=0.0)
    assert stages.percent() == 0.0


def test_a_stage_that_was_left_by_an_exception_does_not_hold_the_next_ones() -> None:
    """A job may catch what a stage raised and go on; else its third failure would be the end of it."""
    stages = Stages()
    outer = opened(stages, "outer")
    left = opened(stages, "inner", at=10)
    stages.close(outer, at=15, now_s=3.0)
    assert stages.current is stages.whole
    assert left.ended_s is not None
    assert (left.count, stages.whole.base) == (5, 15)


def test_a_failed_stage_is_over_once_the_next_one_begins() -> None:
    stages = Stages()
    for number in range(5):
        stages.leave(opened(stages, str(number), at=number))
        assert stages.ref() == StageRef(index=number, name=str(number)), "the page shows where the job ended"
    assert [view.depth for view in stages.views(9.0)] == [0] * 5


numbers = st.integers(0, 1_000) | st.floats(0, 1e6)


class AJob(RuleBasedStateMachine):
    """Any order of calls that a job can make."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = Stages(["first", "second"])
        self.running: list[Stage] = []
        self.tally = self.now_s = 0.0
        self.last = 0.0
        self.opened = 0
        self.finished = False

    @precondition(lambda self: not self.finished and len(self.running) < 2 and self.opened < 30)
    @rule(total=st.none() | numbers, weight=numbers, declared=st.sampled_from(["first", "second", None]))
    def open(self, total: float | None, weight: float, declared: str | None) -> None:
        self.opened += 1
        used = {view.name for view in self.stages.views(0.0) if view.state is not StageState.PENDING}
        name = f"stage {self.opened}" if declared is None or declared in used else declared
        self.running.append(
            self.stages.open(name, weight=weight, total=total, unit="", at=self.tally, now_s=self.now_s)
        )

    @precondition(lambda self: not self.finished and self.running)
    @rule()
    def close(self) -> None:
        self.stages.close(self.running.pop(), at=self.tally, now_s=self.now_s)

    @precondition(lambda self: not self.finished)
    @rule(n=numbers)
    def count(self, n: float) -> None:
        self.tally += n
        self.now_s += 0.5
        current = self.stages.current
        current.count = max(0.0, self.tally - current.base)

    @precondition(lambda self: not self.finished)
    @rule(total=st.none() | numbers)
    def correct_the_total(self, total: float | None) -> None:
        self.stages.current.total = total

    @precondition(lambda self: not self.finished)
    @rule()
    def succeed(self) -> None:
        self.stages.finish(self.now_s)
        self.finished = True

    @rule()
    def look_again(self) -> None:
        self.now_s += 0.1

    @invariant()
    def the_percentage_never_goes_back_and_only_success_is_100(self) -> None:
        shown = self.stages.percent()
        if shown is None:
            assert self.stages.current.fraction is None, "only work of unknown length has no percentage"
            return
        assert shown >= self.last
        assert (shown == 100.0) is self.finished
        self.last = shown

    @invariant()
    def the_views_are_whole(self) -> None:
        views = self.stages.views(self.now_s)
        for view in views:
            assert view.percent is None or 0.0 <= view.percent <= 100.0
            assert view.seconds is None or view.seconds >= 0.0
        ref = self.stages.ref()
        assert (ref is None) is (not self.running)
        assert ref is None or views[ref.index].name == ref.name

    @invariant()
    def the_open_stages_are_those_of_the_job(self) -> None:
        assert self.stages.current is (self.running[-1] if self.running else self.stages.whole)


AJob.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestAJob = AJob.TestCase


@given(st.lists(st.tuples(numbers, st.none() | numbers), min_size=1, max_size=20))
def test_without_stages_the_percentage_never_goes_back(steps: list[tuple[float, float | None]]) -> None:
    stages, last = Stages(), 0.0
    for count, total in steps:
        stages.whole.count, stages.whole.total = count, total
        shown = stages.percent()
        assert last <= (shown or last) < 100.0
        last = shown or last
