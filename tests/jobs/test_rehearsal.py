"""Rehearsal: counts, fails when told to, and stops when cancelled."""

from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import override

from tasks_app import registry
from tasks_app.registry import BadParameters, JobError
from tests.jobs.stub import Cancelled, StubReporter

FORM = {"steps": "20", "seconds": "0", "stages": "2", "known_total": "on", "fail_chance": "0"}


def run(reporter: StubReporter, **changes: str) -> dict[str, object]:
    job = registry.get("rehearsal")
    result: dict[str, object] = job.function(reporter, **job.bind(FORM | changes))
    return result


def test_it_walks_its_steps_stage_by_stage() -> None:
    reporter = StubReporter()
    result = run(reporter, steps="21", stages="2")
    assert (result["steps"], result["stages"]) == (21, 2)
    assert (reporter.totals["Prepare"], reporter.totals["Load"]) == (11, 10)
    assert len(reporter.lines) == 10


def test_it_plans_the_stages_that_this_run_has_by_their_steps() -> None:
    reporter = StubReporter()
    run(reporter, steps="21", stages="2")
    assert reporter.planned == {"Prepare": 11, "Load": 10}
    assert reporter.stages == ["Prepare", "Load"]


def test_a_run_that_was_handed_back_goes_on_from_its_step() -> None:
    reporter = StubReporter(checkpointed={"done": 14})
    assert run(reporter, steps="20", stages="2")["steps"] == 20
    assert (reporter.stages, reporter.counts[:2]) == (["Load"], [0, 4])
    assert reporter.checkpoints == [{"done": done} for done in range(15, 21)]


def test_without_a_known_total_no_stage_has_one() -> None:
    reporter = StubReporter()
    run(reporter, known_total="")
    assert set(reporter.totals.values()) == {None}


def test_it_fails_for_sure_at_a_chance_of_100() -> None:
    with pytest.raises(JobError) as failure:
        run(StubReporter(), fail_chance="100")
    assert failure.value.code == "rehearsal_failed"
    assert "of 20 steps" in failure.value.sentence


def test_a_cancel_is_seen_within_a_step() -> None:
    reporter = StubReporter(cancel_after=2)
    with pytest.raises(Cancelled):
        run(reporter, steps="1", seconds="3600")
    assert reporter.calls == 3


@pytest.mark.parametrize(
    "change",
    [
        {"steps": "0"},
        {"steps": "100001"},
        {"seconds": "-1"},
        {"seconds": "nan"},
        {"stages": "6"},
        {"fail_chance": "101"},
    ],
)
def test_values_out_of_range_are_form_errors(change: dict[str, str]) -> None:
    with pytest.raises(BadParameters) as refusal:
        registry.get("rehearsal").bind(FORM | change)
    assert list(refusal.value.errors) == list(change)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("job", ["rehearsal", "make_thumbnails"])
def test_a_number_that_does_not_fit_is_told_in_plain_words(job: str, language: str) -> None:
    least, most = {"en": ("At least ", "At most "), "de": ("Mindestens ", "Höchstens ")}[language]
    fields = registry.get(job).form.base_fields
    numbers: list[Any] = [field for field in fields.values() if isinstance(field, forms.IntegerField)]
    assert numbers
    with override(language):
        for field in numbers:
            assert told(field, field.min_value - 1).startswith(f"{least}{field.min_value} ")
            limit = number_format(field.max_value, force_grouping=True)
            assert told(field, field.max_value + 1).startswith(f"{most}{limit} ")


def told(field: forms.IntegerField, value: int) -> str:
    with pytest.raises(ValidationError) as refused:
        field.clean(value)
    return str(refused.value.messages[0])
