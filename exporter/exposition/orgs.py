"""Renders what is served of each org: its current samples under its current settings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import chain

from exporter import catalog
from exporter.catalog import Windowed
from exporter.exposition.rendered import RenderedLines
from exporter.exposition.text import LineRenderer
from exporter.exposition.visible import (
    MIN_GROUP_SIZE,
    SERIES_LIMIT,
    Limited,
    Values,
    configured,
    limit,
    merge,
    part_of,
    sizes_of,
    withhold,
)
from exporter.history.ranges import ExpectedRanges
from exporter.samples import Labels
from exporter.settings import Org
from exporter.snapshots import Item, Items, Snapshots
from exporter.windows import TODAY, next_midnight_of

INFO = "info"
"""Name under which the names of courses and mentors are rendered."""

_BY_METRIC: Mapping[str, tuple[Windowed, str]] = {
    measure.at(window).name: (measure, window)
    for measure in catalog.WINDOWED
    for window in measure.expected
}
"""Measures with an expected range, by the metric of a window."""

_ALL = Limited(None, 0)

_Info = Sequence[tuple[catalog.Metric, Mapping[Labels, float]]]
"""Metrics about the names of courses and mentors, and their rows."""


def add_expected(
    values: Values, org: Org, ranges: ExpectedRanges, *, days: Mapping[str, date]
) -> None:
    """Add the expected range of each window that is served.

    `days` is the day on which each metric is served, by name; its window ends the day before.
    """
    for name, day in days.items():
        if name not in _BY_METRIC:
            continue
        measure, window = _BY_METRIC[name]
        found = ranges.of(org, measure, window, end=day - timedelta(days=1))
        for metric, value in (
            (measure.expected_at(window), found.value),
            (measure.expected_low_at(window), found.low),
        ):
            if value is not None:
                values[metric.name] = metric, {(): value}


class _Rendered:
    """What is served of one org, for the exporter's own metrics and the status page."""

    __slots__ = ("limited", "org", "parts", "served", "sizes", "values", "withheld")

    def __init__(self, org: Org) -> None:
        self.org = org
        self.values: dict[str, dict[str, float]] = {}
        """Values without labels by collector and metric."""
        self.sizes: dict[str, Counter[Labels]] = {}
        """Series of each part by collector, before `series_limit`."""
        self.served: Counter[str] = Counter()
        """Series that are rendered, by collector."""
        self.withheld: dict[str, int] = {}
        self.limited = _ALL
        self.parts: Mapping[Labels, None] = {}
        """Parts that were served before the last time that all collectors were rendered."""

    def parts_served(self) -> Mapping[Labels, None]:
        """Return the parts that are served, or were before the settings changed."""
        if self.limited.parts is not None:
            return self.limited.parts
        return dict.fromkeys(sorted(set(chain.from_iterable(self.sizes.values())))) or self.parts


