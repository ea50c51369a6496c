"""What the talk costs: US dollars by org, mentor and model.

Money is counted in hundred-thousandths of a dollar, so that the parts add up to the whole.
"""

from collections.abc import Iterable, Mapping

from exporter.demo import rhythm
from exporter.demo.asking import Answer, Ask, Json
from exporter.demo.campus import Mentor
from exporter.demo.chats import ROOT

UNITS = 100_000
MODELS = {
    ("openai", "gpt-4o"): 0.46,
    ("openai", "gpt-4o-mini"): 0.12,
    ("anthropic", "claude-sonnet"): 0.31,
    ("google", "gemini-pro"): 0.11,
}
"""Share of each model in what is spent, by provider and name."""


def tenant_cost(ask: Ask) -> Json:
    """Answer the cost of the org."""
    return {"total_cost": _dollars(sum(spent(ask, ask.days(required=True))))}


def mentor_cost(ask: Ask) -> Json:
    """Answer the cost of one mentor."""
    days, mentor = ask.days(required=True), (ask.mentor,)
    return {"total_cost": _dollars(sum(spent(ask, days, mentor)))}


def cost_by_model(ask: Ask) -> Json:
    """Answer the cost of each model, as a list."""
    total = sum(spent(ask, ask.days(required=True)))
    return [
        {"model": model, "total_cost": _dollars(units)}
        for (_, model), units in by_model(total).items()
    ]


def cost_by_mentor(ask: Ask) -> Json:
    """Answer the cost of each mentor, and of its sessions on the last day of the range."""
    days = ask.days(required=True)
    return {
        "tenant": ask.org.key,
        "tenant_total_cost": _dollars(sum(spent(ask, days))),
        "mentor_data": [
            {
                "mentor_unique_id": mentor.mentor_id,
                "mentor_name": mentor.name,
                "total_cost": _dollars(sum(spent(ask, days, (mentor,)))),
                "mentor_sessions": _sessions(ask, mentor, days[-1:]),
            }
            for mentor in ask.view.mentors
        ],
    }


def spent(ask: Ask, days: range, mentors: Iterable[Mentor] | None = None) -> list[int]:
    """Return the units spent on each of `days`."""
    chosen = ask.view.mentors if mentors is None else mentors
    by_mentor = [
        [mentor.cost * said for said in ask.view.messages(days, (mentor,))] for mentor in chosen
    ]
    return [sum(values) for values in zip([0] * len(days), *by_mentor, strict=True)]


def by_model(units: int) -> dict[tuple[str, str], int]:
    """Return how `units` divide among the models."""
    return dict(zip(MODELS, rhythm.split(units, list(MODELS.values())), strict=True))


def _sessions(ask: Ask, mentor: Mentor, days: range) -> Json:
    sessions = sum(ask.view.sessions(days, (mentor,)))
    parts = rhythm.split(sum(spent(ask, days, (mentor,))), [1.0] * sessions)
    return [
        {"session_id": f"{mentor.salt:016x}-{place:06}", "cost": _dollars(units)}
        for place, units in enumerate(parts)
    ]


def _dollars(units: int) -> float:
    return units / UNITS


ANSWERS: Mapping[str, Answer] = {
    f"{ROOT}/tenant-cost/": tenant_cost,
    f"{ROOT}/mentors/{{mentor_unique_id}}/cost/": mentor_cost,
    f"{ROOT}/costs/model/": cost_by_model,
    f"{ROOT}/costs/permentor/": cost_by_mentor,
}
