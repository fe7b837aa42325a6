"""Where the project lies and where it keeps what it makes: bare Python, so that every start can ask."""

from pathlib import Path

from config import env

BASE = Path(__file__).resolve().parent.parent

# Everything that is made at run time: database, uploads, secrets, Redis data, helper tools.
VAR = Path(env.text("HEADWAY_VAR", str(BASE / "var"))).resolve()

# The address of the Redis that `up` started, for commands run beside it (celery inspect, shell).
REDIS_URL_FILE = VAR / "run" / "redis.url"

DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"


def redis_url() -> str:
    """Return REDIS_URL, else the address that a running `up` wrote, else the usual local one."""
    given = env.text("REDIS_URL")
    if given:
        return given
    try:
        return REDIS_URL_FILE.read_text(encoding="utf-8").strip() or DEFAULT_REDIS_URL
    except OSError:
        return DEFAULT_REDIS_URL
