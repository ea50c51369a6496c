"""Tables: figures with a row for each course, or for the largest parts of a whole."""

from collections.abc import Mapping
from functools import partial
from math import fsum

from exporter.api.endpoints import Endpoint
from exporter.api.payloads import NAMELESS, CourseRow, read_courses
from exporter.catalog import OTHER, TOP, Metric
from exporter.collectors.visit import Findings, Visit
from exporter.samples import Samples
from exporter.windows import Span

Rows = Mapping[str, CourseRow]


async def courses(
    visit: Visit, endpoint: Endpoint, fields: tuple[str, ...], *, span: Span | None = None
) -> Rows:
    """Return the rows of the courses that the org wants, of all pages of a list."""
    rows: dict[str, CourseRow] = {}
    async for page in visit.pages(endpoint, partial(read_courses, fields=fields), span=span):
        rows.update(page.rows)
    return {id_: row for id_, row in rows.items() if visit.org.courses.wants(id_)}


def put(visit: Visit, findings: Findings, rows: Rows, figures: Mapping[str, Metric]) -> None:
    """Add the figures of each course, by the name of their field."""
    for course_id, row in rows.items():
        for field, metric in figures.items():
            value = row.figures[field]
            findings.samples.add(
                metric, visit.ratio(value) if metric.is_share else value, course_id
            )


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
