"""Every metric, once: name, help, unit, labels, source.

Exposition, the reference, the dashboards' checks and the rules' checks all read this table.
"""

from collections.abc import Iterator, Mapping
from itertools import chain

from exporter.catalog import agents, costs, learning, outcomes, own
from exporter.catalog.agents import *  # noqa: F403 - one table, whichever room an entry is in
from exporter.catalog.costs import *  # noqa: F403 - see above
from exporter.catalog.learning import *  # noqa: F403 - see above
from exporter.catalog.model import *  # noqa: F403 - see above
from exporter.catalog.model import ORG, Area, Metric, Windowed
from exporter.catalog.outcomes import *  # noqa: F403 - see above
from exporter.catalog.own import *  # noqa: F403 - see above

_ROOMS = (learning, outcomes, agents, costs, own)
_ENTRIES: tuple[object, ...] = tuple(chain.from_iterable(vars(room).values() for room in _ROOMS))

WINDOWED: tuple[Windowed, ...] = tuple(e for e in _ENTRIES if isinstance(e, Windowed))


def _metrics(entry: object) -> Iterator[Metric]:
    match entry:
        case Metric():
            yield entry
        case Windowed():
            yield from entry.metrics()
        case dict():
            for member in entry.values():
                yield from _metrics(member)


_BY_NAME: Mapping[str, Metric] = {m.name: m for entry in _ENTRIES for m in _metrics(entry)}
METRICS: tuple[Metric, ...] = tuple(_BY_NAME.values())
"""The whole catalog, in the order of exposition."""

ORG_FIGURES = sum(metric.labels == ORG and metric.area is not Area.EXPORTER for metric in METRICS)
"""How many series an org has at most that are about it as a whole."""
