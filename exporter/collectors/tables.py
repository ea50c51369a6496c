"""Tables: figures with a row for each course, or for the largest parts of a whole."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import fsum

from exporter.api.endpoints import Endpoint
from exporter.api.payloads import NAMELESS, CoursePage, read_courses
from exporter.catalog import OTHER, TOP, Metric
from exporter.collectors.visit import Findings, Visit
from exporter.samples import Samples
from exporter.windows import Span


@dataclass(slots=True)
class Table:
    """Names of courses, and columns of their figures by field of the API, all by course id."""

    names: dict[str, str] = field(default_factory=dict)
    columns: dict[str, dict[str, float | None]] = field(default_factory=dict)

    def add(self, page: CoursePage) -> None:
        """Add the rows of a page; one that is there already is replaced."""
        self.names.update(page.names)
        for name, column in page.columns.items():
            self.columns.setdefault(name, {}).update(column)

    def only(self, wants: Callable[[str], bool]) -> "Table":
        """Return the rows of the courses that somebody wants."""
        kept = {id_: name for id_, name in self.names.items() if wants(id_)}
        if len(kept) == len(self.names):
            return self
        columns = {
            name: {id_: column[id_] for id_ in kept} for name, column in self.columns.items()
        }
        return Table(kept, columns)


async def courses(
    visit: Visit, endpoint: Endpoint, fields: tuple[str, ...], *, span: Span | None = None
) -> Table:
    """Return the rows of the courses that the org wants, of all pages of a list."""
    table = Table()
    async for page in visit.pages(endpoint, partial(read_courses, fields=fields), span=span):
        table.add(page)
    return table.only(visit.org.courses.wants)


def put(visit: Visit, findings: Findings, table: Table, figures: Mapping[str, Metric]) -> None:
    """Add the figures of each course, by the name of their field."""
    for name, metric in figures.items():
        column = table.columns.get(name, {})
        if metric.is_share:
            column = {course_id: visit.ratio(value) for course_id, value in column.items()}
        findings.samples.add_column(metric, column)


def put_top(samples: Samples, metric: Metric, parts: Mapping[str, float | None]) -> None:
    """Add the largest parts by name, and all others together.

    The others are unknown where the figure of any part is.
    """
    named = {n: v for n, v in parts.items() if v is not None and n not in {NAMELESS, OTHER}}
    top = sorted(named, key=lambda name: (-named[name], name))[:TOP]
    for name in top:
        samples.add(metric, named[name], name)
    rest = [value for name, value in parts.items() if name not in top]
    known = [value for value in rest if value is not None]
    if rest and len(known) == len(rest):
        samples.add(metric, fsum(known), OTHER)
