"""The contract of a backend: positions begin at the present second and rise."""

from progress_app.backends.base import EPOCH_SHIFT
from tests.progress_app.backends.stores import LOG, NEWS, OTHER_LOG, Store, lines
from tests.progress_app.doubles import OTHER_TASK, TASK, snapshot


def test_positions_begin_at_the_present_second_and_rise_by_one(store: Store) -> None:
    earliest_s = store.now_s()
    given = [store.backend.publish(snapshot()).pos for _ in range(5)]
    first_s, rest = divmod(given[0], 1 << EPOCH_SHIFT)
    assert rest == 0
    assert earliest_s <= first_s <= store.now_s()
    assert given == list(range(given[0], given[0] + 5))


def test_positions_of_a_log_begin_at_the_present_second_and_rise_by_one(store: Store) -> None:
    earliest_s = store.now_s()
    given = [store.backend.append(NEWS, "notification", b"{}") for _ in range(5)]
    first_s, rest = divmod(given[0], 1 << EPOCH_SHIFT)
    assert rest == 0
    assert earliest_s <= first_s <= store.now_s()
    assert given == list(range(given[0], given[0] + 5))


def test_each_channel_has_positions_of_its_own(store: Store) -> None:
    for _ in range(3):
        store.backend.publish(snapshot(), lines("a", "b"))
    first = store.backend.publish(snapshot(task=OTHER_TASK))
    assert first.pos % (1 << EPOCH_SHIFT) == 0
    assert store.backend.position(LOG) % (1 << EPOCH_SHIFT) == 5
    assert store.backend.position(OTHER_LOG) == 0


def test_after_a_loss_of_data_positions_are_above_all_before(store: Store) -> None:
    lost = [store.backend.publish(snapshot(), lines("a", "b", "c")).pos for _ in range(5)]
    lost_line = store.backend.position(LOG)
    store.lose_data()
    assert store.backend.read_snapshot(TASK) is None
    assert store.backend.publish(snapshot(), lines("d")).pos > max(lost)
    assert store.backend.position(LOG) > lost_line
