"""Values as people read them: numbers, money, durations and changes, with the class of a color."""

from exporter import catalog
from exporter.catalog import Windowed

NOTABLE = 0.2
"""Difference from the expected value that is colored, as a ratio."""

_NONE = "–"
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_HOUR, _MINUTE = 3600, 60
_WHOLE, _TENTHS = 100, 10
_LESS_IS_GOOD = frozenset({catalog.UNENROLLMENTS.name, catalog.COST.name})


def age(seconds: float | None) -> str:
    """Return a duration in its largest unit."""
    if seconds is None:
        return _NONE
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return "0 s"


def number(value: float | None) -> str:
    """Return a number with separators and three digits: two decimals at most, for small ones."""
    if value is None:
        return _NONE
    if not value % 1 or abs(value) >= _WHOLE:
        return f"{value:,.0f}"
    decimals = 1 if abs(value) >= _TENTHS else 2
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".")


def amount(value: float | None, unit: str) -> str:
    """Return a value in the unit of its metric: seconds, usd, ratio, or none."""
    if value is None:
        return _NONE
    match unit:
        case "seconds":
            return _duration(value)
        case "usd":
            return f"${value:,.2f}"
        case "ratio":
            return f"{value * 100:.1f}%"
        case _:
            return number(value)


def change(value: float | None, expected: float | None) -> str:
    """Return how far a value is from the expected value."""
    if value is None or not expected:
        return ""
    percent = round((value - expected) / expected * 100)
    return f"{percent:+d}%".replace("-", "−") if percent else "±0%"


def tone(value: float | None, expected: float | None, measure: Windowed) -> str:
    """Return the class of a change: good, bad, or none for a small one."""
    if value is None or not expected or abs(value - expected) < NOTABLE * expected:
        return ""
    return "good" if (value < expected) == (measure.name in _LESS_IS_GOOD) else "bad"


def _duration(seconds: float) -> str:
    if seconds >= _HOUR:
        return f"{seconds / _HOUR:,.1f} h"
    if seconds >= _MINUTE:
        return f"{seconds / _MINUTE:.1f} min"
    return f"{seconds:.1f} s"
