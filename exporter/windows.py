"""Days, windows and baselines: pure functions of a date and a time zone.

A window is a run of complete days that ends yesterday, so a Tuesday morning never looks like
a drop. A baseline is the median of the same window ending one to four weeks earlier, so it
always covers the same weekdays.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from statistics import median
from zoneinfo import ZoneInfo

TODAY = "today"
WINDOWS: Mapping[str, int] = {"1d": 1, "7d": 7, "28d": 28}
"""Length in days of each window of complete days, by the name it has in metrics."""

BASELINES: Mapping[str, int] = {"1d": 1, "7d": 7}
"""The windows that have a baseline."""

BASELINE_WEEKS = (1, 2, 3, 4)
BASELINE_QUORUM = 3

_DAY = timedelta(days=1)
_DAYS_KEPT = 64
"""Spans remembered by length and day: all orgs ask for those of two or three days."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A run of calendar days, both ends included."""

    first: date
    last: date

    def __iter__(self) -> Iterator[date]:
        day = self.first
        while day <= self.last:
            yield day
            day += _DAY

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last

    def earlier(self, *, weeks: int) -> "Span":
        """Return the same weekdays, `weeks` weeks before."""
        shift = timedelta(weeks=weeks)
        return Span(self.first - shift, self.last - shift)


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """Return the calendar date that `moment` (aware) falls on in `zone`."""
    return moment.astimezone(zone).date()


def next_midnight(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant (UTC) of the calendar day after `moment` in `zone`.

    Where the clocks skip midnight that is the moment they jump, and where they repeat it the
    first of the two.
    """
    tomorrow = local_date(moment, zone) + _DAY
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone).astimezone(UTC)


def single(day: date) -> Span:
    """Return the span of one day."""
    return Span(day, day)


@lru_cache(maxsize=_DAYS_KEPT)
def window(length: int, today: date) -> Span:
    """Return the `length` complete days that end the day before `today`."""
    return Span(today - timedelta(days=length), today - _DAY)


@lru_cache(maxsize=_DAYS_KEPT)
def baseline_spans(length: int, today: date) -> tuple[Span, ...]:
    """Return the windows that the baseline of `window(length, today)` is the median of."""
    return tuple(window(length, today).earlier(weeks=weeks) for weeks in BASELINE_WEEKS)


@lru_cache(maxsize=_DAYS_KEPT)
def history(today: date) -> Span:
    """Return the complete days that all windows and baselines of `today` are made from."""
    spans = [window(length, today) for length in WINDOWS.values()]
    spans += [span for length in BASELINES.values() for span in baseline_spans(length, today)]
    return Span(min(span.first for span in spans), max(span.last for span in spans))


def total(days: Mapping[date, float | None], span: Span) -> float | None:
    """Return the sum over `span`, or None if any of its days is unknown.

    An understated sum would look like a drop, so one unknown day makes the window unknown.
    """
    values = [days.get(day) for day in span]
    return None if None in values else sum(value for value in values if value is not None)


def usual(values: Sequence[float | None]) -> float | None:
    """Return the median of the known `values`, or None with fewer than three of them."""
    known = [value for value in values if value is not None]
    return median(known) if len(known) >= BASELINE_QUORUM else None
