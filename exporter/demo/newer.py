"""What the endpoints under `/api/analytics/` have in common: periods, points, pages (P2)."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from exporter.demo import buckets
from exporter.demo.asking import YEAR, Ask, Json, Refusal, invalid

ROOT = "/api/analytics"
_PERIODS = {"today": 1, "7d": 7, "30d": 30, "90d": 90, "all_time": YEAR}
_ROWS = 20
_LARGEST_PAGE = 100
_BY = {"hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly"}

T = TypeVar("T")


def period(ask: Ask) -> range:
    """Return the days that `date_filter` stands for. All time is the year that chats are kept."""
    wanted = ask.query.choice("date_filter", *_PERIODS, "custom")
    if wanted == "custom":
        return ask.days(required=True)
    return ask.view.last(_PERIODS[wanted])


def before(days: range) -> range:
    """Return as many days before `days`."""
    return range(days.start - len(days), days.start)


def points(ask: Ask, days: range, counts: list[int], *, default: str = "hour") -> Json:
    """Return `counts` by hour, day, week or month, as the query says."""
    return [
        {"date": time, "value": count}
        for time, count in buckets.counted(ask, days, counts, by=granularity(ask, default))
    ]


def granularity(ask: Ask, default: str) -> str:
    """Return how `buckets` calls the granularity that is asked for."""
    return _BY[ask.query.choice("granularity", *sorted(_BY, key=lambda name: name != default))]


def page_of(ask: Ask, things: Sequence[T], row: Callable[[T], Json]) -> tuple[list[Json], Json]:
    """Return the rows of the page that is asked for, and what is said of the pages."""
    page, limit = _integer(ask, "page", 1), min(_integer(ask, "limit", _ROWS), _LARGEST_PAGE)
    pages = max(-(-len(things) // limit), 1)
    more, less = page < pages, page > 1
    return [row(thing) for thing in things[(page - 1) * limit : page * limit]], {
        "page": page,
        "limit": limit,
        "total_pages": pages,
        "total_records": len(things),
        "has_next": more,
        "has_previous": less,
        "next_page": page + 1 if more else None,
        "previous_page": page - 1 if less else None,
    }


def strict_page_of(
    ask: Ask, things: Sequence[T], row: Callable[[T], Json]
) -> tuple[list[Json], Json]:
    """Return the same in the words of `content/`, which refuses to go past the last page."""
    rows, says = page_of(ask, things, row)
    page, pages = says["page"], says["total_pages"]
    if page > pages:
        raise Refusal(404, {"detail": "Invalid page."})
    return rows, {
        "count": len(things),
        "next": ask.link(page + 1) if says["has_next"] else None,
        "previous": ask.link(page - 1) if says["has_previous"] else None,
        "current_page": page,
        "total_pages": pages,
    }


def _integer(ask: Ask, name: str, default: int) -> int:
    value = ask.query.integer(name)
    if value is None:
        return default
    if value < 1:
        raise invalid(name, "Ensure this value is greater than or equal to 1.")
    return value
