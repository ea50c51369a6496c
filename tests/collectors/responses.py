"""Plausible responses of every endpoint."""

from exporter import catalog
from exporter.api import endpoints
from tests.collectors.conftest import counts, money, page, series, sessions

BIO, ART = "course-v1:Acme+Bio101+2026", "course-v1:Acme+Art/ä+2026"

VIDEOS = {
    "name": "Biology 101",
    "course_id": BIO,
    "num_vids": 12,
    "num_watched": 7,
    "time_watched": 5400,
    "avg_percent_watched": 41.5,
    "avg_time_watched": 900.0,
}
COMPLETION = {
    "course_id": BIO,
    "name": "Biology 101",
    "enrollments": 40,
    "completions": 10,
    "average": 25.0,
}
GRADE = {
    "name": "Biology 101",
    "course_id": BIO,
    "num_enrollments": 40,
    "num_passed": 22,
    "avg_grade": 71.5,
}
ACTIVITY = {
    "course_id": BIO,
    "course_start": "2026-01-01",
    "course_end": "",
    "average_days": 4,
    "average_time_spent": 3600.0,
    "name": "Biology 101",
}
TIME = {"name": "Biology 101", "course_id": BIO, "time_spent": 5400, "average_time": 675.0}
SENTIMENT = {
    "sentiment_distribution": {"positive": 65.25, "negative": 12.5, "neutral": 22.25},
    "total_sentiments": 400,
}
SPEND_CAP = {
    "enabled": True,
    "max_cost_usd": "100.00",
    "current_spend_usd": "40.00",
    "remaining_usd": "60.00",
    "is_exceeded": False,
    "interval_type": "monthly",
}


def users(total, *, bio=8, **more):
    row = {"course_id": BIO, "name": "Biology 101", "user_count": bio}
    return {"data": [row], "total": total, "meta": {"total": total}} | more


def learner(name, engagement=0.4, performance=0.7):
    return {
        "username": name,
        "name": f"{name} Quillfeather",
        "engagement_index": engagement,
        "performance_index": performance,
    }


def agent(number, cost=1.0, name=None):
    return {
        "mentor_unique_id": f"6f1c-{number}",
        "mentor_name": name or f"Coach {number}",
        "total_cost": cost,
    }


def cost_details(call):
    rows = [{call.query["group_by"]: "a", "total_cost": "2.5"}]
    return {"page": 1, "total_pages": 1, "total_records": 1, "rows": rows}


def v2_sessions(call):
    if call.query["metric"] == "headline":
        return {"avg_rating": {"value": 4.5}, "avg_messages_per_session": {"value": 4}}
    return {"points": counts("value", lambda _: 10)(call)}


def v2_content(*courses, total=3, external=()):
    rows = [
        {
            "id": course,
            "name": "Biology 101",
            "external": course in external,
            "analytics": {"enrollments": 3},
        }
        for course in courses
    ]
    return {
        "results": rows,
        "summary": {"totals": {"total_enrollments": total}},
        "pagination": {"current_page": 1, "total_pages": 1, "total_records": len(rows)},
    }


def llm_usage(call):
    names = call.query["measures"].split(",")
    return {"data": [{"model": "gpt-4o", **dict.fromkeys(names, 500)}]}


TOTALS = {
    "videos": catalog.VIDEO_COMPLETIONS,
    "time": catalog.TIME_SPENT,
    "completions": catalog.COMPLETIONS,
    "registrations": catalog.REGISTRATIONS,
}
"""Collectors of a daily series with a total, and what they measure."""

EVENTS = {
    "conversations": (catalog.CONVERSATIONS, "conversation_count"),
    "agent_users": (catalog.AGENT_USERS, "user_count"),
    "agent_registrations": (catalog.AGENT_REGISTRATIONS, "count"),
    "ratings": (catalog.RATINGS, "total_ratings"),
    "feedback": (catalog.FEEDBACK, "feedback_count"),
}
"""Collectors of a list with one row per day, what they measure, and the member of a row."""


def plausible():
    """Return a response of every endpoint that collectors use."""
    return {
        **{measure.endpoint: series(3) for measure in TOTALS.values()},
        **{measure.endpoint: counts(name, lambda _: 5) for measure, name in EVENTS.values()},
        endpoints.ENROLLMENTS_OVER_TIME: series(3),
        endpoints.COURSE_ENROLLMENTS_OVER_TIME: series(3),
        endpoints.COURSE_VIDEOS: page(VIDEOS),
        endpoints.MESSAGES_PER_SESSION: sessions(lambda _: 10, lambda _: 4),
        endpoints.ACTIVE_USERS_PER_COURSE: users(20),
        endpoints.ACTIVE_LEARNERS: page(learner("jane"), totalItems=1),
        endpoints.REGISTERED_USERS: page({"username": "jane"}, totalItems=1250),
        endpoints.TIME_PER_LEARNER: {"data": {}, "average": 100.0},
        endpoints.TIME_PER_COURSE: page(TIME),
        endpoints.COMPLETIONS_PER_COURSE: page(COMPLETION),
        endpoints.COURSE_ACTIVITY: page(ACTIVITY),
        endpoints.AVERAGE_GRADE: {"data": {"average": 71.5}},
        endpoints.GRADES_PER_COURSE: page(GRADE),
        endpoints.CONVERSATION_SUMMARY: {"total_human_messages": 22, "total_ai_messages": 24},
        endpoints.NEW_AND_RETURNING: {
            "new_users": {"count": 85, "percentage": 28.33},
            "returning_users": {"count": 215, "percentage": 71.67},
        },
        endpoints.SENTIMENTS: SENTIMENT,
        endpoints.TOPICS: [{"topic_name": "Algebra", "conversation_count": 9}],
        endpoints.AGENTS: {"total_mentors": 25, "active_mentors": 18},
        endpoints.TENANT_COST: {"total_cost": 4.5},
        endpoints.MODEL_COSTS: [{"model": "gpt-4o", "total_cost": 4.25}],
        endpoints.MENTOR_COSTS: {"tenant": "acme", "mentor_data": [agent(1)]},
        endpoints.COSTS: money(lambda _: 1.5),
        endpoints.COST_DETAILS: cost_details,
        endpoints.V2_USERS: {"metric": "x", "count": 12},
        endpoints.V2_SESSIONS: v2_sessions,
        endpoints.V2_CONTENT: v2_content(BIO),
        endpoints.V2_CONVERSATIONS: {
            "avg_messages_per_conversation": {"value": 8},
            "avg_cost_per_conversation": {"value": 0.02},
        },
        endpoints.V2_MESSAGES: {
            "summary": {
                "total_conversations": 30,
                "user_queries": 90,
                "assistant_responses": 95,
                "average_sentiment_score": -0.25,
            }
        },
        endpoints.V2_TOPICS: {"messages": {"this_month": 700}},
        endpoints.LLM_USAGE: llm_usage,
        endpoints.SPEND_CAP: SPEND_CAP,
    }
