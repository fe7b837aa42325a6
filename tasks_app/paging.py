"""Pages of a list that may be long."""

from functools import cached_property
from typing import Any, Final

from django.core.paginator import Page, Paginator

MOST_COUNTED: Final = 10_000  # nobody turns four hundred pages, and to count a million rows takes long
FEW: Final = 1_000  # keys that are held for all pages


class BoundedPaginator(Paginator[Any]):
    """As Django's over a query, but it counts no further than `MOST_COUNTED`; what lies behind is for the search."""

    @cached_property
    def count(self) -> int:
        """How many there are, at most `MOST_COUNTED`."""
        return min(self._counted, MOST_COUNTED)

    @property
    def has_more(self) -> bool:
        """Whether there are more than `MOST_COUNTED`."""
        return self._counted > MOST_COUNTED

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: MOST_COUNTED + 1].count())


class SearchPaginator(BoundedPaginator):
    """Pages of rows that are costly to find: where they are few they are looked for once, by their keys.

    Many are found soon, and counted as far as they are counted at all.

    Args:
        found: the rows that are meant, in their order.
        rows: all rows, as they are to be fetched.
        per_page: how many a page has.

    """

    def __init__(self, found: Any, rows: Any, per_page: int) -> None:
        super().__init__(found, per_page)
        self._rows = rows

    def page(self, number: int | str) -> Page[Any]:
        """The rows of a page, in their order."""
        number = self.validate_number(number)
        span = slice((number - 1) * self.per_page, number * self.per_page)
        keys = self._few[span] if self._are_all else list(self._found[span])
        by_key = {row.pk: row for row in self._rows.filter(pk__in=keys)}
        return Page([by_key[key] for key in keys if key in by_key], number, self)

    @property
    def _found(self) -> Any:
        found: Any = self.object_list
        return found.values_list("pk", flat=True)

    @cached_property
    def _few(self) -> list[Any]:
        return list(self._found[: FEW + 1])

    @property
    def _are_all(self) -> bool:
        return len(self._few) <= FEW

    @cached_property
    def _counted(self) -> int:
        return len(self._few) if self._are_all else super()._counted
