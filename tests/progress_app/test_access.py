"""Who may read which channel, as django-eventstream asks it."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import RequestFactory
from django_eventstream.utils import get_channelmanager

from progress_app.access import ChannelManager, asked_for
from progress_app.channels import MAX_NAME_LENGTH, Kind
from progress_app.exceptions import ChannelNameError, UsageError
from tests.progress_app.doubles import TASK

QUESTIONS: list[tuple[Any, str]] = []


def only_news(user: Any, channel: str) -> Any:
    QUESTIONS.append((user, channel))
    return "yes" if channel == "news" else None


def never_asked(_user: Any, _channel: str) -> bool:
    raise AssertionError("nobody is logged in, so that nobody is asked about")


@pytest.fixture
def manager() -> ChannelManager:
    return ChannelManager()


def test_it_is_the_one_that_django_eventstream_uses() -> None:
    assert isinstance(get_channelmanager(), ChannelManager)


def test_closed_to_everybody_until_the_project_opens_it(manager: ChannelManager, settings: Any) -> None:
    settings.PROGRESS_MAY_READ = ""
    ruler = User(pk=1, is_staff=True, is_superuser=True)
    assert not any(manager.can_read_channel(ruler, name) for name in ("tasks", "user-1", "news", f"task-{TASK}"))


def test_the_project_s_hook_decides_and_its_answer_is_a_yes_or_a_no(manager: ChannelManager, settings: Any) -> None:
    settings.PROGRESS_MAY_READ = f"{__name__}.only_news"
    QUESTIONS.clear()
    reader = User(pk=7)
    assert manager.can_read_channel(reader, "news") is True
    assert manager.can_read_channel(reader, "other") is False
    assert [(user.pk, channel) for user, channel in QUESTIONS] == [(7, "news"), (7, "other")]


def test_without_a_user_the_hook_is_not_even_asked(manager: ChannelManager, settings: Any) -> None:
    settings.PROGRESS_MAY_READ = f"{__name__}.never_asked"
    assert manager.can_read_channel(None, "news") is False


def test_the_project_s_own_hook_lets_no_anonymous_in(manager: ChannelManager) -> None:
    assert not manager.can_read_channel(AnonymousUser(), "tasks")


@pytest.mark.parametrize("name", ["tasks", "news", f"task-{TASK}", f"task-{TASK}.log"])
def test_every_channel_is_reliable_so_that_the_storage_is_asked(manager: ChannelManager, name: str) -> None:
    assert manager.is_channel_reliable(name)


def test_a_request_names_its_channels_in_the_query(manager: ChannelManager, rf: RequestFactory) -> None:
    request = rf.get("/events/", {"channel": ["news", "tasks", "news"], "other": "ops"})
    assert manager.get_channels_for_request(request, {}) == {"news", "tasks"}


def test_channels_keep_their_order_and_come_once() -> None:
    found = asked_for([f"task-{TASK}", "news", f"task-{TASK}"])
    assert [(channel.name, channel.kind) for channel in found] == [(f"task-{TASK}", Kind.TASK), ("news", Kind.OTHER)]


def test_no_channel_says_how_to_ask_for_one() -> None:
    with pytest.raises(UsageError, match=r"add \?channel=task-<uuid>"):
        asked_for([])


def test_too_many_say_how_many_are_allowed(settings: Any) -> None:
    settings.PROGRESS_MAX_CHANNELS = 2
    assert len(asked_for(["a", "b"])) == 2
    with pytest.raises(UsageError, match="3 channels were asked for: one stream carries at most 2"):
        asked_for(["a", "a", "a"])


@pytest.mark.parametrize("bad", ["", "a b", "a\nb", "a\u2028b", "x" * (MAX_NAME_LENGTH + 1)])
def test_one_bad_name_spoils_the_request(bad: str) -> None:
    with pytest.raises(ChannelNameError):
        asked_for(["news", bad])
