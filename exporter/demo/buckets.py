"""Hours, days, weeks and months: how answers of agent analytics cut time into pieces."""

from collections.abc import Iterator
from datetime import date

from exporter.demo import rhythm, shapes
from exporter.demo.asking import Ask


def counted(ask: Ask, days: range, counts: list[int], *, by: str) -> Iterator[tuple[str, int]]:
    """Yield start and count of each bucket; `by` is hourly or what `spans` takes."""
    if by == "hourly":
        for day, count in zip(days, counts, strict=True):
            for hour, part in enumerate(hours(ask, day, count)):
                yield shapes.stamp(day, hour), part
    else:
        for start, span in spans(days, by=by):
            yield start, sum(counts[span.start - days.start : span.stop - days.start])


def spans(days: range, *, by: str) -> Iterator[tuple[str, range]]:
    """Yield start and days of each bucket: daily, weekly (from Monday) or monthly.

    The first bucket may begin before `days`; only those of its days that are in `days` count.
    """
    start = days.start
    while start < days.stop:
        first, stop = _bucket(start, by)
        yield shapes.stamp(first), range(start, min(stop, days.stop))
        start = stop


def hours(ask: Ask, day: int, count: int) -> list[int]:
    """Return how the count of one day falls on its hours; of today, on those that have begun."""
    if day != ask.view.today:
        return rhythm.by_hour(count)
    return rhythm.by_hour(count, until=ask.view.hours)


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
