"""Many viewers at once, in a process of their own: `crowd.c`, compiled when first needed."""

import json
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.environment import RUN

SOURCE = Path(__file__).with_name("crowd.c")


@lru_cache(maxsize=1)
def program() -> Path:
    """Where the compiled program lies."""
    target = RUN / "crowd"
    subprocess.run(["cc", "-O2", "-o", target, SOURCE], check=True)
    return target


class Crowd:
    """So many streams on a port, stream i at path i modulo their number.

    Args:
        port: of a server on the loopback.
        streams: how many.
        paths: what they ask for.
        come_back: whether they connect again when their stream ends.
        headers: sent with each request.

    """

    def __init__(
        self, port: int, streams: int, paths: Sequence[str], *, come_back: bool = False, headers: Sequence[str] = ()
    ) -> None:
        self.streams = streams
        asked = RUN / f"paths-{port}"
        asked.write_text("\n".join(paths) + "\n")
        command: list[str | Path] = [program(), str(port), str(streams), asked, str(int(come_back)), *headers]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def opened(self) -> None:
        """Wait until every stream has been answered."""
        self._told("open")

    def quiet(self) -> None:
        """Wait until nothing has come for half a second."""
        self._told("quiet")

    def back(self) -> None:
        """Wait until all of them have come back."""
        self._told(f"again {self.streams}")

    def _told(self, line: str) -> None:
        assert self._process.stderr is not None
        for told in self._process.stderr:
            if told.strip() == line:
                return
        raise AssertionError(f"the crowd ended before it said {line!r}")

    def leave(self) -> dict[str, Any]:
        """End all streams; returns what the crowd saw (`crowd.c` says the fields)."""
        out, _ = self._process.communicate("")
        found: dict[str, Any] = json.loads(out)
        return found
