"""Names of channels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from progress_app.channels import MAX_NAME_LENGTH, Kind, log_channel, parse, task_channel, user_channel
from progress_app.exceptions import ChannelNameError
from tests.progress_app.doubles import TASK


@pytest.mark.parametrize(
    ("name", "kind", "subject", "is_state", "task"),
    [
        (task_channel(TASK), Kind.TASK, TASK, True, TASK),
        (log_channel(TASK), Kind.TASK_LOG, TASK, False, TASK),
        (user_channel(7), Kind.USER, "7", False, None),
        ("user-7.tasks", Kind.USER_TASKS, "7", True, None),
        ("tasks", Kind.TASKS, "tasks", True, None),
        ("ops", Kind.OPS, "ops", True, None),
        ("news", Kind.OTHER, "news", False, None),
        ("task-12", Kind.OTHER, "task-12", False, None),
        (f"task-{TASK}.log.log", Kind.OTHER, f"task-{TASK}.log.log", False, None),
        (f"task-{TASK.upper()}", Kind.OTHER, f"task-{TASK.upper()}", False, None),
        (f"x-task-{TASK}", Kind.OTHER, f"x-task-{TASK}", False, None),
    ],
)
def test_a_name_says_what_it_is_about(name: str, kind: Kind, subject: str, is_state: bool, task: str | None) -> None:
    channel = parse(name)
    assert (channel.name, channel.kind, channel.subject) == (name, kind, subject)
    assert (channel.is_state, channel.task) == (is_state, task)


@pytest.mark.parametrize(
    "bad",
    ["", "a b", "a\n", "a\r", "\0", "\x7f", "a\tb", "\ud800", "a\x85", "\u2028", "a\xa0b", "x" * (MAX_NAME_LENGTH + 1)],
)
def test_a_name_that_cannot_stand_in_a_stream_is_refused(bad: str) -> None:
    with pytest.raises(ChannelNameError, match=r"[Cc]hannel name"):
        parse(bad)


def test_the_longest_name_is_allowed() -> None:
    assert parse("x" * MAX_NAME_LENGTH).kind is Kind.OTHER


@given(st.text(max_size=200))
def test_a_name_is_parsed_or_refused_and_never_changed(name: str) -> None:
    try:
        channel = parse(name)
    except ChannelNameError:
        return
    assert channel.name == name
    assert not {"\n", "\r", "\0", " "} & set(name)
    assert len(name.splitlines()) == 1
    assert name.encode("utf-8")
