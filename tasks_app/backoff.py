"""How long a task waits before its next attempt. Pure."""

import random
from collections.abc import Callable


def pause_s(failures: int, *, first_s: float, most_s: float, chance: Callable[[], float] = random.random) -> float:
    """Seconds to wait after so many failures: doubled with each, at most `most_s`, scattered over the upper half.

    Scattered, because tasks that failed together (the other side was away) must not all come back together.
    """
    whole_s = min(most_s, first_s * 2.0 ** min(failures - 1, 62))
    return whole_s * (1 + chance()) / 2
