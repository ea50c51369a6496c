"""Paging: follows the pages of a list, whichever page base the API uses, and always ends."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

from exporter.api.payloads import Pagination

MAX_PAGES = 200
"""Pages read of one list; what lies beyond is dropped and counted."""


class Page(Protocol):
    """One page of a list; `keys` tell its rows from those of other pages."""

    @property
    def keys(self) -> frozenset[str] | frozenset[int]:
        """Return what identifies the rows."""
        ...

    @property
    def pagination(self) -> Pagination:
        """Return what the response says about its pages."""
        ...


P = TypeVar("P", bound=Page)


async def pages(
    request: Callable[[Mapping[str, str]], Awaitable[P]],
    *,
    length: int,
    limit: int = MAX_PAGES,
    on_truncated: Callable[[], None] = lambda: None,
) -> AsyncIterator[P]:
    """Yield the pages of a list, until one of its own signs says that there are no more.

    `request` takes the paging parameters and returns one page. The first is requested without
    `page`, since the API does not document whether it counts from 0 or 1. The list ends with an
    empty page, `totalPages` pages, `totalItems` rows, a page without new rows, or `limit` pages.
    A total that full pages have already exceeded is ignored. `on_truncated` is called if rows are
    left unread.
    """
    size = {"length": str(length)}
    page = await request(size)
    yield page
    first = page.pagination
    base = 0 if first.current_page == 0 else 1
    seen: set[object] = set(page.keys)
    count = 1
    while page.keys and not _complete(
        page.pagination, pages_read=count, rows_read=len(seen), full=len(page.keys) >= length
    ):
        if count >= limit:
            on_truncated()
            return
        page = await request({**size, "page": str(base + count)})
        if seen.issuperset(page.keys):
            break
        yield page
        seen.update(page.keys)
        count += 1
    if len(seen) < (page.pagination.total_items or 0):
        on_truncated()


def _complete(pagination: Pagination, *, pages_read: int, rows_read: int, full: bool) -> bool:
    if pagination.total_pages is None and pagination.total_items is None:
        return False
    return _reached(pages_read, pagination.total_pages, full=full) or _reached(
        rows_read, pagination.total_items, full=full
    )


def _reached(read: int, total: int | None, *, full: bool) -> bool:
    """Return whether all that a list says it has was read; less than it gave is no total."""
    return total is not None and (read == total or (read > total and not full))
