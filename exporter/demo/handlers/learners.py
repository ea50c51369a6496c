"""Lists of learners: made-up people, by name, as the API returns them."""

from collections.abc import Sequence

from exporter.demo.handlers.series import iso, rows_of_page
from exporter.demo.request import WEEK, ApiRequest, Json
from exporter.demo.university import LEARNER_NAME_PREFIX, LEARNER_USERNAME_PREFIX

_SECONDS_A_DAY = 1500


def active_learners(request: ApiRequest) -> Json:
    """Return seed 5: the learners active within the last 7 days, one row each."""
    there = reversed(f"{request.view.learners(request.view.last(WEEK)):b}")
    return _learners(request, [place for place, bit in enumerate(there) if bit == "1"])


def registered_learners(request: ApiRequest) -> Json:
    """Return everybody who ever registered."""
    return _learners(request, range(request.view.registered(request.view.today)))


def username(request: ApiRequest, place: int) -> str:
    """Return the user name of the learner at one of the org's places."""
    return f"{LEARNER_USERNAME_PREFIX}{request.org.key}-{place:05}"


def full_name(request: ApiRequest, place: int) -> str:
    """Return the name of the learner at one of the org's places."""
    return f"{LEARNER_NAME_PREFIX}{request.org.key.title()} {place:05}"


def _learners(request: ApiRequest, places: Sequence[int]) -> Json:
    """Return a page of learners: how often each came, and a grade that depends on it a little."""
    view = request.view
    by_day = [(day, view.learners((day,))) for day in view.last(WEEK)]

    def row(place: int) -> Json:
        days = [day for day, there in by_day if there >> place & 1]
        coming = len(days) / WEEK
        talent = view.data.chance.unit(request.org.key, "learner", place)
        return {
            "username": username(request, place),
            "name": full_name(request, place),
            "full_name": full_name(request, place),
            "enrollments": sum(c.offset <= place < c.offset + c.size for c in view.courses),
            "completions": 0,
            "last_active": iso(days[-1]) if days else "",
            "time_spent": str(_SECONDS_A_DAY * len(days)),
            "engagement_index": round(coming, 3),
            "performance_index": round(0.4 * coming + 0.6 * talent, 3),
        }

    return rows_of_page(request, places, row)
