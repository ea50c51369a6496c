"""What the exporter would have shown of an org on a day that is over.

The collectors of the service are sent, with a desk in place of the API; so no figure has its
meaning here a second time.
"""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import date

from exporter import catalog, collectors
from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError, Refused
from exporter.api.payloads import PayloadError, Reason
from exporter.backfill.forms import FORMS
from exporter.backfill.ledger import Rows
from exporter.collectors import Collector, Rhythm
from exporter.collectors.visit import Asker, Findings, Visit
from exporter.samples import Labels, Samples
from exporter.settings import Org

_PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class Failure:
    """A collector that brought nothing. `lasting` where asking again would not help."""

    collector: str
    text: str
    lasting: bool


@dataclass(slots=True)
class DayFigures:
    """All figures of one org and one day, and what went wrong with them."""

    samples: Samples = field(default_factory=Samples)
    courses: dict[str, str] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    def rows(self) -> dict[str, Rows]:
        """Return the figures by metric name, in an order that depends on them alone."""
        for course_id, name in self.courses.items():
            self.samples.add(catalog.COURSE_INFO, 1, course_id, name)
        return {metric.name: sorted(rows.items()) for metric, rows in self.samples if rows}


def answerable(org: Org) -> tuple[Collector, ...]:
    """Return the collectors of `org` whose figures the API can tell of any day that is over."""
    return tuple(
        collector
        for collector in collectors.of(org)
        if collector.rhythm is Rhythm.HISTORY and collector.endpoint in FORMS
    )


async def visit(org: Org, day: date, api: Asker, kept: MutableMapping[object, float]) -> DayFigures:
    """Return what would have been shown on `day`, the org's local date.

    `kept` are unique users of past spans, shared by all days of the org. Failures of the API are
    noted; whatever else `api` raises ends the visit.
    """
    figures = DayFigures()

    async def courses() -> Mapping[str, str]:
        return figures.courses

    def flawed(endpoint: Endpoint, reason: Reason, count: int) -> None:
        """Count nothing: flaws are counted where an answer is kept."""

    for collector in answerable(org):
        rhythm = collector.rhythm
        try:
            findings = await collector.visit(
                Visit(
                    org=org,
                    api=api,
                    day=day,
                    rhythm=rhythm.seconds(org),
                    priority=rhythm.value,
                    page_size=_PAGE_SIZE,
                    kept=kept,
                    courses=courses,
                    flawed=flawed,
                )
            )
        except Refused as error:
            # What is optional not every deployment has, nor every key may read.
            if not collector.optional:
                figures.failures.append(Failure(collector.name, str(error), lasting=False))
        except ApiError as error:
            figures.failures.append(Failure(collector.name, str(error), lasting=False))
        except PayloadError as error:
            figures.failures.append(Failure(collector.name, f"{org.key}: {error}", lasting=True))
        else:
            _take(figures, findings, org)
    _fit(figures, org)
    return figures


def _take(figures: DayFigures, findings: Findings, org: Org) -> None:
    findings.samples.withhold(below=org.min_group_size)
    for metric, rows in findings.samples:
        for labels, value in rows.items():
            figures.samples.add(metric, value, *labels)
    for course_id, name in findings.courses.items():
        figures.courses[course_id] = name or figures.courses.get(course_id, "")


def _fit(figures: DayFigures, org: Org) -> None:
    """Keep to the limit of series: whole courses are left out, and the org's own come first."""
    samples, courses = figures.samples, figures.courses

    def toll(part: Labels) -> int:
        return part[0] in courses

    before = samples.parts().keys()
    limit = org.series_limit
    if samples.truncate(limit, parts=max(limit - catalog.ORG_FIGURES, 0), toll=toll):
        kept = samples.parts().keys()
        for course_id in [c for c in courses if (c,) in before - kept]:
            del courses[course_id]
