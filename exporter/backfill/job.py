"""What a backfill is to do: orgs and days, the times of samples, and the files for them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from exporter import __version__
from exporter.settings import Org
from exporter.windows import Span, next_midnight_of

SUFFIX = ".om"

HEAD = 3 * 3600
"""Seconds before now that are left to Prometheus' head block, which blocks should not overlap."""

_IRRELEVANT = frozenset(
    {
        "api_key",
        "api_key_file",
        "auth_scheme",
        "user_id",
        "interval",
        "history_interval",
        "max_staleness",
    }
)
"""Settings of an org that do not change the output."""

_DAY = timedelta(days=1)
_SECONDS = 86400


def last_sample(now: datetime, *, step: int) -> int:
    """Return the time of the last sample (Unix seconds) of a backfill that begins now."""
    return (int(now.timestamp()) - HEAD) // step * step


@dataclass(frozen=True, kw_only=True)
class Job:
    """The local days `start` to `end` of each org, with a sample every `step` seconds.

    The last sample is at `until` (Unix seconds). `output` is a directory with one file for each
    day of UTC, or a single file. Every series has the `labels` in addition to those of its org.
    """

    orgs: tuple[Org, ...]
    start: date
    end: date
    step: int
    until: int
    output: Path
    directory: bool
    labels: Mapping[str, str]

    @property
    def state(self) -> Path:
        """The directory of the state file, next to the output."""
        if self.directory:
            return self.output / ".state"
        return self.output.with_name(f"{self.output.name}.state")

    def outputs(self) -> list[Path]:
        """Return the output files that exist."""
        if self.directory:
            return sorted(self.output.glob(f"*{SUFFIX}"))
        return [self.output] if self.output.exists() else []

    def labeled(self, org: Org) -> Org:
        """Return an org with all labels of its series."""
        return replace(org, labels={**org.labels, **self.labels})

    def options(self) -> dict[str, str]:
        """Return everything that the output depends on except for the collected values."""
        orgs = [
            {
                field.name: repr(getattr(org, field.name))
                for field in fields(org)
                if field.init and field.name not in _IRRELEVANT
            }
            for org in self.orgs
        ]
        digest = hashlib.sha256(json.dumps(orgs, sort_keys=True).encode()).hexdigest()
        return {
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "step": str(self.step),
            "labels": json.dumps(dict(self.labels), sort_keys=True),
            "configuration": digest,
            "version": __version__,
            "until": str(self.until),
        }

    def times(self, day: date, zone: ZoneInfo) -> range:
        """Return the times of a day's samples: after its midnight, up to the next one.

        At midnight itself the values of the day before are still served.
        """
        midnights = (next_midnight_of(each, zone).timestamp() for each in (day - _DAY, day))
        begin, end = (int(at) // self.step * self.step for at in midnights)
        return range(begin + self.step, min(end, self.until) + 1, self.step)

    def days(self, zone: ZoneInfo) -> Span | None:
        """Return the local days that have samples, or None if there are none."""
        days = [day for day in Span(self.start, self.end) if self.times(day, zone)]
        return Span(days[0], days[-1]) if days else None

    def files(self) -> dict[Path, range]:
        """Return the files of the output, and the seconds that each of them covers."""
        if not self.directory:
            return {self.output: range(self.until + 1)}
        ends = [
            self.times(day, zone)
            for zone in {org.zone for org in self.orgs}
            if (days := self.days(zone))
            for day in (days.first, days.last)
        ]
        if not ends:
            return {}
        first, last = min(times[0] for times in ends), max(times[-1] for times in ends)
        return {
            self.output / f"{day}{SUFFIX}": _utc(day) for day in Span(_date(first), _date(last))
        }

    def stamps(self, zone: ZoneInfo, file: range) -> dict[date, list[bytes]]:
        """Return by local day what follows the values of its samples in a file."""
        first = max(_date(file.start) - _DAY, self.start)
        last = min(_date(file.stop) + _DAY, self.end)
        return {
            day: [b" %d\n" % at for at in self.times(day, zone) if at in file]
            for day in Span(first, last)
        }


def _date(at: int) -> date:
    return datetime.fromtimestamp(at, UTC).date()


def _utc(day: date) -> range:
    begin = int(datetime.combine(day, time(), UTC).timestamp())
    return range(begin, begin + _SECONDS)
