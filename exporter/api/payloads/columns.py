"""Columns of a payload: many values parsed at once.

Most columns have only ordinary values. One check of the whole column takes a fraction of the time
that a check of each value takes; any other column is left to `values`. A property test compares
the results of the two.
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from exporter.api.payloads.values import (
    MAX_DATE,
    MAX_ID,
    MAX_NAME,
    MAX_VALUE,
    PayloadErrors,
    Reason,
    course_name,
    parse_date,
    parse_number,
)

_NUMBERS = frozenset({int, float})
_TEXTS = frozenset({str})
_LONGEST_DOTS = 2

_CACHED_COLUMNS = 32
_CACHED_DAYS = 400
"""Longest column of days that is cached: all responses for a range print the same texts."""


def parse_numbers(raw: Sequence[Any], errors: PayloadErrors) -> list[float | None]:
    """Return what `parse_number` returns for each."""
    if (
        raw
        and _NUMBERS.issuperset(map(type, raw))
        and min(raw) >= 0
        and max(raw) <= MAX_VALUE
        and sum(raw) >= 0  # false if there is a NaN, which min and max can miss
    ):
        return [value + 0.0 for value in raw]
    return [parse_number(value, errors) for value in raw]


def parse_required_numbers(raw: Sequence[Any], errors: PayloadErrors) -> list[float | None]:
    """Return what `parse_number` returns for each, and count null as an error."""
    values = parse_numbers(raw, PayloadErrors())
    if unknown := values.count(None):
        errors[Reason.VALUE] += unknown
    return values


def parse_dates(raw: Sequence[Any]) -> Sequence[date | None]:
    """Return what `parse_date` returns for each."""
    if (
        0 < len(raw) <= _CACHED_DAYS
        and _TEXTS.issuperset(map(type, raw))
        and max(map(len, raw)) <= MAX_DATE
    ):
        return _dates_in(tuple(raw))
    return [parse_date(text) for text in raw]


@lru_cache(maxsize=_CACHED_COLUMNS)
def _dates_in(texts: tuple[str, ...]) -> tuple[date | None, ...]:
    return tuple(map(parse_date, texts))


def parse_names(raw: Sequence[Any]) -> list[str]:
    """Return what `course_name` returns for each."""
    if (
        raw
        and _TEXTS.issuperset(map(type, raw))
        and "".join(raw).isascii()
        and max(map(len, raw)) <= MAX_NAME
    ):
        return list(raw)
    return list(map(course_name, raw))


def are_plain_ids(course_ids: Sequence[Any]) -> bool:
    """Return whether each is an ASCII id that `is_valid_id`; others give False, too."""
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
