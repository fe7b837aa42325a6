"""Places for streams."""

from contextlib import ExitStack

import pytest

from progress_app.exceptions import Overloaded
from progress_app.seats import RETRY_AFTER_S, Seats


def test_a_user_takes_so_many_and_another_s_are_not_counted() -> None:
    seats = Seats(most=10, most_per_user=2)
    with seats.taken("7"), seats.taken("7"), seats.taken("8"):
        with pytest.raises(Overloaded, match="User 7 has 2 streams open") as refused, seats.taken("7"):
            pass
        assert refused.value.retry_after_s == RETRY_AFTER_S
        with seats.taken("8"):
            pass


def test_a_process_takes_so_many() -> None:
    seats = Seats(most=3, most_per_user=2)
    with seats.taken("7"), seats.taken("8"), seats.taken("9"):
        with pytest.raises(Overloaded, match="3 streams are open"):
            seats.check()
        with pytest.raises(Overloaded), seats.taken("10"):
            pass
    seats.check()


def test_a_place_is_given_back_whatever_happens() -> None:
    seats = Seats(most=1, most_per_user=1)
    for _ in range(3):
        with pytest.raises(RuntimeError), seats.taken("7"):
            raise RuntimeError("the stream broke")
    with ExitStack() as stack:
        stack.enter_context(seats.taken("7"))


def test_users_who_have_left_leave_nothing_behind() -> None:
    seats = Seats(most=5, most_per_user=1)
    for user in range(100):
        with seats.taken(str(user)):
            pass
    for _ in range(3):
        with pytest.raises(Overloaded), ExitStack() as stack:
            for user in range(6):
                stack.enter_context(seats.taken(str(user)))
    assert not seats._taken
