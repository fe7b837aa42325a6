"""Who has kept a round waiting once is not asked again in it."""

import pytest
from redis.exceptions import ConnectionError as Refused
from redis.exceptions import TimeoutError as TimedOut

from progress_app import patience
from progress_app.exceptions import BackendUnavailable
from progress_app.patience import REDIS, AskedOnce


class Asked:
    """Something that fails as it is told; `times` it was asked."""

    name = "asked"

    def __init__(self, cause: Exception | None) -> None:
        self.cause, self.times = cause, 0

    def ask(self, text: str) -> str:
        self.times += 1
        if self.cause:
            raise BackendUnavailable("away") from self.cause
        return text


def asked_twice(asked: Asked) -> None:
    for _ in range(2):
        with pytest.raises(BackendUnavailable):
            AskedOnce(asked).ask("?")


def test_one_timeout_is_enough() -> None:
    with patience.short():
        asked_twice(silent := Asked(TimedOut()))
    assert silent.times == 1


def test_the_next_round_asks_again() -> None:
    silent = Asked(TimedOut())
    for _ in range(2):
        with patience.short():
            asked_twice(silent)
    assert silent.times == 2


def test_a_fault_that_costs_no_time_says_nothing_about_the_next_question() -> None:
    with patience.short():
        asked_twice(refusing := Asked(Refused()))
    assert refusing.times == 2


def test_outside_a_round_nothing_is_remembered() -> None:
    patience.lose(REDIS)
    assert not patience.is_short()
    assert not patience.is_over(REDIS)


def test_answers_and_attributes_pass() -> None:
    with patience.short():
        answering = AskedOnce(Asked(None))
        assert (answering.ask("!"), answering.name) == ("!", "asked")
