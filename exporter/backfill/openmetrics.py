"""Gauges by day as OpenMetrics text with timestamps, one whole series after the other."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

from exporter.backfill.gauges import METRICS
from exporter.backfill.job import Job
from exporter.backfill.record import Record
from exporter.catalog import Metric
from exporter.exposition.text import Format, header, number
from exporter.history.series import DailyValues

FILES_AT_ONCE = 32
"""Files that are written in parallel, so that each value is loaded once for a month."""

_BUFFER = 1 << 18


def write(job: Job, record: Record, files: Mapping[Path, range]) -> Iterator[tuple[Path, int]]:
    """Write files and yield each with its number of samples once it exists.

    A file appears complete or not at all, and without samples not at all. In memory are the values
    of one metric of one org, and one day of one series as text. Raises OSError.
    """
    remaining = iter(files.items())
    while batch := dict(islice(remaining, FILES_AT_ONCE)):
        yield from _write(job, record, batch)


def _write(job: Job, record: Record, files: Mapping[Path, range]) -> Iterator[tuple[Path, int]]:
    drafts = {path: path.with_name(f".{path.name}.part") for path in files}
    zones = {org.zone for org in job.orgs}
    with ExitStack() as stack:
        pages = {
            path: _Page(
                stack.enter_context(drafts[path].open("wb", buffering=_BUFFER)),
                {zone: job.stamps(zone, seconds) for zone in zones},
            )
            for path, seconds in files.items()
        }
        for metric in METRICS:
            for org in job.orgs:
                for series, values in record.gauges(org.key, metric.name):
                    for page in pages.values():
                        page.put(metric, series.encode(), values, org.zone)
        for page in pages.values():
            page.end()
    for path, page in pages.items():
        if page.samples:
            drafts[path].replace(path)
            yield path, page.samples
        else:
            drafts[path].unlink()


@dataclass(slots=True)
class _Page:
    """A file that is being written. `stamps` are what follows the values of each of its days."""

    file: IO[bytes]
    stamps: Mapping[ZoneInfo, Mapping[date, list[bytes]]]
    samples: int = 0
    _metric: Metric | None = field(default=None, init=False)

    def put(self, metric: Metric, series: bytes, values: DailyValues, zone: ZoneInfo) -> None:
        """Write one series, given as its name and labels."""
        for day, stamps in self.stamps[zone].items():
            value = values.get(day)
            if value is not None and stamps:
                if self._metric is not metric:
                    self._metric = metric
                    self.file.write(header(metric, Format.OPENMETRICS))
                sample = b"%s %s" % (series, number(value).encode())
                self.file.write(sample + sample.join(stamps))
                self.samples += len(stamps)

    def end(self) -> None:
        """Complete the file on the disk."""
        self.file.write(b"# EOF\n")
        self.file.flush()
        os.fsync(self.file.fileno())
