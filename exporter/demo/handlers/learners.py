"""Lists of learners: made-up people, by name, as the API returns them."""

from exporter.demo.handlers.series import iso, rows_of_page
from exporter.demo.request import WEEK, ApiRequest, Json
from exporter.demo.university import LEARNER_NAME_PREFIX, LEARNER_USERNAME_PREFIX

_SECONDS_A_DAY = 1500


def active_learners(request: ApiRequest) -> Json:
    """Return seed 5: the learners active within the last 7 days, one row each."""
    view = request.view
    days = view.last(WEEK)
    by_day = [view.learners((day,)) for day in days]
    there = reversed(f"{view.learners(days):b}")
    places = [place for place, bit in enumerate(there) if bit == "1"]

    def row(place: int) -> Json:
        return {
            "username": username(request, place),
            "name": full_name(request, place),
            **_indexes(request, by_day, place),
        }

    return rows_of_page(request, places, row)


def registered_learners(request: ApiRequest) -> Json:
    """Return everybody who ever registered."""
    view = request.view
    days = view.last(WEEK)
    by_day = [view.learners((day,)) for day in days]

    def row(place: int) -> Json:
        seen = [day for day, mask in zip(days, by_day, strict=True) if mask >> place & 1]
        courses = sum(c.offset <= place < c.offset + c.size for c in view.courses)
        return {
            "username": username(request, place),
            "full_name": full_name(request, place),
            "enrollments": courses,
            "completions": courses // 3,
            "last_active": iso(seen[-1]) if seen else "",
            "time_spent": str(_SECONDS_A_DAY * len(seen)),
            **_indexes(request, by_day, place),
        }

    return rows_of_page(request, range(view.registered(view.today)), row)


def username(request: ApiRequest, place: int) -> str:
    """Return the user name of the learner at one of the org's places."""
    return f"{LEARNER_USERNAME_PREFIX}{request.org.key}-{place:05}"


def full_name(request: ApiRequest, place: int) -> str:
    """Return the name of the learner at one of the org's places."""
    return f"{LEARNER_NAME_PREFIX}{request.org.key.title()} {place:05}"


def _indexes(request: ApiRequest, by_day: list[int], place: int) -> dict[str, float]:
    """Return how often a learner comes, and a grade that has something to do with it."""
    coming = sum(mask >> place & 1 for mask in by_day) / len(by_day)
    talent = request.view.data.chance.unit(request.org.key, "learner", place)
    return {
        "engagement_index": round(coming, 3),
        "performance_index": round(0.4 * coming + 0.6 * talent, 3),
    }
