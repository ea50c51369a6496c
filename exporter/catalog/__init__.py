"""Every metric, once: name, help, unit, labels, source.

Exposition, the reference, and the tests of dashboards and rules all use this table.
"""

from collections.abc import Iterator, Mapping
from itertools import chain

from exporter.catalog import agents, costs, learning, outcomes, own
from exporter.catalog.agents import *  # noqa: F403 - one table, whichever module an entry is in
from exporter.catalog.costs import *  # noqa: F403 - see above
from exporter.catalog.learning import *  # noqa: F403 - see above
from exporter.catalog.model import *  # noqa: F403 - see above
from exporter.catalog.model import Metric, Windowed
from exporter.catalog.outcomes import *  # noqa: F403 - see above
from exporter.catalog.own import *  # noqa: F403 - see above

_MODULES = (learning, outcomes, agents, costs, own)
_ENTRIES: tuple[object, ...] = tuple(
    chain.from_iterable(vars(module).values() for module in _MODULES)
)

WINDOWED: tuple[Windowed, ...] = tuple(
    dict.fromkeys(entry for entry in _ENTRIES if isinstance(entry, Windowed))
)
"""Every measure once, though modules of the catalog import some from each other."""


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

BY_NAME: Mapping[str, Metric] = _BY_NAME
"""The catalog by the name of the metric."""
