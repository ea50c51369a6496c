"""Parts of a whole: topics, sentiments, models, providers, agents."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import catalog
from exporter.api import endpoints
from exporter.api.errors import Refused, Unavailable
from exporter.api.pages import MAX_PAGES
from exporter.api.payloads import PayloadError
from exporter.catalog import OTHER, TOP
from exporter.collectors import agents, costs, tables
from exporter.samples import Samples
from exporter.windows import Span
from tests.collectors.conftest import BROKEN, FORBIDDEN, NOT_FOUND, TODAY, days_of

METRIC = catalog.TOPIC_CONVERSATIONS.at("7d")
NEWER = endpoints.COST_DETAILS


def top(parts):
    samples = Samples()
    tables.put_top(samples, METRIC, parts)
    return {labels[0]: value for _, rows in samples for labels, value in rows.items()}


# The largest and all others.


def test_few_parts_are_all_there_and_nothing_is_left_for_others():
    assert top({"a": 3, "b": 0}) == {"a": 3, "b": 0}


def test_the_largest_have_a_name_and_the_rest_is_one():
    parts = {f"t{n:02}": n for n in range(TOP + 3)}
    found = top(parts)
    assert set(found) == {f"t{n:02}" for n in range(3, TOP + 3)} | {OTHER}
    assert found[OTHER] == 0 + 1 + 2


def test_among_equals_the_first_by_name_are_taken_whatever_their_order():
    parts = dict.fromkeys((f"t{n:02}" for n in range(TOP + 1)), 5)
    assert top(parts) == top(dict(reversed(parts.items())))
    assert f"t{TOP:02}" not in top(parts)


def test_what_is_called_other_or_nothing_counts_as_other():
    assert top({"a": 3, OTHER: 4, "": 5}) == {"a": 3, OTHER: 9}


def test_a_part_that_is_unknown_makes_the_others_unknown():
    assert top({"a": 3, "b": None}) == {"a": 3}
    assert top({"a": 3, "": 2, "b": None}) == {"a": 3}


@given(
    parts=st.dictionaries(
        st.sampled_from([f"t{n}" for n in range(30)] + ["", OTHER]), st.floats(0, 1e9), max_size=30
    )
)
def test_the_parts_make_up_the_whole_and_there_are_never_more_than_may_be(parts):
    found = top(parts)
    assert len(found) <= TOP + 1
    assert "" not in found
    assert math.isclose(sum(found.values()), sum(parts.values()), abs_tol=1e-6)


# Topics and sentiments.


async def test_topics_of_each_week_window(trip, api):
    api.answers[endpoints.TOPICS] = lambda call: [
        {"topic_name": 'The "Ship"', "conversation_count": len(days_of(call))}
    ]
    assert await trip.figures(agents.topics) == {
        'topic_conversations_7d The "Ship"': 7,
        'topic_conversations_28d The "Ship"': 28,
    }


async def test_a_topic_that_holds_an_address_is_not_named(trip, api):
    api.answers[endpoints.TOPICS] = [{"name": "for jane@example.org", "conversation_count": 2}]
    assert set(await trip.figures(agents.topics)) == {
        "topic_conversations_7d other",
        "topic_conversations_28d other",
    }


SENTIMENT = {
    "sentiment_distribution": {"positive": 65.25, "negative": 12.5, "neutral": 22.25},
    "total_sentiments": 400,
}


async def test_shares_of_sentiments_are_ratios(trip, api):
    api.answers[endpoints.SENTIMENTS] = SENTIMENT
    found = await trip.figures(agents.sentiments)
    assert found["sentiment_ratio_7d positive"] == 0.6525
    assert found["sentiment_ratio_28d neutral"] == 0.2225
    assert len(found) == 6


async def test_other_words_for_sentiments_make_no_series(trip, api):
    shares = SENTIMENT["sentiment_distribution"] | {"jane": 1.0}
    api.answers[endpoints.SENTIMENTS] = SENTIMENT | {"sentiment_distribution": shares}
    assert len(await trip.figures(agents.sentiments)) == 6


async def test_where_nobody_was_heard_there_are_no_shares(trip, api):
    shares = {"positive": 0.0, "negative": 0.0, "neutral": 0.0}
    api.answers[endpoints.SENTIMENTS] = {"sentiment_distribution": shares, "total_sentiments": 0}
    assert await trip.figures(agents.sentiments) == {}


# Other figures of agents.


async def test_messages_and_agents_as_the_summaries_give_them(trip, api):
    api.answers[endpoints.CONVERSATION_SUMMARY] = {
        "total_conversations": 450,
        "total_human_messages": 2200,
        "total_ai_messages": 2400,
    }
    api.answers[endpoints.AGENTS] = {
        "total_mentors": 25,
        "active_mentors": 18,
        "total_questions_answered": 0,
        "total_ratings": 0,
    }
    assert await trip.figures(agents.agent_messages) == {
        "human_messages": 2200,
        "ai_messages": 2400,
    }
    assert await trip.figures(agents.agents) == {"agents": 25, "active_agents": 18}


async def test_new_and_returning_users_of_each_week_window(trip, api):
    api.answers[endpoints.NEW_AND_RETURNING] = {
        "new_users": {"count": 85, "percentage": 28.33},
        "returning_users": {"count": 215, "percentage": 71.67},
    }
    assert await trip.figures(agents.agent_returns) == {
        "new_agent_users_7d": 85,
        "new_agent_users_28d": 85,
        "returning_agent_users_7d": 215,
        "returning_agent_users_28d": 215,
    }


@pytest.mark.parametrize(
    ("collector", "endpoint"),
    [
        (agents.agent_messages, endpoints.CONVERSATION_SUMMARY),
        (agents.agents, endpoints.AGENTS),
        (agents.agent_returns, endpoints.NEW_AND_RETURNING),
        (agents.sentiments, endpoints.SENTIMENTS),
        (agents.topics, endpoints.TOPICS),
    ],
)
async def test_something_else_is_no_answer(trip, api, collector, endpoint):
    api.answers[endpoint] = {"detail": "hello"}
    with pytest.raises(PayloadError):
        await trip.figures(collector)


# Costs.


def rows(group, **spent):
    return [{group: name, "total_cost": cost} for name, cost in spent.items()]


def by_group(call):
    group = call.query["group_by"]
    return {"page": 1, "total_pages": 1, "total_records": 2, "rows": rows(group, a="2.5", b="1.5")}


@pytest.mark.parametrize(
    ("collector", "name", "group"),
    [
        (costs.model_costs, "model", "llm_model"),
        (costs.provider_costs, "provider", "provider"),
        (costs.agent_costs, "agent", "mentor"),
    ],
)
async def test_costs_by_model_provider_and_agent(trip, api, collector, name, group):
    api.answers[NEWER] = by_group
    assert await trip.figures(collector) == {
        f"{name}_cost_usd_7d a": 2.5,
        f"{name}_cost_usd_7d b": 1.5,
        f"{name}_cost_usd_28d a": 2.5,
        f"{name}_cost_usd_28d b": 1.5,
    }
    asked = api.asked("group_by", "platform_key", "date_filter", "start_date", "limit", "length")
    assert asked == [
        (group, "acme", "custom", "2026-04-29", "100", None),
        (group, "acme", "custom", "2026-04-08", "100", None),
    ]
    assert not any("include_main_platform" in call.query for call in api.calls)


async def test_the_costliest_are_found_on_whatever_page_they_are(trip, api):
    def answer(call):
        number = int(call.query.get("page", 1))
        named = {f"agent {5 * number + n}": 5 * number + n for n in range(5)}
        says = {"page": number, "limit": 5, "total_pages": 4, "total_records": 20}
        return {**says, "rows": rows(call.query["group_by"], **named)}

    trip.page_size = 5
    api.answers[NEWER] = answer
    found = await trip.figures(costs.agent_costs)
    assert found["agent_cost_usd_7d agent 24"] == 24
    assert found["agent_cost_usd_7d other"] == sum(range(5, 15))
    assert len(found) == 2 * (TOP + 1)


async def test_a_null_cost_is_absent_and_not_0(trip, api):
    api.answers[NEWER] = {"rows": rows("provider", a=None, b="1.5"), "total_cost": None}
    assert set((await trip.figures(costs.provider_costs)).values()) == {1.5}
    api.answers[endpoints.COSTS] = {"value": None, "overtime": None}
    assert await trip.figures(costs.costs) == {}
    assert await trip.figures(costs.costs_today) == {}


# Costs of deployments that have the older endpoints alone.


@pytest.fixture
def older(api):
    api.answers[endpoints.COSTS] = api.answers[NEWER] = NOT_FOUND
    return api


async def test_older_deployments_are_asked_for_each_window_and_past_weeks_once_a_day(trip, older):
    older.answers[endpoints.OLDER_COSTS] = lambda call: {"total_cost": len(days_of(call)) * 2.0}
    found = await trip.figures(costs.costs)
    assert found == {
        "cost_usd_1d": 2,
        "cost_usd_7d": 14,
        "cost_usd_28d": 56,
        "cost_usd_1d_baseline": 2,
        "cost_usd_7d_baseline": 14,
    }
    assert len(older.calls) == 1 + 3 + 8
    assert await trip.figures(costs.costs) == found
    assert len(older.calls) == 12 + 1 + 3
    assert await trip.figures(costs.costs_today) == {"cost_usd_today": 2}


async def test_weeks_with_quiet_days_are_left_out_there_too(trip, older):
    trip.wants(quiet_days=(Span(TODAY.replace(day=1, month=4), TODAY),))
    older.answers[endpoints.OLDER_COSTS] = {"total_cost": "3"}
    assert set(await trip.figures(costs.costs)) == {"cost_usd_1d", "cost_usd_7d", "cost_usd_28d"}


async def test_a_cost_that_nobody_could_look_up_is_asked_for_again(trip, older):
    older.answers[endpoints.OLDER_COSTS] = {"total_cost": None}
    assert await trip.figures(costs.costs) == {}
    await trip.figures(costs.costs)
    assert len(older.calls) == 2 * 12


@pytest.mark.parametrize(
    "answer", [{"model": "gpt-4o", "total_cost": 4.25}, [{"model": "gpt-4o", "total_cost": 4.25}]]
)
async def test_costs_of_models_come_as_an_object_or_a_list(trip, older, answer):
    older.answers[endpoints.OLDER_MODEL_COSTS] = answer
    assert await trip.figures(costs.model_costs) == {
        "model_cost_usd_7d gpt-4o": 4.25,
        "model_cost_usd_28d gpt-4o": 4.25,
    }


async def test_all_agents_at_once(trip, older):
    agents_of = [{"mentor_unique_id": "6f1c", "mentor_name": "Coach", "total_cost": 4.2}]
    older.answers[endpoints.OLDER_AGENT_COSTS] = {"tenant": "acme", "mentor_data": agents_of}
    assert (await trip.figures(costs.agent_costs))["agent_cost_usd_7d Coach"] == 4.2
    assert len([c for c in older.calls if c.endpoint is endpoints.OLDER_AGENT_COSTS]) == 2


async def test_a_few_agents_at_a_time_whatever_limit_the_deployment_has(trip, older):
    def answer(call):
        first = int(call.query["offset"])
        named = {f"agent {n}": 1.0 for n in range(first, min(first + 5, 12))}
        return {"count": 12, "next": None, "results": rows("mentor_name", **named)}

    older.answers[endpoints.OLDER_AGENT_COSTS] = answer
    found = await trip.figures(costs.agent_costs)
    assert found["agent_cost_usd_7d other"] == 2
    offsets = [c.query["offset"] for c in older.calls if c.endpoint is endpoints.OLDER_AGENT_COSTS]
    assert offsets == ["0", "5", "10"] * 2


async def test_a_deployment_that_repeats_itself_is_not_asked_forever(trip, older):
    answer = {"count": 10**6, "results": rows("mentor_name", a=1.0)}
    older.answers[endpoints.OLDER_AGENT_COSTS] = answer
    assert (await trip.figures(costs.agent_costs))["agent_cost_usd_7d a"] == 1


async def test_a_list_of_agents_without_end_is_cut_and_counted(trip, older):
    def answer(call):
        named = {f"agent {call.query['offset']}": 1.0}
        return {"count": 10**6, "results": rows("mentor_name", **named)}

    older.answers[endpoints.OLDER_AGENT_COSTS] = answer
    found = await trip.figures(costs.agent_costs)
    assert found["agent_cost_usd_7d other"] == MAX_PAGES - TOP
    assert trip.flaws == {("costs_permentor", "pages"): 2}


@pytest.mark.parametrize(
    ("collector", "endpoint"),
    [
        (costs.costs, endpoints.OLDER_COSTS),
        (costs.costs_today, endpoints.OLDER_COSTS),
        (costs.model_costs, endpoints.OLDER_MODEL_COSTS),
        (costs.agent_costs, endpoints.OLDER_AGENT_COSTS),
    ],
)
async def test_where_both_are_refused_the_newer_one_is_told_of(trip, older, collector, endpoint):
    older.answers[endpoint] = FORBIDDEN
    with pytest.raises(Refused) as caught:
        await trip.figures(collector)
    assert caught.value is NOT_FOUND


async def test_other_trouble_with_the_newer_ones_is_no_reason_to_ask_the_older(trip, api):
    api.answers[endpoints.COSTS] = BROKEN
    with pytest.raises(Unavailable):
        await trip.figures(costs.costs)
    assert {call.endpoint for call in api.calls} == {endpoints.COSTS}


async def test_providers_are_known_to_the_newer_family_alone(trip, older):
    with pytest.raises(Refused):
        await trip.figures(costs.provider_costs)
