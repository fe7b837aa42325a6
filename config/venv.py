"""The project's own virtual environment, made from a hash-locked file: bare Python.

A stamp in it names the locks that it holds and its Python, so that the next start costs nothing. uv installs
when it is there or can be had (three times faster), else pip does.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

RUNTIME_LOCK = "requirements.txt"
DEVELOPMENT_LOCK = "requirements-dev.txt"
INSTALLER_LOCK = "requirements-uv.txt"
# The development set holds the runtime set whole (a test says so).
HOLDS = {RUNTIME_LOCK: [RUNTIME_LOCK], DEVELOPMENT_LOCK: [DEVELOPMENT_LOCK, RUNTIME_LOCK]}


class InstallError(SystemExit):
    """The environment could not be made; ends the process with one line that says the remedy."""


class VirtualEnvironment:
    """The environment in `folder` for the project at `base`; `var` keeps the installer and the lock file."""

    def __init__(self, folder: Path, base: Path, var: Path) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        self._base = base
        self._tools = var / "tools"
        self._stamp = folder / ".stamp"

    def ensure(self, lock: str) -> None:
        """Make the environment hold what the lock names; at once when it does already.

        Raises:
            InstallError: venv is not usable here, or the packages could not be had.
        """
        if self.is_current(lock):
            return
        with self._alone():
            if self.is_current(lock):
                return  # another start was faster
            print(f"Installing {lock} into {self.folder.name} (once) …", flush=True)  # noqa: T201
            uv = shutil.which("uv") or self._own_uv()
            if not self._is_usable():
                shutil.rmtree(self.folder, ignore_errors=True)
                create(self.folder, uv)
            self._install(lock, uv)
            self._write_stamp(lock)

    def is_current(self, lock: str) -> bool:
        """Return whether the stamp names this content of the lock and the Python that is in there."""
        try:
            stamp = json.loads(self._stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        holds = stamp.get("locks", {}).get(lock) == self._digest(lock)
        return bool(holds and stamp.get("python") == self._version())

    def _is_usable(self) -> bool:
        """Return whether packages may be added: it runs, and was made by the minor version that it runs."""
        version = self._version()
        minor = version.rpartition(".")[0]
        return bool(version) and (self.folder / "lib" / f"python{minor}" / "site-packages").is_dir()

    def _version(self) -> str:
        """Ask the environment's Python for its version; empty when it does not run.

        The file pyvenv.cfg would still name the old one after the system's Python was upgraded under it.
        """
        if not self.python.exists():
            return ""
        asked = [str(self.python), "-I", "-S", "-c", "import platform; print(platform.python_version())"]
        ended = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
        return ended.stdout.strip() if ended.returncode == 0 else ""

    def _digest(self, lock: str) -> str:
        return hashlib.sha256((self._base / lock).read_bytes()).hexdigest()

    def _write_stamp(self, lock: str) -> None:
        locks = {name: self._digest(name) for name in HOLDS[lock]}
        draft = self._stamp.with_suffix(".new")
        draft.write_text(json.dumps({"python": self._version(), "locks": locks}), encoding="utf-8")
        draft.replace(self._stamp)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one start install at a time."""
        self._tools.mkdir(parents=True, exist_ok=True)
        with (self._tools / "install.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _install(self, lock: str, uv: str) -> None:
        locked = ["--require-hashes", "-r", str(self._base / lock)]
        if (uv and self._by_uv(uv, locked)) or self._by_pip(locked):
            return
        raise InstallError(
            f"The packages of {lock} could not be installed (see above). "
            "Check the network or your pip settings, then start again."
        )

    def _by_uv(self, uv: str, locked: Sequence[str]) -> bool:
        where = ["--compile-bytecode", "--quiet", "--python", str(self.python)]
        return _run([uv, "pip", "install", *where, *locked]) == 0

    def _by_pip(self, locked: Sequence[str]) -> bool:
        print("Installing with pip instead of uv, which takes longer …", flush=True)  # noqa: T201
        if _run([str(self.python), "-m", "pip", "--version"], quiet=True):
            _run([str(self.python), "-m", "ensurepip"], quiet=True)  # uv makes environments without pip
        return _run([*_pip(self.python), *locked]) == 0

    def _own_uv(self) -> str:
        """Return a uv kept under var/, installed there at first; empty when it cannot be had."""
        folder = self._tools / "uv"
        program = folder / "bin" / "uv"
        if not program.exists():
            shutil.rmtree(folder, ignore_errors=True)
            create(folder)
            locked = ["--require-hashes", "-r", str(self._base / INSTALLER_LOCK)]
            if _run([*_pip(folder / "bin" / "python"), *locked], quiet=True):
                return ""  # pip itself is tried next, and shows what is wrong
        return str(program)


def create(folder: Path, uv: str = "") -> None:
    """Make an empty virtual environment: by uv, if there is one, in no time; else by venv, with pip in it.

    Raises:
        InstallError: this Python has no ensurepip, as on a Debian without python3-venv.
    """
    if uv and _run([uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(folder)]) == 0:
        return
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise InstallError(
            f"This Python {version} has no venv module: run `apt-get install python3-venv`, then start again."
        )
    if _run([sys.executable, "-m", "venv", str(folder)]):
        raise InstallError(f"{folder} could not be made (see above).")


def _pip(python: Path) -> list[str]:
    """Return pip's command line; its errors are shown, its remarks are not."""
    return [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]


def _run(command: Sequence[str], *, quiet: bool = False) -> int:
    """Run a command in the environment as it is: its index and certificates count. Return its code."""
    sink = subprocess.DEVNULL if quiet else None
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return subprocess.run(  # noqa: S603 - our own words
        command, check=False, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=environment
    ).returncode
