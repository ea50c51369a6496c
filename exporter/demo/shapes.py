"""Shapes that answers share: days by date, series with their changes."""

from collections.abc import Callable, Sequence
from datetime import date

from exporter.demo.asking import WEEK, Json

_MONTH = 30


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


def changing_series(days: range, today: int, counts: Callable[[range], list[int]]) -> Json:
    """Return a `Series+`: the days asked for, and how they compare with earlier ones."""
    return {**series(days, counts(days)), "meta": meta(days, today, lambda span: sum(counts(span)))}


def meta(days: range, today: int, total: Callable[[range], int]) -> Json:
    """Return the change figures: of the range, the last 7 and the last 30 complete days."""
    now, before = total(days), total(range(days.start - len(days), days.start))
    changes = {
        "total": now,
        "change_range": now - before,
        "change_range_percent": change(now, before),
    }
    for name, length in (("seven", WEEK), ("thirty", _MONTH)):
        now = total(range(today - length, today))
        before = total(range(today - 2 * length, today - length))
        changes[f"change_last_{name}_days"] = now - before
        changes[f"change_last_{name}_days_percent"] = change(now, before)
    return changes
