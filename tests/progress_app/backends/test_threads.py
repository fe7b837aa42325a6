"""The contract of a backend: writers in threads."""

from concurrent.futures import ThreadPoolExecutor

from progress_app.backends.base import EPOCH_SHIFT, Backend, Verdict
from progress_app.events import State
from tests.progress_app.backends.stores import LOG, NEWS, lines
from tests.progress_app.doubles import TASK, snapshot


def test_writers_in_threads_share_out_the_positions(backend: Backend) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: backend.publish(snapshot(), lines(str(n))), range(120)))
        appended = list(pool.map(lambda _: backend.append(NEWS, "n", b"{}"), range(120)))
    for given in (sorted(answer.pos for answer in answers), sorted(appended)):
        assert given == list(range(given[0], given[0] + 120))
    assert backend.position(LOG) % (1 << EPOCH_SHIFT) == 119


def test_of_attempts_in_threads_the_newest_is_left_and_one_end_each(backend: Backend) -> None:
    def end(attempt: int) -> tuple[int, Verdict]:
        return attempt, backend.publish(snapshot(attempt=attempt, state=State.FAILED)).verdict

    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(end, [1, 2, 3, 4] * 20))
    accepted = [attempt for attempt, verdict in ends if verdict is Verdict.ACCEPTED]
    assert sorted(accepted) == sorted(set(accepted))
    assert 4 in accepted
    newest = backend.read_snapshot(TASK)
    assert newest is not None
    assert newest.attempt == 4
