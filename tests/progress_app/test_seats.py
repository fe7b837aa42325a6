"""Places for streams."""

import pytest

from progress_app.exceptions import Overloaded
from progress_app.seats import RETRY_AFTER_S, Seats


def test_a_user_takes_so_many_and_another_s_are_not_counted() -> None:
    seats = Seats(most=10, most_per_user=2)
    seats.take("7")
    seats.take("7")
    seats.take("8")
    with pytest.raises(Overloaded, match="User 7 has 2 streams open") as refused:
        seats.take("7")
    assert refused.value.retry_after_s == RETRY_AFTER_S
    seats.take("8")


def test_a_process_takes_so_many() -> None:
    seats = Seats(most=3, most_per_user=2)
    for user in ("7", "8", "9"):
        seats.take(user)
    with pytest.raises(Overloaded, match="3 streams are open"):
        seats.check()
    with pytest.raises(Overloaded):
        seats.take("10")
    seats.give_back("8")
    seats.check()
    seats.take("10")


def test_a_place_that_is_given_back_is_free_again() -> None:
    seats = Seats(most=1, most_per_user=1)
    for _ in range(3):
        seats.take("7")
        seats.give_back("7")
    seats.take("7")


def test_users_who_have_left_or_were_refused_leave_nothing_behind() -> None:
    seats = Seats(most=5, most_per_user=1)
    users = [str(user) for user in range(5)]
    for user in users:
        seats.take(user)
    for user in ("3", "5"):
        with pytest.raises(Overloaded):
            seats.take(user)
    for user in users:
        seats.give_back(user)
    assert not seats._taken
