"""A mark in the broker's Redis: when it is gone, the broker has lost its data, and the waiting messages with it.

A broker of another kind has no mark; probes alone then tell of lost messages.
"""

import logging
import uuid
from collections.abc import Callable
from typing import Any, Final, TypeVar

from celery import current_app

KEY: Final = "headway:broker-epoch"
T = TypeVar("T")

logger = logging.getLogger(__name__)


def is_lost() -> bool:
    """Whether the broker answers and has no mark."""
    return _ask(lambda client: not client.exists(KEY), otherwise=False)


def begin() -> None:
    """Set a mark, once what was lost is noted in the database."""
    _ask(lambda client: client.set(KEY, uuid.uuid4().hex), otherwise=None)


def _ask(question: Callable[[Any], T], *, otherwise: T) -> T:
    try:
        with current_app.connection_for_write() as connection:
            client = getattr(connection.default_channel, "client", None)
            return otherwise if client is None else question(client)
    except Exception as error:  # noqa: BLE001  (a broker that is away has lost nothing, as far as one knows)
        logger.warning("The broker did not tell whether it still has its data: %s", error)
        return otherwise
