"""Gauges by day as OpenMetrics text with timestamps, one whole series after the other."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

from exporter import catalog
from exporter.backfill.record import Record
from exporter.backfill.times import Section
from exporter.catalog import Metric
from exporter.exposition.text import Constants, Format, LineRenderer, header, number
from exporter.history.series import DailyValues

FILES_AT_ONCE = 32
"""Files that are written in parallel, so that each value is loaded once for a month."""

_METRICS = tuple(m for m in catalog.METRICS if m.area is not catalog.Area.EXPORTER)
_BUFFER = 1 << 18


@dataclass(frozen=True, slots=True)
class Source:
    """One org in the output: its key, its time zone and its constant labels."""

    org: str
    zone: ZoneInfo
    constants: Constants


class Writer:
    """Writes the gauges of a record to files.

    Memory: the values of one metric of one org, and one day of one series as text.
    """

    def __init__(self, sources: Sequence[Source], record: Record) -> None:
        self._sources = sources
        self._record = record

    def write(self, files: Mapping[Path, Section]) -> Iterator[tuple[Path, int]]:
        """Write files and yield each with its number of samples once it exists.

        A file appears complete or not at all, and without samples not at all. Raises OSError.
        """
        remaining = iter(files.items())
        while batch := dict(islice(remaining, FILES_AT_ONCE)):
            yield from self._write(batch)

    def _write(self, files: Mapping[Path, Section]) -> Iterator[tuple[Path, int]]:
        drafts = {path: path.with_name(f".{path.name}.part") for path in files}
        zones = {source.zone for source in self._sources}
        with ExitStack() as stack:
            pages = {
                path: _Page(
                    stack.enter_context(drafts[path].open("wb", buffering=_BUFFER)),
                    section,
                    {zone: section.stamps(zone) for zone in zones},
                )
                for path, section in files.items()
            }
            for metric in _METRICS:
                for source in self._sources:
                    renderer = LineRenderer(source.constants)
                    for labels, values in self._record.gauges(source.org, metric.name):
                        # The line of an arbitrary value, without the value.
                        line = renderer.lines(metric, {labels: 1.0}).removesuffix(b"1.0\n")
                        for page in pages.values():
                            page.put(metric, line, values, source.zone)
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
    section: Section
    stamps: Mapping[ZoneInfo, Sequence[tuple[bytes, ...]]]
    samples: int = 0
    _metric: Metric | None = field(default=None, init=False)

    def put(self, metric: Metric, line: bytes, values: DailyValues, zone: ZoneInfo) -> None:
        """Write one series; `line` is its name and labels."""
        for day, stamps in zip(self.section.days, self.stamps[zone], strict=True):
            value = values.get(day)
            if value is not None and stamps:
                if self._metric is not metric:
                    self._metric = metric
                    self.file.write(header(metric, Format.OPENMETRICS))
                sample = line + number(value).encode()
                self.file.write(sample + sample.join(stamps))
                self.samples += len(stamps)

    def end(self) -> None:
        """Complete the file on the disk."""
        self.file.write(b"# EOF\n")
        self.file.flush()
        os.fsync(self.file.fileno())
