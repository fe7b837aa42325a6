"""The matrices of failures: what they count, and where each number leads."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from progress_app.events import State
from tasks_app import failures
from tasks_app.failures import Cell
from tasks_app.models import Task
from tests.factories import TaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_db")]


def failed(ago: timedelta = timedelta(), code: str = "bad_row", **fields: Any) -> Task:
    given = {"ended": True, "state": State.FAILED, "error_code": code, "finished_at": timezone.now() - ago}
    return TaskFactory.create(**(given | fields))


def numbers(cells: Iterable[Cell]) -> list[int]:
    return [cell.number for cell in cells]


@pytest.fixture
def page(client: Client, staff: User) -> Client:
    client.force_login(staff)
    return client


def test_they_count_by_span_and_have_the_worst_first() -> None:
    for ago in (timedelta(), timedelta(hours=2), timedelta(days=3), timedelta(days=8)):
        failed(ago)
    failed(code="too_large", job="export_tasks")
    failed(state=State.SUCCEEDED, code="")
    by_job, by_error = failures.matrices()
    assert [(row.name, numbers(row.counts)) for row in by_error.rows] == [
        ("bad_row", [1, 2, 3]), ("too_large", [1, 1, 1]),
    ]  # fmt: skip
    assert [(row.title, numbers(row.counts)) for row in by_job.rows] == [
        ("Rehearsal", [1, 2, 3]), ("Export tasks", [1, 1, 1]),
    ]  # fmt: skip
    assert numbers(by_job.total) == numbers(by_error.total) == [2, 3, 4]
    assert not by_job.is_cut


def test_each_number_leads_to_as_many_tasks(page: Client) -> None:
    for ago in (timedelta(), timedelta(hours=2), timedelta(days=3)):
        failed(ago)
        failed(ago, state=State.LOST, code="", job="export_tasks")
        failed(ago, state=State.SUCCEEDED, code="")
    family = failed()
    failed(parent=family)
    for matrix in failures.matrices():
        cells = [*matrix.rows[0].counts, *matrix.total]
        listed = [page.get(cell.link).context["page_obj"].paginator.count for cell in cells]
        assert listed == numbers(cells)
        assert numbers(matrix.total) == [3, 5, 7]


def test_the_total_has_those_too_that_are_in_no_row(page: Client) -> None:
    for number in range(failures.MOST_ROWS + 2):
        failed(code=f"code{number:02}")
    failed(code="")
    by_job, by_error = failures.matrices()
    assert (len(by_error.rows), by_error.is_cut, by_job.is_cut) == (failures.MOST_ROWS, True, False)
    assert numbers(by_error.total) == [failures.MOST_ROWS + 3] * 3
    assert "with those not shown" in page.get("/ops/").content.decode()


def test_a_failure_without_a_code_is_counted(page: Client) -> None:
    failed(state=State.LOST, code="")
    assert "Nothing has failed" not in page.get("/ops/").content.decode()


def test_a_name_with_blanks_and_quotes_leads_there_too(page: Client) -> None:
    failed(code='torn "row" 7', job="two words")
    for matrix in failures.matrices():
        assert page.get(matrix.rows[0].counts[0].link).context["page_obj"].paginator.count == 1
