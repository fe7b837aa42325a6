"""What a search means, and whom it shows what."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from django.utils.translation import override

from progress_app.events import State
from tasks_app import recovery, search
from tasks_app.jobnames import job_names
from tasks_app.models import Attachment, Task
from tasks_app.search import ALL, chosen, searched_since
from tasks_app.terms import MOST_TERMS, terms
from tests.factories import TaskFactory

pytestmark = pytest.mark.django_db


def found(user: User, text: str, scope: str = ALL) -> set[Task]:
    return set(chosen(user, terms([text]), scope))


def made(**fields: Any) -> Task:
    return TaskFactory.create(**fields)


def test_terms_of_one_key_are_alternatives_and_keys_hold_together(staff: User) -> None:
    failed, lost = made(state=State.FAILED), made(state=State.LOST, job="other")
    made()
    assert found(staff, "state:failed state:lost") == {failed, lost}
    assert found(staff, "state:failed state:lost job:other") == {lost}


def test_a_word_is_looked_for_where_people_remember_it_from(staff: User) -> None:
    by_error, by_message, by_owner = made(error_text="No such TABLE"), made(message="the table is read"), made()
    assert found(staff, "table") == {by_error, by_message}
    assert by_owner.owner is not None
    assert found(staff, by_owner.owner.username) == {by_owner}
    assert found(staff, str(by_owner.pk)[:8]) == {by_owner}


def test_a_word_is_looked_for_in_what_the_list_shows(staff: User) -> None:
    profile = made(job="profile_csv", state=State.SUCCEEDED)
    failed, foreign = made(state=State.FAILED), made(job="shop.tasks.count", own_title="Count the stock")
    Attachment.objects.create(task=profile, field="file", name="Orders.csv", file="x", size=1)
    Attachment.objects.create(task=failed, name="thumbs.zip", file="y", size=1)
    assert found(staff, "orders") == found(staff, "orders.csv") == {profile}, "a file that was given"
    assert found(staff, "thumbs") == {failed}, "a file that was made"
    assert found(staff, "profile") == found(staff, "PROFILE_CSV") == {profile}, "the job, by title and by name"
    assert found(staff, "rehearsal") == {failed}
    assert found(staff, "stock") == found(staff, "shop.tasks") == {foreign}, "a tracked task"
    assert found(staff, "Succeeded") == {profile}
    assert found(staff, "failed orders") == set(), "each word must be there"


def test_words_are_those_of_the_reader_s_language_and_english_ones(staff: User) -> None:
    lost = made(state=State.LOST, error_text=recovery.VANISHED.text)
    with override("de"):
        for text in ("verloren", "lost", "zustand:verloren", "status:Verloren", "state:lost", "verschwand datum:heute"):
            assert found(staff, text) == {lost}, text
        assert [term.label for term in terms(["state:lost after:today"])] == ["zustand:verloren", "seit:heute"]
        assert [str(term) for term in terms(["Zustand: Verloren SEIT:gestern heute"])] == [
            "state:lost", "after:yesterday", "date:today",
        ]  # fmt: skip


@pytest.mark.parametrize("text", ["state: failed", "State:Failed", "status:FAILED", '"failed" state:failed'])
def test_a_state_is_understood_however_it_is_typed(staff: User, text: str) -> None:
    failed = made(state=State.FAILED)
    made()
    assert found(staff, text) == {failed}


@pytest.mark.parametrize("text", ["job:Profile", "job:PROFILE_CSV", 'job:"profile a csv file"', "job: profile_csv"])
def test_a_job_is_meant_by_its_name_or_title(staff: User, text: str) -> None:
    profile = made(job="profile_csv")
    made()
    assert found(staff, text) == {profile}


def test_days_have_names(staff: User) -> None:
    now = timezone.now()
    old, new = made(created_at=now - timedelta(days=40)), made(created_at=now)
    for text in ("today", "date:today", "after:yesterday", "since:today", "after:7d", f"date:{now.date()}"):
        assert found(staff, text) == {new}, text
    assert found(staff, "before:yesterday") == found(staff, f"date:{old.created_at.date()}") == {old}
    assert found(staff, '"today"') == set(), "in quotes it is a word"


def test_a_name_that_many_files_have_is_found_too(staff: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_NAMED", 1)
    tasks = {made(), made()}
    for task in tasks:
        Attachment.objects.create(task=task, field="file", name="orders.csv", file="x", size=1)
    made()
    assert found(staff, "orders") == tasks


def test_the_names_of_jobs_are_those_that_tasks_have() -> None:
    for name in ("b", "a", "b", "c.d"):
        made(job=name)
    assert job_names() == ["a", "b", "c.d"]


def test_a_day_is_a_bound(staff: User) -> None:
    old, new = (made(created_at=datetime(2026, month, 1, tzinfo=UTC)) for month in (3, 5))
    assert found(staff, "after:2026-04-01") == {new}
    assert found(staff, "before:2026-04-01") == {old}
    assert found(staff, "after:nonsense") == set()


def test_an_unknown_value_matches_nothing_and_an_unknown_key_is_a_word(staff: User) -> None:
    task = made(message="see http://x")
    assert found(staff, "state:nonsense") == set()
    assert found(staff, "http://x") == {task}
    assert found(staff, "state:") == set()


def test_words_are_looked_for_in_the_newest_tasks_and_before_a_day_in_the_newest_before_it(
    staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_SEARCHED", 2)
    old, *newest = (made(message="torn", created_at=datetime(2026, month, 1, tzinfo=UTC)) for month in (3, 5, 6))
    assert found(staff, "torn") == set(newest)
    assert found(staff, "torn before:2026-05-02") == {old, newest[0]}
    assert found(staff, "job:rehearsal") == {old, *newest}, "no word, no need to read each"
    assert [searched_since(staff, terms([text]), ALL) for text in ("torn", "torn before:2026-05-02", "")] == [
        old.created_at, None, None,
    ]  # fmt: skip


def test_of_ones_own_tasks_the_newest_of_ones_own_are_searched(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_SEARCHED", 2)
    mine = made(message="torn", owner=owner, created_at=datetime(2026, 3, 1, tzinfo=UTC))
    made(), made(), made()
    assert set(chosen(owner, terms(["torn"]))) == {mine}


def test_a_word_beside_a_day_is_looked_for_in_all_of_that_day(staff: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_SEARCHED", 2)
    old = made(message="torn", created_at=datetime(2026, 3, 1, 12, tzinfo=UTC))
    made(), made(), made()
    assert found(staff, "torn date:2026-03-01") == {old}


@pytest.mark.parametrize("length", [8, 13, 36])
def test_an_id_is_found_however_old_its_task(staff: User, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    monkeypatch.setattr(search, "MOST_SEARCHED", 1)
    old = made(created_at=datetime(2026, 3, 1, tzinfo=UTC))
    made(message=f"as {str(old.pk)[:length]}"), made()
    assert found(staff, str(old.pk)[:length]) == {old}
    assert found(staff, str(old.pk)[:length].upper()) == {old}


def test_hexadecimal_words_that_are_no_id_are_words(staff: User) -> None:
    task = made(message="it says deadbeef-00")
    assert found(staff, "deadbeef-00") == {task}


@pytest.mark.parametrize("hostile", ["%", "'; DROP TABLE tasks_app_task; --", "state:\x00", "\x00", "x" * 10_000, "🦆"])
def test_a_hostile_word_does_no_harm(staff: User, hostile: str) -> None:
    made()
    assert found(staff, hostile) == set()


def test_the_number_of_terms_is_bounded() -> None:
    assert len(terms([" ".join(map(str, range(1_000)))])) == MOST_TERMS


def test_nobody_finds_what_they_may_not_see(owner: User, stranger: User, group: Group) -> None:
    own, group_s, foreign = made(owner=owner), made(group=group), made()
    assert found(owner, "") == {own, group_s}
    assert found(owner, "", scope="mine") == {own}
    assert found(owner, str(foreign.pk)) == set()
    assert found(stranger, "") == set()


def test_a_value_with_blanks_stands_in_quotes(staff: User) -> None:
    torn = made(state=State.FAILED, error_code='torn "row"')
    made(state=State.FAILED, error_code="torn", message="row")
    assert found(staff, 'error:"torn ""row"""') == {torn}
    assert found(staff, '"no such words"') == set()


@pytest.mark.parametrize(
    ("text", "term"),
    [('"broken', "broken"), ('"torn row', '"torn row"'), ('error:"torn row', 'error:"torn row"'), ('"a""', 'a"')],
)
def test_a_quote_that_is_not_closed_goes_to_the_end(text: str, term: str) -> None:
    assert list(map(str, terms([f"orders {text}"]))) == ["orders", term]


def test_a_quote_with_nothing_behind_it_is_no_term() -> None:
    assert list(map(str, terms(['orders "']))) == ["orders"]


@pytest.mark.parametrize("text", ["state:failed", 'error:"torn row"', '"two words"', 'a"b', '"un', 'x:"a ""b"""', "q:"])
def test_a_term_s_text_means_the_same_term(text: str) -> None:
    told = terms([text])
    assert terms([" ".join(map(str, told))]) == told
