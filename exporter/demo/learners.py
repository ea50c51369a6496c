"""Lists of learners: made-up people, by name, as the API gives them away."""

from collections.abc import Mapping

from exporter.demo import shapes
from exporter.demo.asking import WEEK, Answer, Ask, Json
from exporter.demo.university import LEARNER_NAME_PREFIX, LEARNER_USERNAME_PREFIX

_SECONDS_A_DAY = 1500


def active_learners(ask: Ask) -> Json:
    """Answer seed 5: the learners active within the last 7 days, one row each."""
    view = ask.view
    days = view.last(WEEK)
    by_day = [view.reach((day,)) for day in days]

    def row(place: int) -> Json:
        return {
            "username": username(ask, place),
            "name": full_name(ask, place),
            **_indexes(ask, by_day, place),
        }

    return ask.page(places(view.reach(days)), row)


def registered_learners(ask: Ask) -> Json:
    """Answer everybody who ever registered; `search` looks into both names."""
    view = ask.view
    days = view.last(WEEK)
    by_day = [view.reach((day,)) for day in days]

    def row(place: int) -> Json:
        seen = [day for day, mask in zip(days, by_day, strict=True) if mask >> place & 1]
        takes = sum(c.offset <= place < c.offset + c.size for c in view.courses)
        return {
            "username": username(ask, place),
            "full_name": full_name(ask, place),
            "enrollments": takes,
            "completions": takes // 3,
            "last_active": shapes.iso(seen[-1]) if seen else "",
            "time_spent": str(_SECONDS_A_DAY * len(seen)),
            **_indexes(ask, by_day, place),
        }

    everybody = range(view.registered(view.today))
    wanted = (ask.query.text("search") or "").casefold()
    if not wanted:
        return ask.page(everybody, row)
    found = [
        place
        for place in everybody
        if wanted in f"{username(ask, place)}\n{full_name(ask, place)}".casefold()
    ]
    return ask.page(found, row)


def username(ask: Ask, place: int) -> str:
    """Return the user name of the person at one of the org's places."""
    return f"{LEARNER_USERNAME_PREFIX}{ask.org.key}-{place:05}"


def full_name(ask: Ask, place: int) -> str:
    """Return the name of the person at one of the org's places."""
    return f"{LEARNER_NAME_PREFIX}{ask.org.key.title()} {place:05}"


def places(mask: int) -> list[int]:
    """Return the places of the bits that are set in `mask`."""
    return [place for place, bit in enumerate(reversed(f"{mask:b}")) if bit == "1"]


def _indexes(ask: Ask, by_day: list[int], place: int) -> dict[str, float]:
    """Return how often somebody comes, and a grade that has something to do with it."""
    coming = sum(mask >> place & 1 for mask in by_day) / len(by_day)
    talent = ask.view.campus.noise.unit(ask.org.key, "learner", place)
    return {
        "engagement_index": round(coming, 3),
        "performance_index": round(0.4 * coming + 0.6 * talent, 3),
    }


ANSWERS: Mapping[str, Answer] = {
    "/api/ai-analytics/audience/orgs/{org}/active-users/users": active_learners,
    "/api/ai-analytics/audience/orgs/{org}/registered-users/": registered_learners,
    "/api/ai-analytics/overview/orgs/{org}/learners": registered_learners,
}
