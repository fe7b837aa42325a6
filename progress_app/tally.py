"""Counting in a job's loop for next to nothing: the loop counts, another thread reads.

1. Each thread has a cell of its own, so that counting needs no lock; the reader sums the cells.
2. Over a sized collection the loop does not count at all: `operator.length_hint` of its iterator tells the position
   from outside. That is exact for the types in `POSITIONED`; inside the loop's body it has already passed the
   current item, hence the minus one.
   Over anything else it draws from a second iterator beside the first, one that knows how much is left of it: that
   costs half of what a counter in the loop would.
3. A loop that ends hands its position over to a cell. The one lock of this module makes that a single step for the
   reader; it is re-entrant, because a forgotten loop is ended by the garbage collector, in whichever thread that runs.
"""

import math
import threading
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator, Sized
from itertools import repeat
from operator import length_hint
from typing import Any, Final, TypeVar

T = TypeVar("T")
MOST: Final = 2**62  # items of a loop
POSITIONED: Final[tuple[type, ...]] = (
    list, tuple, range, str, bytes, bytearray, dict, set, frozenset, deque,
    type({}.keys()), type({}.values()), type({}.items()),
)  # fmt: skip


class Tally:
    """A counter that several threads raise and another one reads.

    Args:
        stop: a list that stays empty; whatever it holds is raised in the loops by `interrupt`.
        interrupt: called in a tracked loop, after an item, when `stop` is not empty.

    Attributes:
        mine: `mine.cell[0]` is the count of the thread that asks, once it has counted something.

    """

    __slots__ = ("_cells", "_interrupt", "_lock", "_positions", "_stop", "mine")

    def __init__(self, stop: list[BaseException], interrupt: Callable[[], None]) -> None:
        self._stop = stop
        self._interrupt = interrupt
        self.mine = threading.local()
        self._lock = threading.RLock()
        self._cells: list[list[float]] = []
        self._positions: list[Callable[[], int]] = []

    def read(self) -> float:
        """The sum over all threads and loops."""
        counted = 0.0
        with self._lock:
            for cell in self._cells:
                counted += cell[0]
            for position in tuple(self._positions):
                counted += position()
        return counted

    def add(self, n: float) -> None:
        """Count `n` more in this thread; what is not a finite number would spoil the sum for good and is left out."""
        try:
            if n - n:
                return
            self.mine.cell[0] += n
        except AttributeError:
            self.mine.cell = cell = [number(n)]
            self._cells.append(cell)
        except (TypeError, ArithmeticError):  # a Decimal, for instance
            self.add(number(n))

    def over(self, iterable: Iterable[T]) -> Iterator[T]:
        """The same items, each counted once the loop asks for the next one."""
        if type(iterable) in POSITIONED:
            return self._positioned(iterable)
        return self._counted(iterable)

    def _positioned(self, collection: Any) -> Generator[Any, None, None]:
        iterator, stop = iter(collection), self._stop
        position = _position(collection, iterator)
        self._positions.append(position)
        done = 0
        try:
            for item in iterator:
                yield item
                if stop:
                    self._interrupt()
            done = 1  # the loop's last item is behind it too
        finally:
            with self._lock:
                self._positions.remove(position)
                self.add(position() if not done else len(collection))

    def _counted(self, iterable: Iterable[T]) -> Generator[T, None, None]:
        rest, stop = repeat(None, MOST), self._stop
        fetched = behind = _consumed(rest)
        position = lambda: max(0, fetched() - 1)  # noqa: E731  (inside the body, the current item is not behind it)
        self._positions.append(position)
        try:
            for item, _ in zip(iterable, rest, strict=False):
                yield item
                if stop:
                    self._interrupt()
        except GeneratorExit:
            behind = position
            raise
        finally:
            with self._lock:
                self._positions.remove(position)
                self.add(behind())

    async def over_async(self, iterable: AsyncIterable[T]) -> AsyncIterator[T]:
        """As `over`, for `async for`."""
        self.add(0)
        cell, stop = self.mine.cell, self._stop
        async for item in iterable:
            yield item
            cell[0] += 1
            if stop:
                self._interrupt()


def number(value: Any) -> float:
    """A count that can be added: what is not a finite number is 0."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return found if math.isfinite(found) else 0.0


def _consumed(rest: Iterator[None]) -> Callable[[], int]:
    """How many of MOST are gone."""
    return lambda: MOST - length_hint(rest)


def _position(collection: Sized, iterator: Iterator[Any]) -> Callable[[], int]:
    """How many items of the collection lie behind the loop; a list may grow meanwhile."""
    return lambda: max(0, len(collection) - length_hint(iterator) - 1)
