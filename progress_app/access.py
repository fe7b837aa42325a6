"""Who may read which channel, as django-eventstream asks it; the project's hook decides."""

from typing import Any

from django.http import HttpRequest
from django_eventstream.channelmanager import DefaultChannelManager

from progress_app import conf
from progress_app.channels import Channel, parse
from progress_app.exceptions import UsageError


class ChannelManager(DefaultChannelManager):  # type: ignore[misc]  # the base class ships no types
    """Closed unless the project's `PROGRESS_MAY_READ` opens a channel."""

    def get_channels_for_request(self, request: HttpRequest, view_kwargs: dict[str, Any]) -> set[str]:  # noqa: ARG002
        """The channels asked for in the query."""
        return {channel.name for channel in asked_for(request.GET.getlist("channel"))}

    def can_read_channel(self, user: Any, channel: str) -> bool:
        """Whether this user (None: nobody is logged in) may read the channel; who was deactivated may not."""
        return user is not None and getattr(user, "is_active", True) and bool(conf.get().reads(user, channel))

    def is_channel_reliable(self, channel: str) -> bool:  # noqa: ARG002
        """Every channel is, so that `send_event` always asks our storage."""
        return True


def asked_for(names: list[str]) -> list[Channel]:
    """The channels of a request, each once.

    Raises:
        UsageError: none, too many, or one whose name cannot be.

    """
    most = conf.get().max_channels
    if not names:
        raise UsageError("No channel was asked for: add ?channel=task-<uuid>.")
    if len(names) > most:
        raise UsageError(f"{len(names)} channels were asked for: one stream carries at most {most}.")
    return [parse(name) for name in dict.fromkeys(names)]