class OrgRenderer:
    """Updates the rendered lines of every org. All methods belong to one thread."""

    def __init__(
        self, snapshots: Snapshots, ranges: ExpectedRanges, rendered: RenderedLines
    ) -> None:
        self._snapshots = snapshots
        self._ranges = ranges
        self._rendered = rendered
        self._orgs: dict[str, _Rendered] = {}
        snapshots.listeners.append(lambda org, collector, _: self.render(org, collector))

    def configure(self, org: Org) -> None:
        """Render an org under new settings."""
        known = self._orgs.get(org.key)
        self._orgs[org.key] = entry = _Rendered(org)
        if known is not None:
            entry.parts, entry.served = known.parts_served(), known.served
            for writer in (*known.sizes, INFO):
                if writer != INFO and writer not in self._snapshots.of(org.key):
                    self._rendered.write((org.key, writer), {})
        self._render_all(entry)

    def forget(self, org: str) -> None:
        """Stop serving an org."""
        self._orgs.pop(org, None)
        self._ranges.forget(org)
        self._rendered.remove(org)

    def render(self, org: str, collector: str) -> None:
        """Render what a collector has now, and what else of the org depends on it."""
        entry = self._orgs.get(org)
        if entry is None:
            return
        if entry.org.min_group_size or entry.limited is not _ALL:
            self._render_all(entry)
            return
        values = self._values(entry.org, self._snapshots.items(org, collector))
        sizes = sizes_of(values)
        info = self._info(entry.org)
        total = sum(own.total() for own in {**entry.sizes, collector: sizes}.values())
        if total + sum(len(rows) for _, rows in info) > entry.org.series_limit:
            self._render_all(entry)
        else:
            entry.sizes[collector] = sizes
            self._write(entry, collector, values)
            self._render_info(entry, info)

    def series(self, org: str, collector: str) -> int:
        """Return the series of a collector that are served."""
        entry = self._orgs.get(org)
        return entry.served[collector] if entry else 0

    def dropped(self, org: str) -> Mapping[str, int]:
        """Return the series that are not served, by the limit that they exceed."""
        entry = self._orgs.get(org)
        if entry is None:
            return {}
        return {
            SERIES_LIMIT: entry.limited.dropped,
            MIN_GROUP_SIZE: sum(entry.withheld.values()),
        }

    def window_end(self, org: str, collector: str) -> float | None:
        """Return the end of the windows of complete days, in Unix seconds."""
        entry = self._orgs.get(org)
        items = self._snapshots.items(org, collector).values()
        days = [item.day for item in items if _has_windows(item)]
        if entry is None or not days:
            return None
        return next_midnight_of(max(days) - timedelta(days=1), entry.org.zone).timestamp()

    def values(self, org: str) -> Mapping[str, float]:
        """Return the values without labels that are served, by metric."""
        entry = self._orgs.get(org)
        of = entry.values.values() if entry else ()
        return {name: value for values in of for name, value in values.items()}

    def _render_all(self, entry: _Rendered) -> None:
        org = entry.org
        entry.parts = entry.parts_served()
        by_collector = {
            name: self._values(org, items) for name, items in self._snapshots.of(org.key).items()
        }
        merged: Values = {}
        for values in by_collector.values():
            merged.update(values)

        def lookup(name: str, labels: Labels) -> float | None:
            return merged[name][1].get(labels) if name in merged else None

        for gone in entry.sizes.keys() - by_collector.keys():
            self._write(entry, gone, {})
        for name, values in by_collector.items():
            left, entry.withheld[name] = withhold(values, below=org.min_group_size, lookup=lookup)
            by_collector[name] = left
            entry.sizes[name] = sizes_of(left)
        info = self._info(org)
        self._limit(entry, info)
        for name, values in by_collector.items():
            self._write(entry, name, values)
        self._render_info(entry, info)

    def _values(self, org: Org, items: Items) -> Values:
        values = configured(org, merge(items))
        days = {family.metric.name: item.day for item in items.values() for family in item.samples}
        add_expected(values, org, self._ranges, days=days)
        return values

    @staticmethod
    def _limit(entry: _Rendered, info: _Info) -> None:
        sizes = [*entry.sizes.values(), Counter(labels[:1] for _, rows in info for labels in rows)]
        found = limit(sizes, at_most=entry.org.series_limit, before=entry.parts)
        entry.limited = _ALL if found.parts is None else found

    def _write(self, entry: _Rendered, collector: str, values: Values) -> None:
        """Write the lines of a collector that are within the limit."""
        if not values:
            entry.sizes.pop(collector, None)
            entry.values.pop(collector, None)
            entry.withheld.pop(collector, None)
        parts = entry.limited.parts
        renderer = LineRenderer(entry.org.constants())
        lines: dict[str, bytes] = {}
        plain: dict[str, float] = {}
        count = 0
        for name, (metric, rows) in values.items():
            served = (
                rows
                if parts is None or len(metric.labels) == 1
                else {lb: v for lb, v in rows.items() if part_of(metric, lb) in parts}
            )
            if served:
                lines[name] = renderer.lines(metric, served)
            count += len(served)
            if () in served:
                plain[name] = served[()]
        entry.values[collector] = plain
        fewer = count < entry.served[collector]
        entry.served[collector] = count
        self._rendered.write((entry.org.key, collector), lines, removed=fewer)

    def _info(self, org: Org) -> _Info:
        courses = self._snapshots.courses(org.key)
        mentors = self._snapshots.mentors(org.key)
        wanted = mentors if org.discovers_mentors else org.mentors
        return (
            (
                catalog.COURSE_INFO,
                {(id_, name): 1.0 for id_, name in courses.items() if org.courses.wants(id_)},
            ),
            (
                catalog.MENTOR_INFO,
                {(id_, mentors[id_]): 1.0 for id_ in wanted if id_ in mentors},
            ),
        )

    def _render_info(self, entry: _Rendered, info: _Info) -> None:
        parts = entry.limited.parts
        renderer = LineRenderer(entry.org.constants())
        lines = {}
        for metric, rows in info:
            served = {lb: v for lb, v in rows.items() if parts is None or lb[:1] in parts}
            if served:
                lines[metric.name] = renderer.lines(metric, served)
        self._rendered.write((entry.org.key, INFO), lines)


def _has_windows(item: Item) -> bool:
    return not item.of_day and any(family.metric.name in _COMPLETE for family in item.samples)


_COMPLETE = frozenset(
    measure.at(window).name
    for measure in catalog.WINDOWED
    for window in measure.windows
    if window != TODAY
)
