"""Places for streams: so many in a process, and so many for each user. Pure.

A place is taken before its stream is opened: opening waits for Redis, and a crowd that was only counted afterwards
would all find the room empty.
"""

from collections import Counter
from typing import Final

from progress_app.exceptions import Overloaded

RETRY_AFTER_S: Final = 5.0  # streams end all the time: a place is soon free


class Seats:
    """The places of one process. All on one event loop.

    Args:
        most: of all users together.
        most_per_user: of each user.

    """

    def __init__(self, *, most: int, most_per_user: int) -> None:
        self._most = most
        self._most_per_user = most_per_user
        self._taken: Counter[str] = Counter()
        self._count = 0

    def check(self) -> None:
        """Raise Overloaded when no place is left for anybody."""
        if self._count >= self._most:
            raise Overloaded(f"{self._count} streams are open; no more are taken.", RETRY_AFTER_S)

    def take(self, user: str) -> None:
        """Hold a place for a user until `give_back`.

        Raises:
            Overloaded: there is none, or the user has all that one may have.

        """
        self.check()
        if self._taken[user] >= self._most_per_user:
            raise Overloaded(f"User {user} has {self._most_per_user} streams open.", RETRY_AFTER_S)
        self._taken[user] += 1
        self._count += 1

    def give_back(self, user: str) -> None:
        """Free a place that was taken for a user."""
        self._count -= 1
        self._taken[user] -= 1
        if not self._taken[user]:
            del self._taken[user]
