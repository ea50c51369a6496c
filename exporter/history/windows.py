"""Windows of daily values, and the past windows that an expected range follows from."""

from collections.abc import Mapping
from datetime import date, timedelta

from exporter.history.series import DailyValues
from exporter.history.store import History
from exporter.windows import Span

ACTIVE_USERS_7D = "active_users_7d"
"""Series of unique active users of the 7 days that end on each day: they cannot be added up."""

_UNIQUE: Mapping[tuple[str, int], str] = {("active_users", 7): ACTIVE_USERS_7D}
_AVERAGES: Mapping[str, tuple[str, str]] = {
    "avg_messages_per_session": ("chat_messages", "chat_sessions")
}
"""Averages: the series of sums, and that of the counts that weigh them."""


def average(sums: DailyValues, counts: DailyValues, span: Span) -> float | None:
    """Return the sum divided by the count over `span`; None if unknown, or without a count.

    A day without a count adds nothing, whatever is known of its sum.
    """
    count = counts.total(span)
    if not count:
        return None
    found = [sums.get(day) for day in span if counts.get(day)]
    known = [value for value in found if value is not None]
    return sum(known) / count if len(known) == len(found) else None


def windows_by_end(
    history: History, org: str, measure: str, *, length: int, end: date, reach: int
) -> dict[date, float | None]:
    """Return the windows of `length` days of a measure by their last day.

    The last one ends on `end`, the first one `reach` days before.
    """
    if measure in _AVERAGES:
        sums, counts = (history.series(org, name) for name in _AVERAGES[measure])
        return {
            day: average(sums, counts, Span(day - timedelta(days=length - 1), day))
            for day in _days(end, reach)
        }
    unique = _UNIQUE.get((measure, length))
    values = history.series(org, unique or measure)
    if unique or length == 1:
        return {day: values.get(day) for day in _days(end, reach)}
    return _rolling(values, length=length, end=end, reach=reach)


def _days(end: date, reach: int) -> list[date]:
    last = end.toordinal()
    return [date.fromordinal(last - ago) for ago in range(reach + 1)]


def _rolling(
    values: DailyValues, *, length: int, end: date, reach: int
) -> dict[date, float | None]:
    """Return rolling sums: each day enters and leaves the sum once."""
    last = end.toordinal()
    first = last - reach - length + 1
    found = [values.get(date.fromordinal(day)) for day in range(first, last + 1)]
    sums: dict[date, float | None] = {}
    current, unknown = 0.0, 0
    for place, value in enumerate(found):
        current += value or 0.0
        unknown += value is None
        if place >= length:
            gone = found[place - length]
            current -= gone or 0.0
            unknown -= gone is None
        if place >= length - 1:
            sums[date.fromordinal(first + place)] = None if unknown else max(current, 0.0)
    return sums
