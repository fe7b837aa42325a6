"""Whether a viewer who comes late, and one whose Redis was away, sees what was sent: 1 is yes.

Redis is away for longer than its clients' own patience; each server may then take its time to find it again.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from tests.benchmarks.servers import Nchan, Ours, Server, Stock
from tests.benchmarks.snapshots import snapshot
from tests.benchmarks.viewer import Viewer
from tests.stack import Valkey

AWAY_S: Final = 8.0
FOUND_AGAIN_S: Final = 8.0
SEEN_WITHIN_S: Final = 3.0
LOOK_EVERY_S: Final = 0.05


def lasting(valkey: Valkey) -> dict[str, dict[str, float]]:
    """Whether who comes late, and who watched while Redis was away, sees the state: 1 is yes."""
    return {kind.name: _lasting(kind(valkey)) for kind in (Ours, Stock, Nchan)}


def _lasting(server: Server) -> dict[str, float]:
    seen: list[int] = []

    def see(_name: str, data: Any, _at: float) -> None:
        if isinstance(data, dict) and "current" in data:
            seen.append(data["current"])

    server.start()
    try:
        server.publish(0, snapshot(0, 1))
        viewer = Viewer(server.port, server.paths(1, 1)[0], see)
        viewer.start()
        late = _within(SEEN_WITHIN_S, lambda: 1 in seen)
        server.publish(0, snapshot(0, 2))
        live = _within(SEEN_WITHIN_S, lambda: 2 in seen)
        server.valkey.service.kill()
        time.sleep(AWAY_S)
        server.valkey.start()
        time.sleep(FOUND_AGAIN_S)
        server.publish(0, snapshot(0, 3))
        after = _within(SEEN_WITHIN_S, lambda: 3 in seen)
        viewer.leave()
    finally:
        server.stop()
    return {"who comes late": late, "who is there": live, "after Redis was away": after}


def _within(seconds: float, holds: Callable[[], bool]) -> float:
    deadline_s = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline_s:
        time.sleep(LOOK_EVERY_S)
    return float(holds())
