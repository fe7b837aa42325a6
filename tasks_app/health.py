"""Whether this installation can do its work: database and Redis, each asked."""

import logging
from collections.abc import Callable

from django.db import DatabaseError, connection

from progress_app import connections
from progress_app.exceptions import BackendUnavailable

logger = logging.getLogger(__name__)


def health() -> dict[str, bool]:
    """What was asked, and whether it answered; the reasons go into the log only."""
    return {"database": _answers(_database), "redis": _answers(_redis)}


def _answers(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except (DatabaseError, BackendUnavailable) as error:
        logger.warning("Health: %s", error)
        return False
    return True


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis() -> None:
    connections.backend().ping()
