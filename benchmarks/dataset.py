"""Values shaped like those of real orgs, the same for all servers that are compared."""

from collections.abc import Iterator

from pydantic import SecretStr

from exporter import catalog
from exporter.catalog import Area, Metric
from exporter.clock import Clock
from exporter.samples import Samples
from exporter.settings import Org
from exporter.snapshots import Item, Snapshots

_OF_ORG = tuple(m for m in catalog.METRICS if m.area is not Area.EXPORTER and m.labels == ("org",))
_OF_COURSE = tuple(m for m in catalog.METRICS if m.labels == ("org", "course_id"))
_COLLECTORS = {"org": _OF_ORG, "courses": _OF_COURSE}

SERIES_OF_ORG = len(_OF_ORG)
SERIES_OF_COURSE = len(_OF_COURSE) + 1  # and its name


def courses_for(series: int, *, orgs: int) -> int:
    """Return how many courses each of `orgs` must have to make about so many series."""
    return max(round((series / orgs - SERIES_OF_ORG) / SERIES_OF_COURSE), 0)


def org_name(number: int) -> str:
    """Return the key of the org with this number."""
    return f"org-{number:04}"


def org(number: int) -> Org:
    """Return the settings of the org with this number. Its values are served as they are."""
    return Org(
        key=org_name(number), user_id="ops", api_key=SecretStr("k" * 64), percentages="ratio"
    )


def course_ids(number: int, courses: int) -> list[str]:
    """Return the ids of an org's courses, as Open edX writes them."""
    return [f"course-v1:Org{number}+C{course}+2025" for course in range(courses)]


def samples_of(
    number: int, metrics: tuple[Metric, ...], courses: int, *, version: int = 0
) -> Samples:
    """Return the values of `metrics` for one org; another `version` has other values."""
    samples = Samples()
    for place, metric in enumerate(metrics):
        if len(metric.labels) == 1:
            samples.add(metric, _value(number, place, version))
            continue
        for course, course_id in enumerate(course_ids(number, courses)):
            samples.add(metric, _value(number + course, place, version), course_id)
    return samples


def put(snapshots: Snapshots, clock: Clock, number: int, courses: int, *, version: int = 0) -> None:
    """Put the values of one org in the snapshots as collectors do."""
    for collector, metrics in _COLLECTORS.items():
        names = course_ids(number, courses) if collector == "courses" else ()
        item = Item(
            samples=samples_of(number, metrics, courses, version=version).compact(),
            day=clock.now().date(),
            collected=clock.monotonic(),
            interval=1e6,
            courses={course_id: f"About {course_id}" for course_id in names},
        )
        snapshots.update(org_name(number), collector, {"all": item})


def rows(orgs: int, courses: int) -> Iterator[tuple[Metric, tuple[str, ...], float]]:
    """Yield the same values one by one: metric, label values in its own order, value."""
    for number in range(orgs):
        key = org_name(number)
        for metrics in _COLLECTORS.values():
            for family in samples_of(number, metrics, courses).compact():
                for labels, value in family.items():
                    yield family.metric, (key, *labels), value
        for course_id in course_ids(number, courses):
            yield catalog.COURSE_INFO, (key, course_id, f"About {course_id}"), 1.0


def _value(number: int, place: int, version: int) -> float:
    """Return something between 0 and some thousands, now and then with decimals."""
    mixed = (number * 2654435761 + place * 40503 + version * 97) % 5003
    return mixed / 8 if place % 5 == 0 else float(mixed)
