"""What Redis cannot answer: one kind of error for all faults, and none for what somebody else left under a key."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from redis import Redis
from redis.exceptions import ReadOnlyError, RedisError, ResponseError

from progress_app.exceptions import BackendUnavailable

T = TypeVar("T")
logger = logging.getLogger(__name__)


@contextmanager
def one_kind_of_error(client: Redis) -> Iterator[None]:
    """Let what the client raises in this block be a BackendUnavailable."""
    try:
        yield
    except RedisError as error:
        raise unavailable(client, error) from error


def unavailable(client: Redis, error: RedisError) -> BackendUnavailable:
    """The error to raise; a replica that lets nobody write is left, so that the next question finds its master."""
    if isinstance(error, ReadOnlyError):
        client.connection_pool.disconnect()
        return BackendUnavailable(f"Redis is read-only (a fail-over?): {error}")
    return BackendUnavailable(f"Redis did not answer ({type(error).__name__}): {error}")


def readable(read: Callable[[str, Any], T], channel: str, kept: Any) -> T | None:
    """What was read; None, with a word in the log, if somebody else left there what is none of ours."""
    try:
        if isinstance(kept, ResponseError):
            raise kept
        return read(channel, kept)
    except (ResponseError, ValueError) as error:
        logger.warning(
            "What Redis has of %s cannot be read and counts for nothing (%s).", channel, type(error).__name__
        )
        return None
