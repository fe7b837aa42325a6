"""Every file of every job's form is bounded, whoever wrote the form."""

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile

from tasks_app import registry


@pytest.mark.parametrize("job", [job.name for job in registry.all_jobs() if job.takes_files])
def test_a_file_over_the_limit_is_refused_with_both_sizes(job: str, settings: object) -> None:
    settings.TASKS_UPLOAD_LIMIT_BYTES = 1024  # type: ignore[attr-defined]
    with pytest.raises(registry.BadParameters) as told:
        registry.get(job).bind({}, {"upload": SimpleUploadedFile("a.bin", b"x" * 2048)})
    (text,) = told.value.errors["upload"]
    assert "2.0\xa0KB" in text
    assert "1.0\xa0KB" in text


def test_a_form_that_says_nothing_of_it_is_bounded_in_each_of_its_files_once(settings: object) -> None:
    settings.TASKS_UPLOAD_LIMIT_BYTES = 4  # type: ignore[attr-defined]

    class Pair(forms.Form):
        first, second = forms.FileField(), forms.FileField()

    for name in ("pair", "another_with_the_same_form"):
        made = registry.Job(name=name, function=print, title="Pair", form=Pair)
    files = {"first": SimpleUploadedFile("a", b"1234"), "second": SimpleUploadedFile("b", b"12345")}
    with pytest.raises(registry.BadParameters) as told:
        made.bind({}, files)
    assert list(told.value.errors) == ["second"]
    assert len(told.value.errors["second"]) == 1
