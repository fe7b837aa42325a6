"""Jobs from the command line: started as by their form, and followed to their end."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django import forms
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from rich.console import Console

from progress_app import connections
from progress_app.channels import log_channel
from progress_app.events import (
    Children,
    Eta,
    Fault,
    Level,
    LogEntry,
    Place,
    Snapshot,
    StageProgress,
    StageRef,
    StageState,
    State,
)
from progress_app.exceptions import BackendUnavailable
from tasks_app import registry, runner, terminal
from tasks_app.management.commands import watch
from tasks_app.models import Task
from tasks_app.watching import Look, Watch
from tests.factories import TaskFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db")]
Catalogue = Callable[..., registry.Job]


class OrderForm(forms.Form):
    number = forms.IntegerField(help_text="How many.")
    colour = forms.ChoiceField(choices=[("red", "Red"), ("blue", "Blue")], initial="red")
    tags = forms.MultipleChoiceField(choices=[("a", "A"), ("b", "B")], required=False)
    fast = forms.BooleanField(required=False, initial=True)
    list = forms.FileField(required=False)


@pytest.fixture
def order(catalogue: Catalogue, inbox: list[Task], staff: User) -> list[Task]:
    catalogue(lambda _progress, **_: None, name="order", form=OrderForm)
    return inbox


def run_job(*words: str, **options: Any) -> Task:
    out = io.StringIO()
    call_command("run_job", *words, stdout=out, **options)
    return Task.objects.get(pk=out.getvalue().strip())


# run_job


def test_values_go_through_the_form_and_the_first_superuser_owns_the_task(order: list[Task], staff: User) -> None:
    task = run_job("order", "number=5", "tags=a", "tags=b", "fast=no")
    assert (task.owner, task.params["number"], task.params["tags"]) == (staff, "5", ["a", "b"])
    assert registry.get("order").bind(task.params) == {
        "number": 5, "colour": "red", "tags": ["a", "b"], "fast": False, "list": None,
    }  # fmt: skip
    assert order == [task]


def test_what_is_not_named_is_what_the_form_shows_at_first(order: list[Task]) -> None:
    bound = registry.get("order").bind(run_job("order", "number=5").params)
    assert (bound["colour"], bound["fast"], bound["tags"]) == ("red", True, [])


def test_a_file_is_given_by_its_path(order: list[Task], tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("one\ntwo\n")
    task = run_job("order", "number=5", f"list=@{tmp_path}/list.txt")
    given = task.attachments.get()
    with given.file.open() as file:
        assert (given.field, given.name, file.read()) == ("list", "list.txt", b"one\ntwo\n")


def test_somebody_else_can_be_named(order: list[Task], staff: User, owner: User) -> None:
    assert run_job("order", "number=5", user="staff").owner == staff
    with pytest.raises(CommandError, match="may not start"):
        run_job("order", "number=5", user="owner")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["ordr"], "Did you mean order"),
        (["order"], r"(?s)number: This field is required.*number=value  How many\."),
        (["order", "number=many"], "number: Enter a whole number"),
        (["order", "size=5"], r"(?s)'size=5': expected field=value.*The fields of 'order'.*list=@path"),
        (["order", "size=5"], r"(?s)colour=red\|blue.*tags=a\|b \(optional\).*fast=yes\|no"),
        (["order", "number"], "'number': expected field=value"),
        (["order", "number=5", "list=here.txt"], "list=here.txt: expected @ and the path"),
        (["order", "number=5", "list=@/no/such/file"], "expected @ and the path"),
        (["order", "number=5", "--user", "nobody"], "no active user of this name"),
    ],
)
def test_what_does_not_fit_is_told_with_what_would(order: list[Task], words: list[str], told: str) -> None:
    with pytest.raises(CommandError, match=told) as refused:
        run_job(*words)
    assert refused.value.returncode == watch.MISUSE
    assert not Task.objects.exists()


def test_without_a_superuser_somebody_must_be_named(order: list[Task], staff: User) -> None:
    staff.delete()
    with pytest.raises(CommandError, match="--user"):
        run_job("order", "number=5")


# watch


@pytest.fixture
def ended(catalogue: Catalogue) -> Callable[..., Task]:
    """Give a function that runs a job to its end."""

    def ended(job: Callable[..., Any]) -> Task:
        catalogue(job)
        task = TaskFactory.create(job="a_job", params={})
        runner.run(str(task.pk), worker="worker@test")
        return task

    return ended


def watched(task: Any) -> int:
    with pytest.raises(SystemExit) as left:
        call_command("watch", str(task))
    return int(left.value.code or 0)


def says(progress: Any) -> None:
    progress.log("3 rows skipped", level="warning")


def test_the_end_is_shown_and_is_the_exit_status(
    ended: Callable[..., Task], capsys: pytest.CaptureFixture[str]
) -> None:
    assert watched(ended(says).pk) == 0
    shown = capsys.readouterr().out
    assert "warning: 3 rows skipped" in shown
    assert "succeeded · 100 %" in shown


@pytest.mark.parametrize(("state", "status"), [("failed", 1), ("cancelled", 3), ("lost", 4)])
def test_each_bad_end_has_its_exit_status(state: str, status: int) -> None:
    assert watched(TaskFactory.create(ended=True, state=state).pk) == status


def test_a_task_that_is_not_there_is_told() -> None:
    with pytest.raises(CommandError, match="There is no task"):
        call_command("watch", str(uuid4()))


def test_redis_away_leaves_the_row_and_the_log_that_it_keeps(
    ended: Callable[..., Task], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    task = ended(says)

    def away(*_: Any) -> None:
        raise BackendUnavailable("away")

    for verb in ("read_snapshot", "replay"):
        monkeypatch.setattr(connections.backend(), verb, away)
    assert watched(task.pk) == 0
    assert "3 rows skipped" in capsys.readouterr().out


def test_every_log_entry_is_seen_once_and_a_hole_is_told() -> None:
    task, texts, gaps = TaskFactory.create(running=True), iter(["b", "c"]), []
    backend = connections.backend()

    def write(text: str, state: State = State.RUNNING) -> None:
        now = Snapshot(task=str(task.pk), attempt=1, state=state, ts=2e9)
        backend.publish(now, [LogEntry(task=str(task.pk), text=text, ts=1.0)])

    def next_step(_seconds: float) -> None:
        text = next(texts)
        if text == "c":
            backend.client.delete(backend._keys.log(log_channel(task.pk)))
        write(text, State.SUCCEEDED if text == "c" else State.RUNNING)

    write("a")
    seen = []
    for look in Watch(str(task.pk), sleep=next_step).looks():
        seen += [entry.text for entry in look.lines]
        gaps.append(look.gap)
    assert seen == ["a", "b", "c"]
    assert gaps == [False, False, True]


def test_ctrl_c_leaves_the_task_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    task = TaskFactory.create(running=True)

    def interrupt(_self: Watch) -> Iterator[Look]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Watch, "looks", interrupt)
    assert watched(task.pk) == watch.INTERRUPTED
    assert str(task.pk) in capsys.readouterr().err


# The terminal

BUSY = Snapshot(
    task=str(uuid4()), state=State.RUNNING, attempt=2, current=4210, total=10_000, unit="rows", percent=42.1,
    message="Loading \x1b[31mrows", stage=StageRef(index=1, name="Load"), rate=812.4, eta=Eta(low=6.1, high=8.4),
    stages=(StageProgress(name="Read", state=StageState.DONE, percent=100.0, seconds=1.2),
            StageProgress(name="Load", state=StageState.RUNNING, percent=None, seconds=3.0)),
    children=Children(total=10, done=3, failed=1), error=Fault(code="x", text="It broke."),
)  # fmt: skip


def drawn(*looks: Look, is_terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=is_terminal, width=200)
    shown = terminal.screen(console, "Import", clock=lambda: 0.0)
    with shown.shown():
        for look in looks:
            shown.show(look)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_a_line_says_all_that_there_is_and_obeys_nothing() -> None:
    shown = drawn(Look(snapshot=BUSY), is_terminal=False)
    assert shown.strip() == (
        "running · 42.1 % · 4,210 of 10,000 rows · Load · attempt 2 · 812 rows/s · 7–9 s left · Loading �[31mrows"
        " · It broke."
    )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"state": State.QUEUED, "queue": Place(position=1)}, "queued · next in line"),
        (
            {"state": State.QUEUED, "queue": Place(position=1_003, starts_in_s=40.0)},
            "queued · number 1,003 in line, starts in about 40 s",
        ),
        (
            {"state": State.RUNNING, "current": 7, "unit": "rows", "rate": 2.34, "elapsed": 3.0},
            "running · 7 rows · 2.3 rows/s · for 3.0 s",
        ),
        (
            {"state": State.SUCCEEDED, "percent": 100.0, "elapsed": 185.2},
            "succeeded · 100 % · took 3 min 05 s",
        ),
    ],
    ids=["next", "waits", "unknown total", "end"],
)
def test_a_line_says_when_or_how_fast_or_for_how_long(said: dict[str, Any], told: str) -> None:
    assert terminal.summary(Snapshot(task=BUSY.task, **said)) == told


def test_what_only_counts_is_told_now_and_then() -> None:
    bare = Snapshot(task=BUSY.task, state=State.RUNNING)
    looks = [Look(snapshot=bare), Look(snapshot=bare), Look(snapshot=BUSY)]
    assert len(drawn(*looks, is_terminal=False).splitlines()) == 2


def test_a_terminal_has_a_bar_for_the_whole_each_stage_and_the_children() -> None:
    line = LogEntry(task=BUSY.task, level=Level.ERROR, text="bad \x1b]0;title\x07 [bold]row", ts=0.0)
    shown = drawn(Look(snapshot=BUSY, lines=[line], gap=True), is_terminal=True)
    for text in ("Import", "Read", "Load", "Children", "4 of 10, 1 failed", "[bold]row", terminal.MISSED):
        assert text in shown
    assert "\x1b]0;" not in shown
    assert "\x07" not in shown
