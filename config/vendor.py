"""The hosted services' client libraries for browsers, installed by npm from a lock into var/vendor.

They become static files of our own (`vendor/pusher.js`, `vendor/ably.js`): a page loads nothing from another host.
`up` installs them when PROGRESS_TRANSPORT chooses one; the image has them; elsewhere `python -m config.vendor` does it.
"""

import hashlib
import shutil
import subprocess
from pathlib import Path

from config import places

LOCKED = places.BASE / "config" / "npm"
FILES = (".npmrc", "package.json", "package-lock.json")
FOLDER = places.VAR / "vendor"
LIBRARIES = ("pusher", "ably")
STEPS = (("ci", "--ignore-scripts", "--no-audit", "--no-fund"), ("run", "collect"))


class NotInstalledError(Exception):
    """npm is missing or failed; the text says what to do."""


def install_if_chosen() -> None:
    """Install the libraries if the chosen transport needs one. Django must be set up."""
    from progress_app import conf  # noqa: PLC0415 - needs a Django that is set up

    if conf.get().transport in LIBRARIES:
        install()


def install(folder: Path = FOLDER) -> bool:
    """Install what the lock names, unless that is there already; return whether it was done.

    Raises:
        NotInstalledError: npm is missing or failed.

    """
    stamp, wanted = folder / ".lock", _fingerprint()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(LOCKED / name, folder / name)
    for step in STEPS:
        _npm(folder, *step)
    stamp.write_text(wanted, encoding="utf-8")
    return True


def _npm(folder: Path, *words: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstalledError("npm was not found: install Node.js 18 or newer, or leave PROGRESS_TRANSPORT at sse.")
    ended = subprocess.run([npm, *words], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    if ended.returncode:
        raise NotInstalledError(f"npm {words[0]} failed: {(ended.stderr or ended.stdout).strip()[-500:]}")


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for name in FILES:
        digest.update((LOCKED / name).read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    install()
