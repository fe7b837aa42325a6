"""Stream tokens: single use, short-lived, bound to a user, channels and a transport.

They stand in for the session where a client has none (another origin, a program). 256 random bits, kept only as a
SHA-256 hash, redeemed with one GETDEL: of two clients that race with one token, one wins.
"""

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from progress_app.exceptions import TokenRefused

TOKEN_BYTES: Final = 32
MAX_TOKEN_LENGTH: Final = 64  # 32 bytes are 43 characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What somebody may watch: `user` is the user's id as text, empty for nobody in particular."""

    user: str
    channels: tuple[str, ...]
    transport: str = "sse"


def mint() -> str:
    """A new token, safe in a URL."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def key(prefix: str, token: str) -> str:
    """The Redis key of a token, which does not give the token away."""
    return f"{prefix}:token:{hashlib.sha256(token.encode()).hexdigest()}"


def issue(
    store: Callable[[str, bytes, int], object], *, prefix: str, user: object, channels: Sequence[str], ttl_s: int,
    transport: str = "sse",
) -> str:  # fmt: skip
    """Make a token and `store(key, value, seconds)` what it grants."""
    token = mint()
    grant = Grant(user=str(user), channels=tuple(channels), transport=transport)
    store(key(prefix, token), msgspec.json.encode(grant), ttl_s)
    return token


async def redeem(
    take: Callable[[str], Awaitable[bytes | None]], *, prefix: str, token: str, transport: str = "sse"
) -> Grant:
    """What the token grants, once; `take(key)` gives the value and deletes it.

    Raises:
        TokenRefused: missing, malformed, expired, used, or made for another transport.

    """
    if not token or len(token) > MAX_TOKEN_LENGTH:
        raise TokenRefused
    value = await take(key(prefix, token))
    if value is None:
        raise TokenRefused
    grant = msgspec.json.decode(value, type=Grant)
    if grant.transport != transport:
        raise TokenRefused
    return grant
