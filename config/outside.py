"""What `up` was given from outside, REDIS_URL and DATABASE_URL, tried before anything is started.

Each fault is one line with its remedy, and no line shows a password.
"""

import re

from config import valkey

PATIENCE_S = 3


class UnreachableError(SystemExit):
    """Something given from outside does not answer or cannot be used: ends the process with one line."""


def refuse_redis(url: str) -> None:
    """End the process when this Redis does not answer or is too old."""
    import redis  # noqa: PLC0415 - only where it is needed: the options are parsed on bare Python

    remedy = "Start it, correct REDIS_URL, or unset it: then Headway starts its own."
    try:
        with redis.Redis.from_url(
            url, socket_connect_timeout=PATIENCE_S, socket_timeout=PATIENCE_S, retry=None
        ) as client:
            version = str(client.info("server")["redis_version"])
    except ValueError as fault:
        raise UnreachableError(f"REDIS_URL={hidden(url)}: {fault}. {remedy}") from fault
    except redis.RedisError as fault:
        raise UnreachableError(f"REDIS_URL={hidden(url)} does not answer ({fault}). {remedy}") from fault
    if int(version.partition(".")[0]) < valkey.LOWEST_MAJOR:
        needed = f"{valkey.LOWEST_MAJOR}.0 or newer is needed"
        raise UnreachableError(f"REDIS_URL={hidden(url)} is Redis {version}: {needed}. {remedy}")


def refuse_database(url: str) -> None:
    """End the process when Django cannot open its database; Django must be set up."""
    from django.db import DatabaseError, connection  # noqa: PLC0415 - needs a Django that is set up

    # One process needs one connection; a pool would try for ten seconds and log each try.
    connection.settings_dict["OPTIONS"].pop("pool", None)
    try:
        connection.ensure_connection()
    except (DatabaseError, OSError) as fault:
        reason = " ".join(str(fault).split())
        where = f"DATABASE_URL={hidden(url)}" if url else f"The SQLite file {connection.settings_dict['NAME']}"
        remedy = "Start the server or correct DATABASE_URL." if url else "Make its folder writable."
        raise UnreachableError(f"{where} cannot be opened ({hidden(reason)}). {remedy}") from fault


def hidden(text: str) -> str:
    """Return the text with the password of every URL in it replaced."""
    return re.sub(r"(?<=://)([^/@\s:]*):[^/\s]*@", r"\1:***@", text)
