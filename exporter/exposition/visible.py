"""What the settings of an org make of its samples: which are served, and on which scale."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from exporter.catalog import Exempt, Metric
from exporter.samples import Labels
from exporter.settings import Org
from exporter.snapshots import Items

Rows = dict[Labels, float]
"""Values of one metric by labels."""

Values = dict[str, tuple[Metric, Rows]]
"""Values by metric name and labels."""

MIN_GROUP_SIZE = "min_group_size"
SERIES_LIMIT = "series_limit"

_PERCENT = 100


def merge(items: Items) -> Values:
    """Return the samples of all items by metric."""
    merged: Values = {}
    for item in items.values():
        for family in item.samples:
            rows = merged.setdefault(family.metric.name, (family.metric, {}))[1]
            rows.update(family.items())
    return merged


def configured(org: Org, values: Values) -> Values:
    """Return what `courses`, `mentors`, `topics` and `percentages` leave of `values`."""
    wants: dict[str, Callable[[str], bool]] = {"course_id": org.courses.wants}
    if not org.discovers_mentors:
        wants["mentor_id"] = frozenset(org.mentors).__contains__
    if not org.topics:
        wants["topic"] = _nothing
    found: Values = {}
    for name, (metric, rows) in values.items():
        wanted = wants.get(metric.labels[1]) if len(metric.labels) > 1 else None
        left = {lb: v for lb, v in rows.items() if wanted(lb[0])} if wanted else rows
        if metric.percent and org.percentages == "percent":
            left = {labels: value / _PERCENT for labels, value in left.items()}
        if left:
            found[name] = metric, left
    return found


def _nothing(_: str) -> bool:
    return False


Lookup = Callable[[str, Labels], float | None]
"""Returns the value of a metric for some labels, or None if it is not known."""


def withhold(values: Values, *, below: int, lookup: Lookup) -> tuple[Values, int]:
    """Return `values` without those about fewer than `below` people, and how many are left out.

    A count is compared itself, and 0 is never withheld. A mean is withheld with its group: unless
    one of the metrics that count its people is known and large enough.
    """
    if below <= 0:
        return values, 0
    served: Values = {}
    dropped = 0
    for name, (metric, rows) in values.items():
        left = {
            labels: value
            for labels, value in rows.items()
            if _is_public(metric, labels, value, below=below, lookup=lookup)
        }
        dropped += len(rows) - len(left)
        if left:
            served[name] = metric, left
    return served, dropped


def _is_public(metric: Metric, labels: Labels, value: float, *, below: int, lookup: Lookup) -> bool:
    if isinstance(metric.privacy, Exempt):
        return True
    if not metric.privacy.group:
        return value == 0 or value >= below
    of_org = "course_id" not in metric.labels
    sizes = (lookup(name, () if of_org else labels[:1]) for name in metric.privacy.group)
    size = next((size for size in sizes if size is not None), None)
    return size is not None and (size >= below or (size == 0 and value == 0))


@dataclass(frozen=True, slots=True)
class Limited:
    """Which parts (courses, mentors, models …) of an org are served, and how many series are not.

    `parts` is None if all are. It is in the order in which they were chosen.
    """

    parts: Mapping[Labels, None] | None
    dropped: int


def limit(
    sizes: Iterable[Mapping[Labels, int]], *, at_most: int, before: Iterable[Labels]
) -> Limited:
    """Choose which parts of an org are served so that it has `at_most` series.

    `sizes` are the series of each part by collector; () stands for those of the org as a whole,
    which come first. A part is served whole or not at all: first the parts served `before`, in
    their order, then by id. So the set does not change from poll to poll, and a new part that
    grows takes no place from those that were there earlier.
    """
    total: Counter[Labels] = Counter()
    for of_collector in sizes:
        total.update(of_collector)
    room = at_most - total.pop((), 0)
    if total.total() <= room:
        return Limited(None, 0)
    left: dict[Labels, None] = {}
    rank = {part: number for number, part in enumerate(before)}
    for part in sorted(total, key=lambda part: (rank.get(part, len(rank)), part)):
        if total[part] <= room:
            room -= total[part]
            left[part] = None
    dropped = sum(size for part, size in total.items() if part not in left)
    return Limited(left, dropped)


def part_of(metric: Metric, labels: Labels) -> Labels:
    """Return the part that a sample is about, or () for the org as a whole."""
    return labels[:1] if len(metric.labels) > 1 else ()


def sizes_of(values: Values) -> Counter[Labels]:
    """Return how many series each part has."""
    sizes: Counter[Labels] = Counter()
    for metric, rows in values.values():
        if len(metric.labels) > 1:
            sizes.update(labels[:1] for labels in rows)
        else:
            sizes[()] += len(rows)
    return sizes
