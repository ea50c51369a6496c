"""Shapes that answers share: days by date, series with their changes."""

from collections.abc import Callable, Sequence
from datetime import date

from exporter.demo.asking import MONTH, WEEK, Json

Counts = Callable[[range], list[int]]
"""What counts something on each of some days."""


def by_date(days: range, values: Sequence[float]) -> dict[str, float]:
    """Return `values` by `YYYY-MM-DD`."""
    return {iso(day): value for day, value in zip(days, values, strict=True)}


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


def series(days: range, counts: Sequence[int]) -> Json:
    """Return a `Series`."""
    return {"data": by_date(days, counts), "total": sum(counts)}


def changing_series(days: range, today: int, counts: Counts) -> Json:
    """Return a `Series+`: the days asked for, and how they compare with earlier ones."""
    first = min(days.start - len(days), today - 2 * MONTH)
    known = counts(range(first, max(days.stop, today)))

    def asked(span: range) -> list[int]:
        return known[span.start - first : span.stop - first]

    return {
        **series(days, asked(days)),
        "meta": meta(days, today, lambda span: sum(asked(span))),
    }


def meta(days: range, today: int, total: Callable[[range], int]) -> Json:
    """Return the change figures: of the range, the last 7 and the last 30 complete days."""
    now = total(days)
    changes = {"total": now, **_changes("range", now, total(_before(days)))}
    for name, length in (("last_seven_days", WEEK), ("last_thirty_days", MONTH)):
        last = range(today - length, today)
        changes |= _changes(name, total(last), total(_before(last)))
    return changes


def _before(days: range) -> range:
    return range(days.start - len(days), days.start)


def _changes(name: str, now: int, before: int) -> dict[str, float]:
    return {f"change_{name}": now - before, f"change_{name}_percent": change(now, before)}
