"""Values by metric and labels: collected one by one, then stored in compact form."""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

from exporter import catalog
from exporter.catalog import Metric

Labels = tuple[str, ...]
"""Values of the labels of a metric after `org`."""


@dataclass(frozen=True, slots=True)
class Family:
    """The samples of one metric: labels and values of the same length."""

    metric: Metric
    labels: tuple[Labels, ...]
    values: "array[float]"

    def items(self) -> Iterator[tuple[Labels, float]]:
        """Return the samples."""
        return zip(self.labels, self.values, strict=True)


Compact = tuple[Family, ...]
"""Samples that no longer change. Families about the same courses share their labels."""


class Samples:
    """Values by metric and labels, each label set once whatever the API repeats.

    The label `org` is left out: it is the same for all. None is a value that the API did not
    return, and makes no sample.
    """

    def __init__(self) -> None:
        # By name: hashing all fields of a metric would take longer than the rest.
        self._families: dict[str, tuple[Metric, dict[Labels, float]]] = {}

    def add(self, metric: Metric, value: float | None, *labels: str) -> None:
        """Set one sample; `labels` are the values of `metric.labels` after `org`."""
        if value is not None:
            family = self._families.get(metric.name)
            if family is None:
                family = self._families[metric.name] = metric, {}
            family[1][labels] = value

    def add_column(self, metric: Metric, values: Mapping[str, float | None]) -> None:
        """Set a sample for each value, by the value of the one label after `org`."""
        known: dict[Labels, float] = {
            (label,): value for label, value in values.items() if value is not None
        }
        if known:
            self._families.setdefault(metric.name, (metric, {}))[1].update(known)

    def __len__(self) -> int:
        return sum(len(rows) for _, rows in self._families.values())

    def compact(self) -> Compact:
        """Return the samples in a form that takes little memory."""
        shared: dict[tuple[Labels, ...], tuple[Labels, ...]] = {}
        return tuple(
            Family(
                metric,
                shared.setdefault(labels := tuple(rows), labels),
                array("d", rows.values()),
            )
            for metric, rows in self._families.values()
            if rows
        )


def pack(samples: Compact) -> list[list[Any]]:
    """Return samples as plain lists, for JSON. Families with the same labels share them."""
    packed: list[list[Any]] = []
    places: dict[int, int] = {}
    for place, family in enumerate(samples):
        first = places.setdefault(id(family.labels), place)
        labels: Any = first if first != place else [list(labels) for labels in family.labels]
        packed.append([family.metric.name, labels, family.values.tolist()])
    return packed


def unpack(packed: list[list[Any]]) -> Compact:
    """Return the samples that `pack` made. A metric that the catalog no longer has is left out.

    Raises ValueError, TypeError, IndexError or KeyError for anything else.
    """
    families: list[Family] = []
    known: list[tuple[Labels, ...]] = []
    for name, raw, values in packed:
        labels = known[raw] if isinstance(raw, int) else tuple(map(_labels, raw))
        known.append(labels)
        metric = catalog.BY_NAME.get(name)
        if metric is None:
            continue
        if any(len(given) != len(metric.labels) - 1 for given in labels):
            raise ValueError(f"{name}: labels do not fit")
        if len(values) != len(labels):
            raise ValueError(f"{name}: labels and values differ in number")
        families.append(Family(metric, labels, array("d", map(finite, values))))
    return tuple(families)


def finite(raw: Any) -> float:
    """Return a number as a float. Raises ValueError or TypeError if it is not a finite one."""
    try:
        value = float(raw)
    except OverflowError:
        value = inf
    if not isfinite(value):
        raise ValueError("a number is not finite")
    return value


def _labels(raw: Any) -> Labels:
    if not all(isinstance(label, str) for label in raw):
        raise TypeError("a label is not text")
    return tuple(raw)
