"""Figures by day: today, and complete days with one request for all windows and baselines."""

from functools import partial

import pytest

from exporter import catalog
from exporter.api.errors import Refused
from exporter.api.payloads import PayloadError
from exporter.collectors import agents, audience, costs, engagement
from tests.collectors.conftest import FORBIDDEN, NOT_FOUND, back, days_of, series


def counts(key, value):
    def answer(call):
        return [{"date": f"{day}T00:00:00Z", key: value(day)} for day in days_of(call)]

    return answer


def money(value):
    def answer(call):
        days = {day: value(day) for day in days_of(call)}
        overtime = [{"date": f"{day}", "value": f"{cost:.5f}"} for day, cost in days.items()]
        return {"value": f"{sum(days.values()):.5f}", "overtime": overtime, "comparison_info": {}}

    return answer


COMPLETE = {
    "time_spent_seconds": (engagement.time, catalog.TIME_SPENT, series),
    "completions": (engagement.completions, catalog.COMPLETIONS, series),
    "registrations": (audience.registrations, catalog.REGISTRATIONS, series),
    "conversations": (
        agents.conversations,
        catalog.CONVERSATIONS,
        partial(counts, "conversation_count"),
    ),
    "ratings": (agents.ratings, catalog.RATINGS, partial(counts, "total_ratings")),
    "feedback_entries": (agents.feedback, catalog.FEEDBACK, partial(counts, "feedback_count")),
    "cost_usd": (costs.costs, catalog.COST, money),
}
TODAY = {
    "time_spent_seconds": (engagement.time_today, catalog.TIME_SPENT, series),
    "completions": (engagement.completions_today, catalog.COMPLETIONS, series),
    "conversations": (
        agents.conversations_today,
        catalog.CONVERSATIONS,
        partial(counts, "conversation_count"),
    ),
    "cost_usd": (costs.costs_today, catalog.COST, money),
}


@pytest.mark.parametrize("name", COMPLETE)
async def test_one_request_brings_all_windows_and_baselines(trip, api, name):
    collector, figure, answer = COMPLETE[name]
    api.answers[figure.endpoint] = answer(back)
    wanted = {f"{name}_1d": 1, f"{name}_7d": 28, f"{name}_28d": 406}
    if figure.baselines:
        wanted |= {f"{name}_1d_baseline": 18.5, f"{name}_7d_baseline": 7 * 21.5}
    assert await trip.figures(collector) == wanted
    first = "2026-04-01" if figure.baselines else "2026-04-08"
    assert api.asked("start_date", "end_date") == [(first, "2026-05-05")]


@pytest.mark.parametrize("name", COMPLETE)
async def test_the_days_are_kept_for_charts(trip, api, name):
    collector, figure, answer = COMPLETE[name]
    api.answers[figure.endpoint] = answer(back)
    days = (await trip.findings(collector)).daily[name]
    assert list(days.values()) == list(range(len(days), 0, -1))


@pytest.mark.parametrize("name", TODAY)
async def test_today_is_asked_for_alone(trip, api, name):
    collector, figure, answer = TODAY[name]
    api.answers[figure.endpoint] = answer(lambda day: 3 + back(day))
    assert await trip.figures(collector) == {f"{name}_today": 3}
    assert api.asked("start_date", "end_date") == [("2026-05-06", "2026-05-06")]


@pytest.mark.parametrize("name", [name for name in COMPLETE if name != "cost_usd"])
@pytest.mark.parametrize("error", [FORBIDDEN, NOT_FOUND])
async def test_what_is_refused_is_told_as_such(trip, api, name, error):
    collector, figure, _ = COMPLETE[name]
    api.answers[figure.endpoint] = error
    with pytest.raises(Refused):
        await trip.figures(collector)


async def test_users_of_one_day_are_unique_and_are_not_added_up_to_weeks(trip, api):
    api.answers[catalog.AGENT_USERS.endpoint] = counts("user_count", back)
    assert await trip.figures(agents.agent_users) == {
        "agent_users_1d": 1,
        "agent_users_1d_baseline": 18.5,
    }


async def test_registered_users_are_counted_with_a_single_row(trip, api):
    endpoint = catalog.endpoints.REGISTERED_USERS
    row = {"username": "jane.doe", "full_name": "Jane Doe", "time_spent": "12"}
    api.answers[endpoint] = {"data": [row], "pagination": {"totalItems": 1250}}
    found = await trip.findings(audience.registered_users)
    assert [dict(rows) for _, rows in found.samples] == [{(): 1250}]
    assert "jane" not in repr(list(found.samples)).lower()
    assert api.asked("length", "page", "include_main_platform") == [("1", None, "false")]


@pytest.mark.parametrize("answer", [{"data": []}, {"pagination": {}}, []])
async def test_a_list_that_does_not_say_how_long_it_is_is_no_answer(trip, api, answer):
    api.answers[catalog.endpoints.REGISTERED_USERS] = answer
    with pytest.raises(PayloadError):
        await trip.figures(audience.registered_users)


async def test_mean_times_are_asked_for_window_by_window(trip, api):
    endpoint = catalog.endpoints.TIME_PER_LEARNER
    api.answers[endpoint] = lambda call: {"data": {}, "average": 100.0 + len(days_of(call))}
    assert await trip.figures(engagement.time_per_learner) == {
        "avg_time_per_learner_seconds_1d": 101,
        "avg_time_per_learner_seconds_7d": 107,
        "avg_time_per_learner_seconds_28d": 128,
    }


async def test_a_mean_of_nobody_is_absent(trip, api):
    api.answers[catalog.endpoints.TIME_PER_LEARNER] = {"data": {}, "average": None}
    assert await trip.figures(engagement.time_per_learner) == {}
