"""Values of the v2 family."""

import json

import pytest

from exporter.api.payloads import (
    PayloadError,
    Reason,
    parse_headline,
    parse_messages_summary,
    parse_topics_overview,
    parse_v2_users,
)


def parse(parser, payload, *more):
    return parser(json.dumps(payload).encode(), *more)


def test_a_headline_is_the_value_of_each_member():
    payload = {
        "metric": "headline",
        "avg_messages_per_session": {"value": 6.2, "prev_value": 5.9, "percentage_change": 5.1},
        "avg_rating": {"value": None, "prev_value": 4},
        "avg_cost_per_session": "0.01960",
    }
    names = ("avg_messages_per_session", "avg_rating", "avg_cost_per_session", "avg_other")
    headline = parse(parse_headline, payload, *names)
    assert dict(zip(names, map(headline.__getitem__, names), strict=True)) == {
        "avg_messages_per_session": 6.2,
        "avg_rating": None,
        "avg_cost_per_session": 0.0196,
        "avg_other": None,
    }
    assert headline.errors == {}


@pytest.mark.parametrize("payload", [{}, {"metric": "headline"}, {"avg_rating": {"value": "good"}}])
def test_a_headline_without_any_of_its_values_is_an_error(payload):
    with pytest.raises(PayloadError):
        parse(parse_headline, payload, "avg_rating")


def test_users_are_a_count():
    payload = {"metric": "active_users_last_30d", "count": 1250, "change": -150}
    assert parse(parse_v2_users, payload).value == 1250
    assert parse(parse_v2_users, {"count": None}).value is None
    with pytest.raises(PayloadError):
        parse(parse_v2_users, {"metric": "active_users", "points": []})


def test_of_messages_only_the_summary_is_kept():
    row = {"username": "jane.doe", "first_user_message": "What is a cell?", "user_queries": 7}
    payload = {
        "summary": {
            "total_conversations": 450,
            "user_queries": 2200,
            "assistant_responses": "2400",
        },
        "results": [row],
        "pagination": {"page": 1},
    }
    payload["summary"]["average_sentiment_score"] = -0.31
    summary = parse(parse_messages_summary, payload)
    assert dict(summary.values) == {
        "total_conversations": 450,
        "user_queries": 2200,
        "assistant_responses": 2400,
        "average_sentiment_score": -0.31,
    }
    assert "jane" not in repr(summary)


def test_only_the_sentiment_may_be_negative_or_null_without_an_error():
    summary = {"user_queries": -1, "assistant_responses": 3, "average_sentiment_score": None}
    found = parse(parse_messages_summary, {"summary": summary})
    assert found["user_queries"] is None
    assert found["average_sentiment_score"] is None
    assert found.errors == {Reason.VALUE: 1}


@pytest.mark.parametrize("payload", [{}, {"summary": None}, {"summary": {}}, {"results": []}])
def test_messages_without_a_summary_are_an_error(payload):
    with pytest.raises(PayloadError):
        parse(parse_messages_summary, payload)


def test_the_overview_of_topics_is_named_by_entity_and_period():
    entity = {"all_time_total": 9000, "this_month": 1300, "last_month": 1200}
    overview = parse(parse_topics_overview, {"messages": entity, "topics": entity})
    assert overview["messages.this_month"] == 1300
    assert overview["topics.all_time_total"] == 9000
    assert overview["sessions.this_month"] is None
    with pytest.raises(PayloadError):
        parse(parse_topics_overview, {"metric": "overview"})
