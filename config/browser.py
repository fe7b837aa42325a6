"""Where a Chromium for the browser tests is, and how to get one: bare Python, asked before the suite."""

import ctypes.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLACES = (
    "/usr/lib/chromium/chromium-headless-shell",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
BROWSER_PACKAGE = "chromium-headless-shell"
DRIVER_PACKAGE = "libatomic1"  # Playwright's driver does not start without it on a bare Debian


def find() -> str | None:
    """Return the browser's path: $CHROMIUM, else one on PATH, else one where installers put it, else None."""
    given = os.environ.get("CHROMIUM", "").strip()
    if given:
        return shutil.which(given)
    on_path = next(filter(None, map(shutil.which, NAMES)), None)
    return on_path or next(filter(os.path.exists, PLACES), None) or _playwrights_own()


def missing_packages() -> list[str]:
    """Return what Debian calls the things that browser tests lack here; empty when nothing is missing."""
    packages = [] if find() else [BROWSER_PACKAGE]
    if sys.platform == "linux" and not ctypes.util.find_library("atomic"):
        packages.append(DRIVER_PACKAGE)
    return packages


def install(packages: Sequence[str]) -> str:
    """Install packages by apt-get, as root on Debian; return why not, or an empty text."""
    if not shutil.which("apt-get"):
        return "this machine has no apt-get"
    if os.geteuid() != 0:
        return "only root may install packages"
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for line in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *packages]):
        ended = subprocess.run(  # noqa: S603 - fixed words
            ["apt-get", *line],  # noqa: S607 - apt-get is where PATH says
            env=quiet,
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            return f"apt-get {line[0]} failed: {(ended.stderr or ended.stdout).strip()[-300:]}"
    return ""


def _playwrights_own() -> str | None:
    for cache in (Path.home() / ".cache" / "ms-playwright", Path.home() / "Library/Caches/ms-playwright"):
        for pattern in ("chromium*/chrome-*/headless_shell", "chromium*/chrome-*/chrome"):
            found = sorted(cache.glob(pattern))
            if found:
                return str(found[-1])
    return None
