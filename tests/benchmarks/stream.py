"""What the stream costs, beside its peers in the same run.

    .venv/bin/python -m tests.benchmarks.stream                 # everything, one table
    .venv/bin/python -m tests.benchmarks.stream w1 w2           # only these
    .venv/bin/python -m tests.benchmarks.stream w2 --rounds 5   # the median of five rounds

Needs a C compiler, and nginx with nchan for that peer. Figures are the server's processor time, memory or delay; the
peers take turns within a round. Compare within one run: an absolute figure holds on no other machine.
"""

import argparse
import os
import statistics
from collections.abc import Callable
from urllib.parse import urlsplit

import django

from tests import environment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402

from config import places  # noqa: E402
from tests.benchmarks import measures  # noqa: E402
from tests.benchmarks.idle import idle, page  # noqa: E402
from tests.benchmarks.kick import kick  # noqa: E402
from tests.benchmarks.lasting import lasting  # noqa: E402
from tests.benchmarks.measures import Figures  # noqa: E402
from tests.benchmarks.servers import Bare, Nchan, Ours, Stock  # noqa: E402
from tests.benchmarks.unwatched import unwatched  # noqa: E402
from tests.stack import Valkey  # noqa: E402


def w1(valkey: Valkey) -> dict[str, Figures]:
    """1,000 viewers of one channel, 10 events a second."""
    return {kind.name: measures.fan_out(kind(valkey), 1, 10) for kind in (Ours, Stock, Bare, Nchan)}


def w2(valkey: Valkey) -> dict[str, Figures]:
    """1,000 viewers of 1,000 tasks, one event a second each."""
    return {kind.name: measures.fan_out(kind(valkey), 1_000, 1_000) for kind in (Ours, Stock, Bare, Nchan)}


MEASURES: dict[str, Callable[[Valkey], dict[str, Figures]]] = {
    "w1": w1,
    "w2": w2,
    "dashboard": measures.dashboard,
    "idle": idle,
    "page": page,
    "opening": measures.opening,
    "back": measures.back,
    "ends": measures.ends,
    "polling": measures.polling,
    "seen": measures.seen,
    "unwatched": unwatched,
    "kick": kick,
    "lasting": lasting,
}


def measured(name: str, valkey: Valkey, rounds: int) -> dict[str, Figures]:
    """The median of so many rounds, by peer."""
    found = []
    for _ in range(rounds):
        valkey.empty()
        found.append(MEASURES[name](valkey))
    return {
        peer: {figure: statistics.median(each[peer][figure] for each in found) for figure in figures}
        for peer, figures in found[0].items()
    }


def show(name: str, found: dict[str, Figures]) -> None:
    """Print a measure: each figure, and how ours stands to it."""
    print(f"\n{name}: {(MEASURES[name].__doc__ or '').strip()}")
    ours = next(iter(found.values()))
    for peer, figures in found.items():
        first, value = next(iter(figures.items()))
        ratio = "" if figures is ours or not value else f"   headway is {ours[first] / value:.2f} ×"
        print(f"  {peer:32}" + "  ".join(f"{figure} {value:,.2f}" for figure, value in figures.items()) + ratio)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", nargs="*", metavar="measure", help=", ".join(MEASURES), default=list(MEASURES))
    parser.add_argument("--rounds", type=int, default=1)
    chosen = parser.parse_args()
    valkey = Valkey(urlsplit(places.redis_url()).port or 0, environment.RUN / "redis")
    valkey.start()
    call_command("migrate", verbosity=0)
    try:
        for name in chosen.which:
            show(name, measured(name, valkey, chosen.rounds))
    finally:
        valkey.stop()


if __name__ == "__main__":
    main()
