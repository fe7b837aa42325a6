"""The settings of tasks_app: a Django setting `TASKS_<NAME>` sets the field of the same name in lower case."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.core.signals import setting_changed

from progress_app.conf import configured

PREFIX = "TASKS_"


def _setting(default: Any, explanation: str, *, least: float | None = None) -> Any:
    return field(default=default, metadata={"explanation": explanation, "least": least})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every tunable. Names end in their unit: `_s` seconds, `_bytes` bytes; plain numbers are counts."""

    lease_s: float = _setting(45.0, "A worker that does not renew for so long has lost its task.", least=1)
    renew_s: float = _setting(15.0, "How often a worker renews its lease; a third of it allows two misses.", least=0.1)
    upload_limit_bytes: int = _setting(100 * 2**20, "The largest file that a job's form takes.", least=1)
    request_limit_bytes: int = _setting(101 * 2**20, "The largest request: all files of a form together.", least=1)
    result_limit_bytes: int = _setting(2**20, "The largest result, as JSON; bigger ones belong into a file.", least=1)
    most_losses: int = _setting(3, "A task whose worker vanished so often is given up as lost.", least=1)
    longest_round_s: float = _setting(
        60.0, "A round of maintenance whose process died holds others up for so long.", least=1
    )
    republish_after_s: float = _setting(10.0, "A task that the broker may not have is published again.", least=0)
    overtaken_after_s: float = _setting(
        30.0, "A task that one published so much later overtook has lost its message.", least=1
    )
    probe_after_s: float = _setting(30.0, "A line whose oldest task has waited so long is probed.", least=1)
    probe_again_s: float = _setting(600.0, "A probe that has not run for so long is followed by another.", least=1)
    tracked_wait_s: float = _setting(
        86_400.0, "A tracked Celery task that has waited so long past its time has lost its message.", least=60
    )
    cancel_grace_s: float = _setting(30.0, "A job that does not agree to its cancel for so long is ended.", least=0)
    finally_s: float = _setting(10.0, "What its finally blocks get before its process is ended.", least=0)
    most_children: int = _setting(100_000, "Children that one task may have.", least=1)
    children_ahead: int = _setting(200, "Children of one task that are in the queue at once.", least=2)
    keep_days: int = _setting(90, "prune_tasks forgets tasks that ended so many days ago.", least=1)
    keep_most: int = _setting(1_000_000, "prune_tasks keeps at most the newest so many ended tasks.", least=1)
    site_url: str = _setting("http://localhost:8000", "Where people reach this site; e-mails link to it.")
    archive_limit_entries: int = _setting(10_000, "The most files in an archive that make_thumbnails takes.", least=1)
    archive_limit_bytes: int = _setting(2 * 2**30, "The most that such an archive may unpack to.", least=1)
    image_limit_bytes: int = _setting(50 * 2**20, "The largest image that is read, unpacked.", least=1)
    image_limit_pixels: int = _setting(50_000_000, "The largest image that is decoded; 4 bytes a pixel.", least=1)
    page_size: int = _setting(25, "Tasks on one page of the list.", least=1)


@cache
def get() -> Settings:
    """The project's settings, as they are now.

    Raises:
        SettingError: a value has the wrong type or is too small.

    """
    return Settings(**configured(PREFIX, Settings))


def _forget(**_changed: Any) -> None:
    get.cache_clear()


setting_changed.connect(_forget)  # a test may change a setting; nobody else does
