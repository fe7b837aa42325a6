"""The collected static files: made again only when one of their sources changed."""

import hashlib
from pathlib import Path

STAMP = ".sources"


def collect_if_changed() -> bool:
    """Collect the static files when the stamp does not fit their sources; return whether it was done.

    Django must be set up.
    """
    from django.conf import settings  # noqa: PLC0415 - needs a Django that is set up
    from django.core.management import call_command  # noqa: PLC0415

    stamp = Path(settings.STATIC_ROOT) / STAMP
    present = _fingerprint()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == present:
        return False
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(present, encoding="utf-8")
    return True


def _fingerprint() -> str:
    """Return a hash of every source's path, size and time: reading 200 files would cost more."""
    from django.contrib.staticfiles.finders import get_finders  # noqa: PLC0415

    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list(None):
            about = Path(storage.path(path)).stat()
            digest.update(f"{path}:{about.st_size}:{about.st_mtime_ns}\n".encode())
    return digest.hexdigest()
