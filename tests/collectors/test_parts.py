"""Parts of a whole: topics, sentiments, and single values of agents."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import catalog
from exporter.api import endpoints
from exporter.api.payloads import PayloadError
from exporter.catalog import OTHER, TOP
from exporter.collectors import agents, tables
from exporter.samples import Samples
from tests.collectors.conftest import days_of
from tests.collectors.responses import SENTIMENT, plausible

METRIC = catalog.TOPIC_CONVERSATIONS.at("7d")


def top(parts, **options):
    samples = Samples()
    tables.add_top(samples, METRIC, parts, **options)
    return {labels[0]: v for family in samples.compact() for labels, v in family.items()}


# The largest and all others.


def test_up_to_ten_parts_are_named_and_there_is_no_other():
    assert top({"a": 3, "b": 0}) == {"a": 3, "b": 0}


def test_the_largest_are_named_and_the_rest_is_added_up():
    parts = {f"t{n:02}": n for n in range(TOP + 3)}
    found = top(parts)
    assert set(found) == {f"t{n:02}" for n in range(3, TOP + 3)} | {OTHER}
    assert found[OTHER] == 0 + 1 + 2


def test_of_equal_parts_the_first_by_name_are_named_in_any_order():
    parts = dict.fromkeys((f"t{n:02}" for n in range(TOP + 1)), 5)
    assert top(parts) == top(dict(reversed(parts.items())))
    assert f"t{TOP:02}" not in top(parts)


def test_a_part_named_other_or_without_a_name_is_added_to_the_others():
    assert top({"a": 3, OTHER: 4, "": 5}) == {"a": 3, OTHER: 9}


def test_an_unknown_part_makes_the_others_unknown():
    assert top({"a": 3, "b": None}) == {"a": 3}
    assert top({"a": 3, "": 2, "b": None}) == {"a": 3}


@given(
    parts=st.dictionaries(
        st.sampled_from([f"t{n}" for n in range(30)] + ["", OTHER]), st.floats(0, 1e9), max_size=30
    )
)
def test_parts_add_up_to_the_whole_and_their_number_is_limited(parts):
    found = top(parts)
    assert len(found) <= TOP + 1
    assert "" not in found
    assert math.isclose(sum(found.values()), sum(parts.values()), abs_tol=1e-6)


# Topics and sentiments.


async def test_topics_of_each_week_window(bench, api):
    api.answers[endpoints.TOPICS] = lambda call: [
        {"topic_name": 'The "Ship"', "conversation_count": len(days_of(call))}
    ]
    assert await bench.values(agents.topics) == {
        'topic_conversations_7d The "Ship"': 7,
        'topic_conversations_28d The "Ship"': 28,
    }


async def test_a_topic_with_an_email_address_is_not_named(bench, api):
    api.answers[endpoints.TOPICS] = [{"name": "for jane@example.org", "conversation_count": 2}]
    assert set(await bench.values(agents.topics)) == {
        "topic_conversations_7d other",
        "topic_conversations_28d other",
    }


async def test_shares_of_sentiments_keep_the_scale_of_the_api(bench, api):
    api.answers[endpoints.SENTIMENTS] = SENTIMENT
    found = await bench.values(agents.sentiments)
    assert found["sentiment_7d_ratio positive"] == 65.25
    assert found["sentiment_28d_ratio neutral"] == 22.25
    assert len(found) == 6


async def test_other_sentiments_make_no_series(bench, api):
    shares = SENTIMENT["sentiment_distribution"] | {"jane": 1.0}
    api.answers[endpoints.SENTIMENTS] = SENTIMENT | {"sentiment_distribution": shares}
    assert len(await bench.values(agents.sentiments)) == 6


async def test_without_sentiments_there_are_no_shares(bench, api):
    shares = {"positive": 0.0, "negative": 0.0, "neutral": 0.0}
    api.answers[endpoints.SENTIMENTS] = {"sentiment_distribution": shares, "total_sentiments": 0}
    assert await bench.values(agents.sentiments) == {}


# Single values of agents.


async def test_messages_and_agents_are_taken_from_the_summaries(bench, api):
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
    assert await bench.values(agents.agent_messages) == {
        "human_messages": 2200,
        "ai_messages": 2400,
    }
    assert await bench.values(agents.agents) == {"agents": 25, "active_agents": 18}


async def test_new_and_returning_users_of_each_week_window(bench, api):
    api.answers[endpoints.NEW_AND_RETURNING] = {
        "new_users": {"count": 85, "percentage": 28.33},
        "returning_users": {"count": 215, "percentage": 71.67},
    }
    assert await bench.values(agents.agent_returns) == {
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
        (agents.message_summary, endpoints.V2_MESSAGES),
        (agents.per_conversation, endpoints.V2_CONVERSATIONS),
        (agents.per_session, endpoints.V2_SESSIONS),
        (agents.messages_this_month, endpoints.V2_TOPICS),
        (agents.agent_users_now, endpoints.V2_USERS),
    ],
)
async def test_another_payload_is_a_payload_error(bench, api, collector, endpoint):
    api.answers[endpoint] = {"detail": "hello"}
    with pytest.raises(PayloadError):
        await bench.values(collector)


def test_parts_named_elsewhere_keep_that_order_and_may_have_no_others():
    parts = {"a": 1, "b": 5, "c": 3}
    assert top(parts, names=["c", "a"]) == {"c": 3, "a": 1, OTHER: 5}
    assert top(parts, names=["c"], others=False) == {"c": 3}


async def test_values_of_the_newer_family(bench, api):
    api.answers = plausible()
    assert await bench.values(agents.message_summary) == {
        f"{name}_{window}": value
        for name, value in {
            "user_messages": 90,
            "assistant_responses": 95,
            "avg_sentiment_score": -0.25,
        }.items()
        for window in ("7d", "28d")
    }
    assert await bench.values(agents.per_conversation) == {
        "avg_messages_per_conversation_7d": 8,
        "avg_messages_per_conversation_28d": 8,
        "avg_cost_per_conversation_7d_usd": 0.02,
        "avg_cost_per_conversation_28d_usd": 0.02,
    }
    assert await bench.values(agents.per_session) == {"avg_rating_7d": 4.5, "avg_rating_28d": 4.5}
    assert await bench.values(agents.messages_this_month) == {"messages_this_month": 700}
    assert await bench.values(agents.agent_users_now) == {
        "agent_users_active_now": 12,
        "agent_users_30d": 12,
    }
