"""Lists: values with a row for each course, or for the largest parts of a whole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import fsum

from exporter.api import endpoints
from exporter.api.endpoints import Endpoint
from exporter.api.paging import MAX_PAGES
from exporter.api.payloads import NAMELESS, CoursePage, Part, Reason, parse_courses, parse_parts
from exporter.catalog import OTHER, TOP, Metric
from exporter.collectors.run import Run
from exporter.samples import Samples
from exporter.windows import Span

_AGENT_ROWS = partial(
    parse_parts,
    names=("mentor_name", "mentor_unique_id"),
    ids=("mentor_unique_id",),
    value="total_cost",
    lists=("mentor_data", "results"),
)
_AGENTS_PER_PAGE = 100


@dataclass(slots=True)
class Table:
    """Names of courses, and columns of their values by field of the API, all by course id."""

    names: dict[str, str] = field(default_factory=dict)
    columns: dict[str, dict[str, float | None]] = field(default_factory=dict)

    def add(self, page: CoursePage) -> None:
        """Add the rows of a page; a course that is there already is replaced."""
        self.names.update(page.names)
        for name, column in page.columns.items():
            self.columns.setdefault(name, {}).update(column)

    def samples(self, metrics: Mapping[str, Metric]) -> Samples:
        """Return the samples of the columns by the metric of their field."""
        samples = Samples()
        for name, metric in metrics.items():
            samples.add_column(metric, self.columns.get(name, {}))
        return samples


async def courses(
    run: Run, endpoint: Endpoint, fields: tuple[str, ...], *, span: Span | None = None
) -> Table:
    """Return the rows of all pages of a list of courses."""
    table = Table()
    async for page in run.pages(endpoint, partial(parse_courses, fields=fields), span=span):
        table.add(page)
    return table


async def agents(run: Run, span: Span) -> list[Part]:
    """Return all agents with their cost, whether the deployment lists them at once or in pages."""
    parts: dict[str, Part] = {}
    rows = 0
    for _ in range(MAX_PAGES):
        paging = {"limit": str(_AGENTS_PER_PAGE), "offset": str(rows)}
        page = await run.request(endpoints.MENTOR_COSTS, _AGENT_ROWS, span=span, query=paging)
        new = page.keys - parts.keys()
        parts.update(page.parts)
        rows += page.rows
        if not new or rows >= (page.pagination.total_items or 0):
            return list(parts.values())
    run.payload_error(endpoints.MENTOR_COSTS, Reason.PAGES, 1)
    return list(parts.values())


def top(values: Mapping[str, float | None], *, by: Mapping[str, float | None]) -> list[str]:
    """Return the names with the largest values in `by`, at most TOP of those in `values`."""
    named = [n for n in values if n not in {NAMELESS, OTHER} and by.get(n) is not None]
    return sorted(named, key=lambda name: (-(by[name] or 0), name))[:TOP]


def add_top(
    samples: Samples,
    metric: Metric,
    values: Mapping[str, float | None],
    *,
    names: Iterable[str] | None = None,
    others: bool = True,
) -> None:
    """Add the largest parts by name, and the sum of all others.

    The others are unknown if the value of any of them is. `names` are the parts to add instead of
    the largest; values that cannot be added up have no `others`.
    """
    chosen = list(top(values, by=values) if names is None else names)
    for name in chosen:
        samples.add(metric, values.get(name), name)
    rest = [value for name, value in values.items() if name not in chosen]
    known = [value for value in rest if value is not None]
    if others and rest and len(known) == len(rest):
        samples.add(metric, fsum(known), OTHER)
