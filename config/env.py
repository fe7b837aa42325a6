"""Typed readers of the environment, for settings and for the two commands.

Bare Python: the bootstrap reads settings before anything is installed. An unset or empty variable means the
default. A bad value stops the program with the variable, the value and what is allowed, as one line: whoever
starts Headway needs the remedy and no traceback.
"""

import math
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

SECRET_BYTES = 48
TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off")


class BadSettingError(SystemExit):
    """A variable holds what it may not hold: ends the process with this one line and exit code 1."""


def text(name: str, default: str = "", *, choices: Sequence[str] = ()) -> str:
    """Return the variable without blanks around it; with `choices`, only one of these passes."""
    value = os.environ.get(name, "").strip() or default
    if choices and value not in choices:
        raise _bad(name, value, f"one of {', '.join(choices)}", default)
    return value


def integer(name: str, default: int, *, at_least: int | None = None, at_most: int | None = None) -> int:
    """Return a whole number within the bounds, which are themselves allowed."""
    return int(_number(name, default, at_least, at_most, whole=True))


def seconds(name: str, default: float, *, at_least: float = 0.0, at_most: float | None = None) -> float:
    """Return a time in seconds, fractions allowed."""
    return float(_number(name, default, at_least, at_most, whole=False))


def flag(name: str, default: bool = False) -> bool:  # noqa: FBT001, FBT002 - reads like the other readers
    """Return True for 1, true, yes, on and False for 0, false, no, off, in any case."""
    value = text(name).lower()
    if not value:
        return default
    if value not in TRUE + FALSE:
        raise _bad(name, value, f"one of {', '.join(TRUE + FALSE)}", default)
    return value in TRUE


def listing(name: str, default: Sequence[str] = ()) -> list[str]:
    """Return the parts between commas, without blanks and empty ones."""
    value = text(name)
    return [part.strip() for part in value.split(",") if part.strip()] if value else list(default)


def secret(name: str, *, kept_in: Path) -> str:
    """Return NAME, else what the file NAME_FILE holds, else a random text made once and kept in `kept_in`.

    The kept file has mode 600. Two processes that start at once agree: only one can link it into place.
    """
    value = text(name)
    if value:
        return value
    given = text(f"{name}_FILE")
    if given:
        return _content(f"{name}_FILE", Path(given))
    if not kept_in.exists():
        _keep(kept_in, secrets.token_urlsafe(SECRET_BYTES))
    return _content(name, kept_in)


def _number(name: str, default: float, at_least: float | None, at_most: float | None, *, whole: bool) -> float:
    value = text(name)
    if not value:
        return default
    try:
        number: float = int(value) if whole else float(value)
    except ValueError:
        number = math.nan
    low = -math.inf if at_least is None else at_least
    high = math.inf if at_most is None else at_most
    if not low <= number <= high or math.isinf(number):
        raise _bad(name, value, _range(at_least, at_most, whole=whole), default)
    return number


def _range(at_least: float | None, at_most: float | None, *, whole: bool) -> str:
    kind = "a whole number" if whole else "seconds"
    bounds = [f"≥ {at_least:g}"] if at_least is not None else []
    bounds += [f"≤ {at_most:g}"] if at_most is not None else []
    return " ".join([kind, " and ".join(bounds)]).strip()


def _bad(name: str, value: str, allowed: str, default: object) -> BadSettingError:
    return BadSettingError(f"{name}={value}: expected {allowed}; leave it unset for the default {default!r}.")


def _content(name: str, path: Path) -> str:
    try:
        value = path.read_text(encoding="utf-8").strip()
    except OSError as fault:
        raise BadSettingError(f"{name}: {path} cannot be read ({fault.strerror}); name a readable file.") from fault
    if not value:
        raise BadSettingError(f"{name}: {path} is empty; write the secret into it or remove the file.")
    return value


def _keep(path: Path, value: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(value)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first: its secret counts
    finally:
        draft.unlink()
