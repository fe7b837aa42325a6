"""Counting in a job's loop: exact at each moment, whatever the loop does."""

import gc
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from progress_app.exceptions import TaskCancelled
from progress_app.tally import POSITIONED, Tally

ITEMS = {
    list: [3, 1, 2],
    tuple: (3, 1, 2),
    range: range(7, 1, -2),
    str: "aé😀",
    bytes: b"abc",
    bytearray: bytearray(b"abc"),
    dict: {1: "a", 2: "b", 3: "c"},
    set: {1, 2, 3},
    frozenset: frozenset({1, 2, 3}),
    deque: deque([1, 2, 3]),
    type({}.keys()): {1: "a", 2: "b", 3: "c"}.keys(),
    type({}.values()): {1: "a", 2: "b", 3: "c"}.values(),
    type({}.items()): {1: "a", 2: "b", 3: "c"}.items(),
}


def generated(items: Iterable[Any]) -> Iterator[Any]:
    yield from items


class Listed(list[int]):
    """A list that loops in its own way, so its position cannot be told from outside."""

    def __iter__(self) -> Iterator[int]:
        return iter([*range(len(self)), 99])


@pytest.fixture
def stop() -> list[BaseException]:
    return []


@pytest.fixture
def tally(stop: list[BaseException]) -> Tally:
    def interrupt() -> None:
        raise stop[0]

    return Tally(stop, interrupt)


def test_every_positioned_type_is_tried_here() -> None:
    assert set(ITEMS) == set(POSITIONED)


@pytest.mark.parametrize("kind", POSITIONED, ids=lambda kind: kind.__name__)
def test_an_item_counts_once_it_is_behind_the_loop(tally: Tally, kind: type) -> None:
    collection = ITEMS[kind]
    assert type(collection) is kind
    seen, read = [], []
    for item in tally.over(collection):
        seen.append(item)
        read.append(tally.read())
    assert seen == list(collection)
    assert read == [0, 1, 2]
    assert tally.read() == 3


@pytest.mark.parametrize("make", [generated, enumerate, lambda items: map(str, items), Listed])
def test_what_has_no_position_is_counted(tally: Tally, make: Any) -> None:
    expected = list(make([5, 6, 7]))
    read: list[float] = []
    for item in tally.over(make([5, 6, 7])):
        assert item == expected[len(read)]
        read.append(tally.read())
    assert read == list(range(len(expected)))
    assert tally.read() == len(expected)


@pytest.mark.parametrize("empty", [[], {}, "", range(0), iter(())])
def test_an_empty_collection_counts_nothing(tally: Tally, empty: Any) -> None:
    assert list(tally.over(empty)) == []
    assert tally.read() == 0


def test_nothing_counts_before_the_loop_begins(tally: Tally) -> None:
    loop = tally.over([1, 2, 3])
    assert tally.read() == 0
    next(loop)
    assert tally.read() == 0


def test_a_list_may_grow_while_it_is_looped_over(tally: Tally) -> None:
    items, read = [0, 1], []
    for item in tally.over(items):
        if item < 3:
            items.append(item + 2)
        read.append(tally.read())
    assert read == [0, 1, 2, 3, 4]
    assert tally.read() == len(items) == 5


@pytest.mark.parametrize("make", [list, generated])
def test_a_loop_that_ends_early_keeps_what_is_behind_it(tally: Tally, make: Any) -> None:
    for item in tally.over(make([0, 1, 2, 3])):
        if item == 2:
            break
    gc.collect()
    assert tally.read() == 2
    assert list(tally.over(make([7]))) == [7]
    assert tally.read() == 3


@pytest.mark.parametrize("make", [list, generated])
def test_an_exception_in_the_loop_keeps_what_is_behind_it(tally: Tally, make: Any) -> None:
    def run() -> None:
        for item in tally.over(make([0, 1, 2, 3])):
            if item == 3:
                raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  (the one of the loop above)
        run()
    gc.collect()
    assert tally.read() == 3


def test_an_exception_of_the_iterable_comes_through(tally: Tally) -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("the file is gone")

    with pytest.raises(OSError, match="the file is gone"):
        list(tally.over(broken()))
    assert tally.read() == 1


def test_a_collection_that_changes_size_raises_as_without_tracking(tally: Tally) -> None:
    numbers = {1, 2, 3}
    with pytest.raises(RuntimeError, match="changed size"):
        for item in tally.over(numbers):
            numbers.add(item + 100)
    assert 0 <= tally.read() <= len(numbers)


def test_nested_loops_add_up(tally: Tally) -> None:
    read: list[float] = []
    for _ in tally.over([1, 2]):
        read.extend(tally.read() for _ in tally.over("ab"))
    assert read == [0, 1, 3, 4]
    assert tally.read() == 6


def test_add_and_loops_add_up(tally: Tally) -> None:
    for _ in tally.over([1, 2, 3]):
        tally.add(10)
    tally.add(0.5)
    tally.add(-1)
    assert tally.read() == 32.5


@pytest.mark.parametrize("make", [list, generated])
def test_a_stop_is_raised_after_the_item(tally: Tally, stop: list[BaseException], make: Any) -> None:
    seen = []
    with pytest.raises(TaskCancelled):
        for item in tally.over(make([1, 2, 3, 4])):
            seen.append(item)
            if item == 2:
                stop.append(TaskCancelled())
    assert seen == [1, 2]
    gc.collect()
    assert tally.read() in (1, 2)


def test_threads_count_without_losing_any(tally: Tally) -> None:
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        for _ in tally.over(range(2_000)):
            tally.add(1)
        for _ in tally.over(generated(range(1_000))):
            pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tally.read() == 4 * (2_000 + 2_000 + 1_000)


def test_a_reader_never_sees_the_count_fall_or_overshoot(tally: Tally) -> None:
    """A loop that ends hands its position over to the counter: a reader in between must see it in one of them."""
    seen: list[float] = []
    begun, ended = threading.Event(), threading.Event()

    def watch() -> None:
        begun.set()
        while not ended.is_set():
            seen.append(tally.read())

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun.wait()
    for _ in range(3_000):
        for _ in tally.over((1, 2, 3, 4)):
            pass
    ended.set()
    watcher.join()
    assert seen == sorted(seen)
    assert tally.read() == 12_000


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), float("-inf"), "three", None, 10**400, Decimal("sNaN")])
def test_what_is_no_number_does_not_spoil_the_sum(tally: Tally, odd: Any) -> None:
    tally.add(2)
    tally.add(odd)
    tally.add(3)
    assert tally.read() == 5
