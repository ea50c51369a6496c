"""Columns of a payload: many values at once, since most answers hold nothing odd.

A look at the whole tells that all of its values are as usual, in a fraction of the time that a
look at each would take. Whatever is unusual in any way is left to `values`, which reads one by
one and notes what is odd. A property test holds the two to the same results.
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from exporter.api.payloads.values import (
    LONGEST_DAY,
    MAX_ID,
    MAX_VALUE,
    Flaws,
    date_of,
    number_of,
)

_NUMBERS = frozenset({int, float})
_TEXTS = frozenset({str})
_LONGEST_DOTS = 2

_REMEMBERED = 32
_DAYS_REMEMBERED = 400
"""Runs of days kept: every answer for the same range prints the same texts."""


def numbers_of(raw: Sequence[Any], flaws: Flaws) -> list[float | None]:
    """Return what `number_of` returns for each."""
    if (
        raw
        and _NUMBERS.issuperset(map(type, raw))
        and min(raw) >= 0
        and max(raw) <= MAX_VALUE
        and sum(raw) >= 0  # not with a NaN among them, which min and max pass over
    ):
        return [value + 0.0 for value in raw]
    return [number_of(value, flaws) for value in raw]


def dates_of(raw: Sequence[Any]) -> Sequence[date | None]:
    """Return what `date_of` returns for each."""
    if (
        0 < len(raw) <= _DAYS_REMEMBERED
        and _TEXTS.issuperset(map(type, raw))
        and max(map(len, raw)) <= LONGEST_DAY
    ):
        return _dates_in(tuple(raw))
    return [date_of(text) for text in raw]


@lru_cache(maxsize=_REMEMBERED)
def _dates_in(texts: tuple[str, ...]) -> tuple[date | None, ...]:
    return tuple(map(date_of, texts))


def all_plain(course_ids: Sequence[Any]) -> bool:
    """Return whether each is an id that is `usable`; of those that are odd, False is said too."""
    if not course_ids or not _TEXTS.issuperset(map(type, course_ids)):
        return False
    whole = "".join(course_ids)
    return (
        whole.isascii()
        and whole.isprintable()
        and max(map(len, course_ids)) <= MAX_ID
        # Longer than the dots that lead elsewhere in a path.
        and min(map(len, map(str.strip, course_ids))) > _LONGEST_DOTS
    )
