"""Lists of learners: made-up people, by name, as the API gives them away."""

from collections.abc import Mapping

from exporter.demo.asking import WEEK, Answer, Ask, Json
from exporter.demo.university import LEARNER_NAME_PREFIX, LEARNER_USERNAME_PREFIX


def active_learners(ask: Ask) -> Json:
    """Answer seed 5: the learners active within the last 7 days, one row each."""
    view = ask.view
    days = range(view.today - WEEK + 1, view.today + 1)
    by_day = [view.reach((day,)) for day in days]

    def row(place: int) -> Json:
        seen = sum(mask >> place & 1 for mask in by_day)
        chance = view.campus.noise.unit(view.campus.key, "learner", place)
        return {
            **person(ask, place),
            "engagement_index": round(seen / len(days), 3),
            "performance_index": round(0.4 * seen / len(days) + 0.6 * chance, 3),
        }

    return ask.page(places(view.reach(days)), row)


def person(ask: Ask, place: int) -> dict[str, str]:
    """Return the made-up person at one of the org's places."""
    return {
        "username": f"{LEARNER_USERNAME_PREFIX}{ask.org.key}-{place:05}",
        "name": f"{LEARNER_NAME_PREFIX}{ask.org.key.title()} {place:05}",
    }


def places(mask: int) -> list[int]:
    """Return the places of the bits that are set in `mask`."""
    return [place for place, bit in enumerate(reversed(f"{mask:b}")) if bit == "1"]


ANSWERS: Mapping[str, Answer] = {
    "/api/ai-analytics/audience/orgs/{org}/active-users/users": active_learners,
}
