"""What the endpoints under `/api/analytics/` share: periods, points, pages (P2)."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from exporter.demo.handlers.series import stamp
from exporter.demo.request import YEAR, ApiError, ApiRequest, Json, pages

_PERIODS = {"today": 1, "7d": 7, "30d": 30, "90d": 90, "all_time": YEAR}

T = TypeVar("T")


def period(request: ApiRequest) -> range:
    """Return the days that `date_filter` stands for. All time is the year that chats are kept."""
    wanted = request.query.choice("date_filter", *_PERIODS, "custom")
    if wanted == "custom":
        return request.days(required=True)
    return request.view.last(_PERIODS[wanted])


def by_day(request: ApiRequest, days: range, counts: Sequence[int]) -> Json:
    """Return `points` of `granularity=day`, idle days as 0; nothing for the default, an hour."""
    if request.query.choice("granularity", "hour", "day", others=("week", "month")) == "hour":
        return {}
    newest = request.view.newest
    pairs = zip(days, counts, strict=True)
    return {"points": [{"date": stamp(d), "value": n} for d, n in pairs if d <= newest]}


def rows_of_page(
    request: ApiRequest, things: Sequence[T], row: Callable[[T], Json]
) -> tuple[list[Json], Json]:
    """Return the rows of the page that the query names, and the pagination."""
    page, limit, first = request.page(size="limit", default=20)
    last = pages(things, limit)
    return [row(thing) for thing in things[first : first + limit]], {
        "page": page,
        "limit": limit,
        "total_pages": last,
        "total_records": len(things),
        "has_next": page < last,
        "has_previous": page > 1,
        "next_page": page + 1 if page < last else None,
        "previous_page": page - 1 if page > 1 else None,
    }


def linked_page(
    request: ApiRequest, things: Sequence[T], row: Callable[[T], Json]
) -> tuple[list[Json], Json]:
    """Return the same with the pagination of `content/`, a 404 past the last page."""
    rows, pagination = rows_of_page(request, things, row)
    page, last = pagination["page"], pagination["total_pages"]
    if page > last:
        raise ApiError(404, {"detail": "Invalid page."})
    return rows, {
        "count": len(things),
        "next": request.link(page + 1) if page < last else None,
        "previous": request.link(page - 1) if page > 1 else None,
        "current_page": page,
        "total_pages": last,
    }
