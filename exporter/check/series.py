"""Estimates the number of series of an org from the catalog."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from exporter import catalog, collectors
from exporter.catalog import Metric
from exporter.collectors import Collector
from exporter.exposition import Format
from exporter.exposition.rendered import RenderedLines
from exporter.settings import Org
from exporter.telemetry import SEEDS, Telemetry

ASSUMED_COURSES = 50
"""Courses of an org, until the platform has listed them."""

ASSUMED_PARTS = 4
"""Topics, models, providers or agents with data, which the catalog only bounds."""

ASSUMED_MENTORS = 4
"""Mentors of an org with `mentors: all`, until the platform has listed them."""

_INFO = frozenset({catalog.COURSE_INFO.name, catalog.MENTOR_INFO.name})
_DEPENDS_ON_DATA = frozenset({"topic", "model", "provider", "agent"})
"""Labels with as many values as the data has, up to a bound that the catalog knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Courses and mentors of an org that have metrics of their own."""

    courses: int
    mentors: int


def assumed_size(org: Org, *, courses: int = ASSUMED_COURSES) -> Size:
    """Return the size of an org without asking the platform."""
    mentors = ASSUMED_MENTORS if org.discovers_mentors else len(org.mentors)
    return Size(courses=courses, mentors=mentors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Series of one org: its values with names and expected ranges, and the exporter's own.

    `uncertain` is how many more there are at most, depending on how many topics, models, providers
    and agents have data.
    """

    values: int
    own: int
    uncertain: int

    @property
    def total(self) -> int:
        """Return all series."""
        return self.values + self.own


def series_of(org: Org, names: tuple[str, ...], size: Size) -> Series:
    """Return the series of an org with these collectors, once everything was collected."""
    likely, most = _values(names, size, org.learner_indexes)
    values = min(likely, org.series_limit)
    uncertain = min(most, org.series_limit) - values
    return Series(values=values, own=_own(names), uncertain=uncertain)


@lru_cache(maxsize=4096)
def _values(names: tuple[str, ...], size: Size, learner_indexes: bool) -> tuple[int, int]:  # noqa: FBT001 - part of the cache's key
    """Return how many values an org with these collectors has, likely and at most."""
    own = [collectors.BY_NAME[name] for name in names]
    # A list of mentors returns their costs, too, of which only the names are used.
    sources = {catalog.source(c.endpoint) for c in own if not c.lists_mentors}
    rows = {**catalog.MEMBERS, "course_id": size.courses, "mentor_id": size.mentors}
    certain = size.courses * any(c.lists_courses for c in own)
    certain += size.mentors * any(c.lists_mentors for c in own)
    likely = most = 0
    for metric in catalog.METRICS:
        if metric.source not in sources or metric.name in _INFO:
            continue
        if "quantile" in metric.labels and not learner_indexes:
            continue
        label = metric.labels[1] if len(metric.labels) > 1 else ""
        if label in _DEPENDS_ON_DATA:
            likely += min(rows[label], ASSUMED_PARTS)
            most += rows[label]
        else:
            certain += rows.get(label, 1)
    return certain + likely, certain + most


class _EverythingServed:
    """An org of which everything was collected, for its own metrics."""

    def series(self, org: str, collector: str) -> int:  # noqa: ARG002 - the number is not counted
        return 0

    def dropped(self, org: str) -> Mapping[str, int]:  # noqa: ARG002 - see above
        return {}

    def window_end(self, org: str, collector: str) -> float | None:  # noqa: ARG002 - one org
        return 0.0 if collectors.BY_NAME[collector].windows else None


@lru_cache(maxsize=4096)
def _own(names: tuple[str, ...]) -> int:
    """Return how many of the exporter's own series an org with these collectors has."""
    lines = RenderedLines()
    telemetry = Telemetry(lines, _EverythingServed())
    own = [collectors.BY_NAME[name] for name in names]
    _register(telemetry, own)
    for collector in own:
        if collector.v2 is not None:
            telemetry.source("org", collector.name, SEEDS)
    telemetry.flush()
    return count(text for _, texts in lines.families(catalog.METRICS) for text in texts)


def process_series(names: Iterable[str]) -> int:
    """Return how many series the process as a whole has if it runs these collectors."""
    telemetry = Telemetry(RenderedLines(), _EverythingServed())
    _register(telemetry, [collectors.BY_NAME[name] for name in names])
    return count([telemetry.process.text(Format.TEXT)])


def _register(telemetry: Telemetry, own: list[Collector]) -> None:
    listed = [(c.name, c.endpoint) for c in own]
    telemetry.register("org", {"org": "org"}, listed, showing_up=())


def count(texts: Iterable[bytes]) -> int:
    """Return how many sample lines there are, comments left out."""
    return sum(
        1 for text in texts for line in text.splitlines() if line and not line.startswith(b"#")
    )


def expected_of_active_users() -> tuple[Metric, ...]:
    """Return the metrics of the expected range of active users, which takes several runs."""
    measure = catalog.ACTIVE_USERS
    return tuple(
        metric
        for window in measure.expected
        for metric in (measure.expected_at(window), measure.expected_low_at(window))
    )
