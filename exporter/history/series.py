"""The values of one series by day: compact, and clear about what is not known."""

import sys
from array import array
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from math import inf, isfinite, nan
from typing import Self

from exporter.windows import Span

MAX_DAYS = 3_700
"""Days that one series can span, which bounds its memory if the clock is wrong."""

# One double per day. A value is finite, so the other doubles are free to say what is missing.
_UNKNOWN = nan
_NOT_REQUESTED = inf
_DOUBLE = 8


class DailyValues:
    """Daily values of one series, which tell "0", "unknown" and "not requested" apart.

    A day is unknown if it was requested and the platform gave no usable value for it. The days
    kept end at the newest day and are at most `MAX_DAYS`; older days are dropped.
    """

    __slots__ = ("_first", "_values")

    def __init__(self, days: Mapping[date, float | None] | None = None) -> None:
        self._first = 1
        """Ordinal of the first day; without values it means nothing."""
        self._values: array[float] = array("d")
        if days:
            self.update(days)

    @property
    def span(self) -> Span | None:
        """The first and the last day that were requested, or None without any."""
        if not self._values:
            return None
        return Span(date.fromordinal(self._first), date.fromordinal(self._end - 1))

    @property
    def _end(self) -> int:
        return self._first + len(self._values)

    def __len__(self) -> int:
        """Return the number of days requested."""
        return len(self._values) - self._values.count(_NOT_REQUESTED)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DailyValues):
            return NotImplemented
        return self.span == other.span and list(self.items()) == list(other.items())

    __hash__ = None  # type: ignore[assignment]  # it changes

    def get(self, day: date) -> float | None:
        """Return the value of `day`, or None if it is unknown or was not requested."""
        value = self._at(day.toordinal())
        return value if isfinite(value) else None

    def requested(self, day: date) -> bool:
        """Return whether `day` was requested, even if its value is unknown."""
        return self._at(day.toordinal()) != _NOT_REQUESTED

    def covers(self, span: Span) -> bool:
        """Return whether every day of `span` was requested."""
        part = self._part(span)
        return part is not None and _NOT_REQUESTED not in part

    def first_missing(self, span: Span) -> date | None:
        """Return the first day of `span` that was not requested, or None."""
        padded = self._padded(span)
        if _NOT_REQUESTED not in padded:
            return None
        return span.first + timedelta(days=padded.index(_NOT_REQUESTED))

    def total(self, span: Span) -> float | None:
        """Return the sum over `span`, or None if any of its days is unknown or not requested.

        An understated sum would look like a drop.
        """
        part = self._part(span)
        if part is None:
            return None
        total = sum(part, 0.0)
        return total if isfinite(total) else None

    def over(self, span: Span) -> list[float | None]:
        """Return the value of each day of `span`, None if it is unknown or was not requested."""
        return [value if isfinite(value) else None for value in self._padded(span)]

    def fingerprint(self, span: Span) -> int:
        """Return a hash of the values of `span`: it stays the same as long as they do."""
        return hash(self._padded(span).tobytes())

    def items(self) -> Iterator[tuple[date, float | None]]:
        """Yield the days that were requested, oldest first, with None for unknown ones."""
        for ordinal, value in enumerate(self._values, self._first):
            if value != _NOT_REQUESTED:
                yield date.fromordinal(ordinal), value if isfinite(value) else None

    def update(self, days: Mapping[date, float | None], *, keep: int = MAX_DAYS) -> bool:
        """Overwrite each of `days` and return whether anything changed.

        None, NaN and infinite values mean unknown. At most `keep` days are kept, up to the newest.
        """
        if not days:
            return False
        newest = max(max(days).toordinal(), self._end - 1 if self._values else 0)
        oldest = newest - min(keep, MAX_DAYS) + 1
        changed = self._drop_before(oldest)
        new = {
            ordinal: _encoded(value)
            for day, value in days.items()
            if (ordinal := day.toordinal()) >= oldest
        }
        if not new:
            return changed
        self._extend(min(new), max(new))
        for ordinal, value in new.items():
            index = ordinal - self._first
            before = self._values[index]
            if before == value or (before != before and value != value):  # noqa: PLR0124 - NaN
                continue
            self._values[index] = value
            changed = True
        return changed

    def drop_after(self, day: date) -> None:
        """Drop the days after `day`, which were stored while the clock was ahead."""
        del self._values[max(0, day.toordinal() + 1 - self._first) :]
        self._strip()

    def pack(self) -> tuple[date, bytes]:
        """Return the first day and one little-endian double per day.

        NaN is unknown and infinity is not requested. Raises ValueError without values.
        """
        span = self.span
        if span is None:
            raise ValueError("a series without values cannot be packed")
        return span.first, _little_endian(self._values).tobytes()

    @classmethod
    def unpack(cls, first: date, packed: bytes) -> Self:
        """Return the series that `pack` returned. Raises ValueError if it cannot be one."""
        count, rest = divmod(len(packed), _DOUBLE)
        if rest or not 0 < count <= MAX_DAYS or first.toordinal() + count - 1 > _LAST_DAY:
            raise ValueError(f"{len(packed)} bytes from {first} are not a series of daily values")
        series = cls()
        series._first = first.toordinal()
        series._values = array("d", packed)
        series._values = _little_endian(series._values)
        series._strip()
        if not series._values:
            raise ValueError(f"none of the days from {first} was requested")
        return series

    def _at(self, ordinal: int) -> float:
        index = ordinal - self._first
        return self._values[index] if 0 <= index < len(self._values) else _NOT_REQUESTED

    def _part(self, span: Span) -> "array[float] | None":
        """Return the values of `span`, or None if it exceeds the days requested."""
        start = span.first.toordinal() - self._first
        end = span.last.toordinal() + 1 - self._first
        if end <= start:
            return array("d")
        return self._values[start:end] if start >= 0 and end <= len(self._values) else None

    def _padded(self, span: Span) -> "array[float]":
        """Return the value of each day of `span`."""
        start = span.first.toordinal() - self._first
        part = self._values[max(start, 0) : max(start + len(span), 0)]
        padded = _not_requested(min(-start, len(span))) + part
        return padded + _not_requested(len(span) - len(padded))

    def _extend(self, first: int, last: int) -> None:
        """Make room from `first` to `last`; the days between were not requested."""
        if not self._values:
            self._first = first
        if first < self._first:
            self._values[:0] = _not_requested(self._first - first)
            self._first = first
        if last >= self._end:
            self._values.extend(_not_requested(last + 1 - self._end))

    def _drop_before(self, ordinal: int) -> bool:
        count = min(ordinal - self._first, len(self._values))
        if count <= 0:
            return False
        del self._values[:count]
        self._first += count
        self._strip()
        return True

    def _strip(self) -> None:
        """Let the range begin and end with a day that was requested."""
        while self._values and self._values[-1] == _NOT_REQUESTED:
            self._values.pop()
        start = 0
        while start < len(self._values) and self._values[start] == _NOT_REQUESTED:
            start += 1
        del self._values[:start]
        self._first += start


_LAST_DAY = date.max.toordinal()


def _encoded(value: float | None) -> float:
    return float(value) if value is not None and isfinite(value) else _UNKNOWN


def _not_requested(count: int) -> "array[float]":
    return array("d", [_NOT_REQUESTED]) * count


def _little_endian(values: "array[float]") -> "array[float]":
    """Return `values` in the byte order of the file, or the file's in this machine's."""
    if sys.byteorder == "little":
        return values
    swapped = values[:]
    swapped.byteswap()
    return swapped
