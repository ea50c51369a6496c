"""Shapes that payloads share: values by date, percentages, pages. All buckets are days."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar

from exporter.demo.request import ApiRequest, Json, pages

T = TypeVar("T")


def iso(day: int) -> str:
    """Return the date of an ordinal."""
    return date.fromordinal(day).isoformat()


def stamp(day: int, hour: int = 0) -> str:
    """Return the start of a day or of one of its hours."""
    return f"{iso(day)}T{hour:02}:00:00Z"


def percent(part: float, whole: float) -> float:
    """Return the share of `part` in `whole` in percent, 0 of nothing."""
    return round(100 * part / whole, 2) if whole else 0.0


def change(now: float, before: float) -> float:
    """Return by how many percent `now` is more than `before`; from nothing, 0."""
    return percent(now - before, before)


def mean(whole: float, number: int, *, digits: int = 2) -> float:
    """Return the rounded mean, 0 of nothing."""
    return round(whole / number, digits) if number else 0.0


def before(days: range) -> range:
    """Return as many days before `days`."""
    return range(days.start - len(days), days.start)


def by_date(request: ApiRequest, days: range, values: Sequence[float]) -> dict[str, float]:
    """Return `values` by `YYYY-MM-DD`, idle days as 0, up to the newest day that has data."""
    newest = request.view.newest
    return {iso(day): value for day, value in zip(days, values, strict=True) if day <= newest}


def series(request: ApiRequest, days: range, counts: Sequence[int]) -> Json:
    """Return a `Series`."""
    return {"data": by_date(request, days, counts), "total": sum(counts)}


def series_with_meta(request: ApiRequest, counts: Callable[[range], Sequence[int]]) -> Json:
    """Return a `Series+` of the days of the query; of its `meta` only what is required."""
    days = request.days()
    found = series(request, days, counts(days))
    return {**found, "meta": {"total": found["total"]}}


def rows_of_page(request: ApiRequest, things: Sequence[T], row: Callable[[T], Json]) -> Json:
    """Return the page (P1) of `things` that the query names, each made into a row."""
    base = request.page_base
    page, size, first = request.page(size="length", default=10, base=base)
    return {
        "data": [row(thing) for thing in things[first : first + size]],
        "pagination": {
            "totalItems": len(things),
            "currentPage": page,
            "perPage": size,
            "totalPages": pages(things, size),
        },
    }
