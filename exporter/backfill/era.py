"""When samples of the past stand: local days of each org, cut into files by days of UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from exporter.windows import Span, next_midnight

_ONE_DAY = timedelta(days=1)
_SECONDS = 86400


@dataclass(frozen=True, slots=True)
class Era:
    """The time that is written: local days of each org, one sample every `step` seconds.

    Nothing is written after `until` (Unix seconds).
    """

    first: date
    last: date
    step: int
    until: int

    def instants(self, day: date, zone: ZoneInfo) -> range:
        """Return when samples of a day stand: after its midnight, up to the next one.

        At midnight itself the figures of the day before are still shown, since those of the new
        day have yet to be asked for.
        """
        begin, end = (_midnight(d, zone) // self.step * self.step for d in (day, day + _ONE_DAY))
        return range(begin + self.step, min(end, self.until) + 1, self.step)

    def days(self, zone: ZoneInfo) -> Span | None:
        """Return the local days of which there are samples, or None."""
        days = [day for day in Span(self.first, self.last) if self.instants(day, zone)]
        return Span(days[0], days[-1]) if days else None

    def utc_days(self, zones: Sequence[ZoneInfo]) -> list[date]:
        """Return the days of UTC on which there are samples."""
        firsts = [self.instants(self.first, zone) for zone in zones]
        lasts = [self.instants(self.last, zone) for zone in zones]
        begin = min((r[0] for r in firsts if r), default=self.until + 1)
        end = max((r[-1] for r in lasts if r), default=self.until)
        first, last = (datetime.fromtimestamp(t, UTC).date() for t in (begin, end))
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def within(self, day: date) -> "Slice":
        """Return the part of the era that one day of UTC is."""
        begin = int(datetime.combine(day, time(), UTC).timestamp())
        first, last = max(day - _ONE_DAY, self.first), min(day + _ONE_DAY, self.last)
        return Slice(self, first, last, begin, begin + _SECONDS)

    def whole(self) -> "Slice":
        """Return all of the era."""
        return Slice(self, self.first, self.last, 0, self.until + 1)


@dataclass(frozen=True, slots=True)
class Slice:
    """What one file holds: local days `first` to `last`, from `begin` until before `end`."""

    era: Era
    first: date
    last: date
    begin: int
    end: int

    def stamps(self, zone: ZoneInfo) -> list[tuple[bytes, ...]]:
        """Return for each day what stands after the values of its samples."""
        return [
            tuple(
                b" %d\n" % at
                for at in self.era.instants(self.first + timedelta(days=n), zone)
                if self.begin <= at < self.end
            )
            for n in range((self.last - self.first).days + 1)
        ]


def _midnight(day: date, zone: ZoneInfo) -> int:
    before = datetime.combine(day - _ONE_DAY, time(12), zone)
    return int(next_midnight(before, zone).timestamp())
