"""What is new to send, also when threads count."""

import threading
from functools import partial

from progress_app.events import State
from progress_app.reporter import Reporter
from tests.progress_app.reporter.recording import Recorder


def test_only_news_is_a_change(progress: Reporter) -> None:
    assert progress.teller.changed()
    progress.teller.send()
    assert not progress.teller.changed()
    for call in (progress.advance, partial(progress.update, message="m"), partial(progress.update, total=5)):
        call()
        assert progress.teller.changed()
        progress.teller.send()
        assert not progress.teller.changed()


def test_threads_of_a_job_count_together(started: Reporter, backend: Recorder) -> None:
    def count() -> None:
        for _ in range(5_000):
            started.advance()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert started.settle(State.SUCCEEDED).current == 20_000
    counts = [told.current for told in backend.sent]
    assert counts == sorted(counts)
