"""Pages of a list that may be long."""

from functools import cached_property
from typing import Any, Final

from django.core.paginator import Paginator

MOST_COUNTED: Final = (
    10_000  # nobody turns four hundred pages, and to count a million rows takes longer than to show 25
)


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
