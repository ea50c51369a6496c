"""Shapes that payloads share: values by date, buckets of time, changes, pages."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import TypeVar

from exporter.demo.data import calendar
from exporter.demo.request import MONTH, WEEK, ApiRequest, Json, pages

Counts = Callable[[range], list[int]]
"""What counts something on each of some days."""

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


def series_with_changes(request: ApiRequest, counts: Counts) -> Json:
    """Return a `Series+`: the days of the query, and how they compare with earlier ones."""
    days, today = request.days(), request.view.today
    first = min(days.start - len(days), today - 2 * MONTH)
    known = counts(range(first, max(days.stop, today)))

    def within(span: range) -> list[int]:
        return known[span.start - first : span.stop - first]

    return {
        **series(request, days, within(days)),
        "meta": meta(days, today, lambda span: sum(within(span))),
    }


def meta(days: range, today: int, total: Callable[[range], int]) -> Json:
    """Return the changes of the range, of the last 7 and of the last 30 complete days."""
    spans = {
        "range": days,
        "last_seven_days": range(today - WEEK, today),
        "last_thirty_days": range(today - MONTH, today),
    }
    changes: dict[str, float] = {"total": total(days)}
    for name, span in spans.items():
        now, then = total(span), total(before(span))
        changes[f"change_{name}"] = now - then
        changes[f"change_{name}_percent"] = change(now, then)
    return changes


def buckets(days: range, *, by: str) -> Iterator[tuple[str, range]]:
    """Yield start and days of each bucket: daily, weekly (from Monday) or monthly.

    The first bucket may begin before `days`; only those of its days that are in `days` count.
    """
    start = days.start
    while start < days.stop:
        first, stop = _bucket(start, by)
        yield stamp(first), range(start, min(stop, days.stop))
        start = stop


def counted(
    request: ApiRequest, days: range, counts: Sequence[int], *, by: str
) -> Iterator[tuple[str, int]]:
    """Yield start and count of each bucket; `by` is hourly or what `buckets` takes."""
    if by == "hourly":
        view = request.view
        for day, count in zip(days, counts, strict=True):
            until = view.hours if day == view.newest else 24.0
            parts = calendar.by_hour(view.data.zone, day, count, until=until)
            for hour, part in enumerate(parts):
                yield stamp(day, hour), part
    else:
        for start, span in buckets(days, by=by):
            yield start, sum(counts[span.start - days.start : span.stop - days.start])


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


def _bucket(day: int, by: str) -> tuple[int, int]:
    """Return the first day of the bucket that `day` is in, and the first of the next one."""
    moment = date.fromordinal(day)
    if by == "daily":
        return day, day + 1
    if by == "weekly":
        monday = day - moment.weekday()
        return monday, monday + 7
    first = moment.replace(day=1)
    following = date.fromordinal(first.toordinal() + 31).replace(day=1)
    return first.toordinal(), following.toordinal()
