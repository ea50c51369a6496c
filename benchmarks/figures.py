"""Figures shaped like those of real orgs, the same for all that are compared."""

from collections.abc import Iterator

from exporter import catalog
from exporter.catalog import Area, Metric
from exporter.clock import Clock
from exporter.samples import Samples
from exporter.snapshots import Snapshot, SnapshotStore, headline, render

_OWN = tuple(m for m in catalog.METRICS if m.area is not Area.EXPORTER and m.labels == ("org",))
_OF_COURSE = tuple(m for m in catalog.METRICS if m.labels == ("org", "course_id"))
_PARTS = {"org": _OWN, "courses": _OF_COURSE}

SERIES_OF_ORG = len(_OWN)
SERIES_OF_COURSE = len(_OF_COURSE) + 1  # its name too


def courses_for(series: int, *, orgs: int) -> int:
    """Return how many courses each of `orgs` must have to make about so many series."""
    return max(round((series / orgs - SERIES_OF_ORG) / SERIES_OF_COURSE), 0)


def org_name(org: int) -> str:
    """Return the key of the org with this number."""
    return f"org-{org:04}"


def course_ids(org: int, courses: int) -> list[str]:
    """Return the ids of an org's courses, as Open edX writes them."""
    return [f"course-v1:Org{org}+C{course}+2025" for course in range(courses)]


def samples_of(org: int, metrics: tuple[Metric, ...], courses: int, *, turn: int = 0) -> Samples:
    """Return the values of `metrics` for one org; another `turn`, other values."""
    samples = Samples()
    for place, metric in enumerate(metrics):
        if len(metric.labels) == 1:
            samples.add(metric, _value(org, place, turn))
            continue
        for number, course_id in enumerate(course_ids(org, courses)):
            samples.add(metric, _value(org + number, place, turn), course_id)
    return samples


def put(store: SnapshotStore, clock: Clock, org: int, courses: int, *, turn: int = 0) -> int:
    """Put the figures of one org in the store as a visit does; return how many series."""
    constants = {"org": org_name(org)}
    for name, metrics in _PARTS.items():
        samples = samples_of(org, metrics, courses, turn=turn)
        names = dict.fromkeys(course_ids(org, courses) if name == "courses" else ())
        store.put(
            Snapshot(
                org=org_name(org),
                collector=name,
                taken=clock.now(),
                expires=clock.monotonic() + 1e6,
                lines=render(samples, constants),
                series=len(samples),
                courses={course_id: f"About {course_id}" for course_id in names},
                headline=headline(samples),
            ),
            constants,
        )
    return SERIES_OF_ORG + SERIES_OF_COURSE * courses


def rows(orgs: int, courses: int) -> Iterator[tuple[Metric, tuple[str, ...], float]]:
    """Yield the same figures one by one: metric, label values in its own order, value."""
    for org in range(orgs):
        key = org_name(org)
        for metrics in _PARTS.values():
            for metric, found in samples_of(org, metrics, courses):
                for labels, value in found.items():
                    yield metric, (key, *labels), value
        for course_id in course_ids(org, courses):
            yield catalog.COURSE_INFO, (key, course_id, f"About {course_id}"), 1.0


def _value(number: int, place: int, turn: int) -> float:
    """Return something between 0 and some thousands, now and then with decimals."""
    mixed = (number * 2654435761 + place * 40503 + turn * 97) % 5003
    return mixed / 8 if place % 5 == 0 else float(mixed)
