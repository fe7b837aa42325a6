"""Why a file, or a whole archive, is not taken."""

from dataclasses import asdict, dataclass
from typing import Any


class BadArchive(Exception):
    """Nothing of the archive is taken; `code` is stable, the text is one sentence for who uploaded it."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class BadPicture(Exception):
    """One file of the archive is not taken; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A file that was not taken, by its name in the archive."""

    name: str
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)
