"""Figures by day as OpenMetrics text with timestamps, one whole series after the other."""

import os
from array import array
from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

from exporter import catalog, exposition
from exporter.backfill.era import Slice
from exporter.backfill.ledger import Ledger
from exporter.catalog import Metric
from exporter.exposition import Constants, Format
from exporter.samples import Labels

_METRICS = tuple(m for m in catalog.METRICS if m.area is not catalog.Area.EXPORTER)
_BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """One org as it is written: its name in the ledger, its zone and its constant labels."""

    org: str
    zone: ZoneInfo
    constants: Constants


class Writer:
    """Writes files of the figures in a ledger.

    Memory: the values of one metric of one org, and one day of one series as text.
    """

    def __init__(self, sources: Sequence[Source], ledger: Ledger) -> None:
        self._sources = sources
        self._ledger = ledger

    def write(self, path: Path, part: Slice) -> int:
        """Write one file, which appears whole or not at all; return how many samples it has.

        Where there are none there is no file. Raises OSError.
        """
        draft = path.with_name(f".{path.name}.part")
        stamps = {zone: part.stamps(zone) for zone in {s.zone for s in self._sources}}
        with draft.open("wb", buffering=_BUFFER) as file:
            page = _Page(file, part, stamps)
            for metric in _METRICS:
                for source in self._sources:
                    page.put(metric, source, self._values(metric, part, source))
            file.write(b"# EOF\n")
            file.flush()
            os.fsync(file.fileno())
        if page.samples:
            draft.replace(path)
        else:
            draft.unlink()
            path.unlink(missing_ok=True)
        return page.samples

    def _values(
        self, metric: Metric, part: Slice, source: Source
    ) -> dict[Labels, MutableSequence[float]]:
        """Return each series by day, NaN for days on which there is none."""
        length = (part.last - part.first).days + 1
        found: dict[Labels, MutableSequence[float]] = {}
        for day, rows in self._ledger.figures(metric.name, source.org, part.first, part.last):
            for labels, value in rows:
                if labels not in found:
                    found[labels] = array("d", [nan]) * length
                found[labels][(day - part.first).days] = value
        return found


class _Page:
    """A file being written."""

    def __init__(
        self, file: IO[bytes], part: Slice, stamps: dict[ZoneInfo, list[tuple[bytes, ...]]]
    ) -> None:
        self._file = file
        self._part = part
        self._stamps = stamps
        self._metric: Metric | None = None
        self.samples = 0

    def put(
        self, metric: Metric, source: Source, values: dict[Labels, MutableSequence[float]]
    ) -> None:
        """Write the series of one metric and one org."""
        stamps = self._stamps[source.zone]
        for labels, by_day in sorted(values.items()):
            # The line of an arbitrary value, without the value.
            whole = exposition.Pen(source.constants).lines(metric, {labels: 1.0})
            name = whole.removesuffix(b"1.0\n")
            for value, after in zip(by_day, stamps, strict=True):
                if after and not isnan(value):
                    self._begin(metric)
                    sample = name + exposition.number(value).encode()
                    self._file.write(sample + sample.join(after))
                    self.samples += len(after)

    def _begin(self, metric: Metric) -> None:
        if self._metric is not metric:
            self._metric = metric
            self._file.write(exposition.header(metric, Format.OPENMETRICS))
