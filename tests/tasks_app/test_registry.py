"""The catalogue: what a job may be named, how it is found, and what its form makes of values."""

from collections.abc import Callable

import pytest
from django import forms

from tasks_app import registry


class Form(forms.Form):
    count = forms.IntegerField(min_value=1)


def work(progress: object) -> None:
    """Do the work.

    At length.
    """


def test_a_job_is_described_by_its_function(catalogue: Callable[..., registry.Job]) -> None:
    job = catalogue(work, "load")
    assert (job.name, job.description) == ("load", "Do the work.")
    assert registry.find("load") is job
    assert job in registry.all_jobs()


def test_an_unknown_job_names_the_known_ones_and_the_nearest() -> None:
    with pytest.raises(registry.UnknownJob, match=r"No job named 'rehersal'.*Did you mean rehearsal\?"):
        registry.get("rehersal")
    assert registry.find("rehersal") is None


@pytest.mark.parametrize("name", ["Load", "9lives", "a-b", "a" * 65, "läuft"])
def test_a_name_that_cannot_stand_in_an_address_is_refused(catalogue: Callable[..., registry.Job], name: str) -> None:
    with pytest.raises(ValueError, match="expected lower-case letters"):
        catalogue(work, name)


def test_two_jobs_of_one_name_are_refused(catalogue: Callable[..., registry.Job]) -> None:
    with pytest.raises(ValueError, match="Two jobs are named 'rehearsal'"):
        catalogue(work, "rehearsal")


def test_less_than_one_attempt_is_refused(catalogue: Callable[..., registry.Job]) -> None:
    with pytest.raises(ValueError, match="max_attempts=0"):
        catalogue(work, max_attempts=0)


def test_the_form_makes_values_typed_and_refuses_others(catalogue: Callable[..., registry.Job]) -> None:
    job = catalogue(work, form=Form)
    assert job.bind({"count": "3"}) == {"count": 3}
    with pytest.raises(registry.BadParameters, match="count: Ensure this value is greater") as refused:
        job.bind({"count": "0"})
    assert list(refused.value.errors) == ["count"]


def test_every_file_in_jobs_is_found() -> None:
    assert {"rehearsal", "profile_csv"} <= {job.name for job in registry.all_jobs()}
