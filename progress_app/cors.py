"""Which other origins may read the stream: none unless they are named. Pure.

A named origin may send its cookies; `*` lets every origin read with a token, never with cookies.
"""

from typing import Final

ANY: Final = "*"
REMEMBERED_S: Final = 3_600
Headers = list[tuple[bytes, bytes]]


class Cors:
    """The answer's headers for a request from another origin.

    Args:
        origins: exact origins such as `https://app.example.org`, separated by commas; `*`: every one.

    """

    def __init__(self, origins: str) -> None:
        self._origins = frozenset(filter(None, map(str.strip, origins.split(","))))

    @property
    def is_on(self) -> bool:
        """Whether any other origin may read."""
        return bool(self._origins)

    def headers(self, origin: str) -> Headers:
        """What lets a page of that origin read the answer; nothing for one that may not."""
        if not self._origins:
            return []
        if origin in self._origins - {ANY}:
            allowed = (b"access-control-allow-origin", origin.encode("latin-1"))
            return [allowed, (b"access-control-allow-credentials", b"true"), (b"vary", b"Origin")]
        if ANY in self._origins:
            return [(b"access-control-allow-origin", b"*")]
        return [(b"vary", b"Origin")]

    def preflight(self, origin: str) -> Headers:
        """What the browser asks before a request with headers of its own."""
        headers = self.headers(origin)
        if not any(name == b"access-control-allow-origin" for name, _ in headers):
            return headers
        return [
            *headers,
            (b"access-control-allow-methods", b"GET"),
            (b"access-control-allow-headers", b"Last-Event-ID, Cache-Control, If-None-Match"),
            (b"access-control-max-age", b"%d" % REMEMBERED_S),
        ]
