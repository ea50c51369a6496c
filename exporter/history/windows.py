"""Windows of daily values, and the past windows that an expected range follows from."""

from collections.abc import Mapping, Sequence
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
    pairs = zip(sums.over(span), counts.over(span), strict=True)
    found = [total for total, number in pairs if number]
    known = [value for value in found if value is not None]
    return sum(known) / count if len(known) == len(found) else None


def sources(history: History, org: str, measure: str, *, length: int) -> tuple[DailyValues, ...]:
    """Return the series that windows of a measure follow from: one, or two of an average."""
    names = _AVERAGES.get(measure) or (_UNIQUE.get((measure, length), measure),)
    return tuple(history.series(org, name) for name in names)


def windows_by_end(
    history: History, org: str, measure: str, *, length: int, end: date, reach: int
) -> dict[date, float | None]:
    """Return the windows of `length` days of a measure by their last day.

    The last one ends on `end`, the first one `reach` days before.
    """
    ends = Span(end - timedelta(days=reach), end)
    days = Span(ends.first - timedelta(days=length - 1), end)
    values, *counts = (each.over(days) for each in sources(history, org, measure, length=length))
    if (measure, length) in _UNIQUE:
        return dict(zip(ends, values[length - 1 :], strict=True))
    totals = values
    if counts:
        weighted = [v if count else 0.0 for v, count in zip(values, counts[0], strict=True)]
        pairs = zip(_totals(weighted, length), _totals(counts[0], length), strict=True)
        totals = [total / count if count and total is not None else None for total, count in pairs]
    elif length > 1:
        totals = _totals(values, length)
    return dict(zip(ends, totals, strict=True))


def _totals(values: Sequence[float | None], length: int) -> list[float | None]:
    """Return the sum of each run of `length` values, None if one of them is unknown."""
    runs = (values[start : start + length] for start in range(len(values) - length + 1))
    return [None if None in run else sum(run) for run in runs]  # type: ignore[arg-type]  # no None
