"""What a result's values are called."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import gettext_lazy

from tasks_app import registry
from tasks_app.outputs import given_back

RESULT = {"rows": 3, "bad_rows": ["one"], "ISBN": None}


def test_a_value_is_called_as_the_job_says_else_by_its_readable_key(catalogue: Callable[..., registry.Job]) -> None:
    job = catalogue(lambda _progress: None, results={"rows": gettext_lazy("Rows"), "never": "Never"})
    assert given_back(job, RESULT) == [("Rows", 3), ("Bad rows", ["one"]), ("ISBN", None)]
    with translation.override("de"):
        assert given_back(job, RESULT) == [("Zeilen", 3), ("Bad rows", ["one"]), ("ISBN", None)]


def test_a_job_that_is_gone_leaves_the_keys() -> None:
    assert given_back(None, {"children": 2, "_": 1}) == [("Parts", 2), ("_", 1)]


@pytest.mark.parametrize("result", [None, {}, [], "text", 7])
def test_a_result_without_names_has_none(result: Any) -> None:
    assert given_back(None, result) is None
