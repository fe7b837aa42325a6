"""The settings of tasks_app: a Django setting `TASKS_<NAME>` sets the field of the same name in lower case."""

from dataclasses import dataclass, field, fields
from typing import Any

from django.conf import settings as django_settings

PREFIX = "TASKS_"


def _setting(default: Any, explanation: str) -> Any:
    return field(default=default, metadata={"explanation": explanation})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every tunable. Names end in their unit: `_s` seconds, `_bytes` bytes; plain numbers are counts."""

    lease_s: float = _setting(45.0, "A worker that does not renew for so long has lost its task.")
    renew_s: float = _setting(15.0, "How often a worker renews its lease; a third of it survives two misses.")
    upload_limit_bytes: int = _setting(100 * 2**20, "The largest file that a form takes.")
    result_limit_bytes: int = _setting(2**20, "The largest result, as JSON; bigger ones belong into a file.")
    most_losses: int = _setting(3, "A task whose worker vanished so often is given up as lost.")
    republish_after_s: float = _setting(10.0, "A task that the broker may not have is published again.")
    page_size: int = _setting(25, "Tasks on one page of the list.")


def get() -> Settings:
    """The project's settings, as they are now."""
    names = [f.name for f in fields(Settings) if hasattr(django_settings, PREFIX + f.name.upper())]
    return Settings(**{name: getattr(django_settings, PREFIX + name.upper()) for name in names})
