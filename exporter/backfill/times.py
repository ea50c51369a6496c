"""The times of samples: local days of each org, divided into files by days of UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from exporter.windows import Span, next_midnight_of

_DAY = timedelta(days=1)
_SECONDS = 86400


@dataclass(frozen=True, slots=True)
class Times:
    """Samples of the local days `first` to `last`, one every `step` seconds up to `until`.

    `until` is in Unix seconds.
    """

    first: date
    last: date
    step: int
    until: int

    def of_day(self, day: date, zone: ZoneInfo) -> range:
        """Return the times of a day's samples: after its midnight, up to the next one.

        At midnight itself the values of the day before are still served.
        """
        begin, end = (_midnight(d, zone) // self.step * self.step for d in (day, day + _DAY))
        return range(begin + self.step, min(end, self.until) + 1, self.step)

    def days(self, zone: ZoneInfo) -> Span | None:
        """Return the local days that have samples, or None if there are none."""
        days = [day for day in Span(self.first, self.last) if self.of_day(day, zone)]
        return Span(days[0], days[-1]) if days else None

    def utc_days(self, zones: Sequence[ZoneInfo]) -> list[date]:
        """Return the days of UTC that have samples."""
        firsts = [self.of_day(self.first, zone) for zone in zones]
        lasts = [self.of_day(self.last, zone) for zone in zones]
        begin = min((r[0] for r in firsts if r), default=self.until + 1)
        end = max((r[-1] for r in lasts if r), default=self.until)
        first, last = (datetime.fromtimestamp(t, UTC).date() for t in (begin, end))
        return list(Span(first, last))

    def within(self, day: date) -> "Section":
        """Return the samples of one day of UTC."""
        begin = int(datetime.combine(day, time(), UTC).timestamp())
        first, last = max(day - _DAY, self.first), min(day + _DAY, self.last)
        return Section(self, Span(first, last), begin, begin + _SECONDS)

    def whole(self) -> "Section":
        """Return all samples."""
        return Section(self, Span(self.first, self.last), 0, self.until + 1)


@dataclass(frozen=True, slots=True)
class Section:
    """The samples of one file: of the local days `days`, from `begin` until before `end`."""

    times: Times
    days: Span
    begin: int
    end: int

    def stamps(self, zone: ZoneInfo) -> list[tuple[bytes, ...]]:
        """Return for each day what follows the values of its samples."""
        return [
            tuple(
                b" %d\n" % at for at in self.times.of_day(day, zone) if self.begin <= at < self.end
            )
            for day in self.days
        ]


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(next_midnight_of(day - _DAY, zone).timestamp())
