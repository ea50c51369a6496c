"""Agent analytics of the seeds' generation: sessions, conversations, users, ratings, topics.

Lists by day have no rows for idle days; only `registered-users-trend/` fills them.
"""

from collections.abc import Sequence

from exporter.demo.data import calendar
from exporter.demo.data.agents import Chats
from exporter.demo.data.talk import (
    SENTIMENTS,
    answers,
    feedback_entries,
    questions,
    ratings,
    topics,
)
from exporter.demo.handlers.series import iso, percent, stamp
from exporter.demo.request import MONTH, TERM, YEAR, ApiRequest, Json

_OTHERS = ("hourly", "weekly")
"""Aggregations that are not simulated."""


def average_messages_per_session(request: ApiRequest) -> Json:
    """Return seed 3: sessions of each day, and messages in them, rounded to whole ones."""
    days, chats = _chats(request)
    return [
        {"time": stamp(day), "avg_messages": round(messages / count), "total_sessions": count}
        for day, count, messages in zip(days, chats.sessions, chats.messages, strict=True)
        if count
    ]


def conversations(request: ApiRequest) -> Json:
    """Return the conversations of each day."""
    days, chats = _chats(request)
    return _events(days, chats.conversations, names=("date", "conversation_count"))


def conversation_summary(request: ApiRequest) -> Json:
    """Return the conversations that are kept, and the messages in them."""
    chats = request.view.chats(request.view.last(YEAR))
    return {
        "total_conversations": sum(chats.conversations),
        "total_human_messages": questions(chats),
        "total_ai_messages": answers(chats),
    }


def ratings_by_day(request: ApiRequest) -> Json:
    """Return the ratings of each day."""
    days, chats = _chats(request)
    request.query.choice("group_by", "day", others=("hour",))
    counts = [ratings(n) for n in chats.conversations]
    return _events(days, counts, names=("time", "total_ratings"))


def feedback(request: ApiRequest) -> Json:
    """Return the feedback entries of each day."""
    days, chats = _chats(request)
    counts = [feedback_entries(n) for n in chats.conversations]
    return _events(days, counts, names=("period", "feedback_count"))


def sentiment_shares(request: ApiRequest) -> Json:
    """Return the share of each sentiment in percent."""
    total = sum(request.view.chats(request.days(required=True)).conversations)
    parts = calendar.split(total, list(SENTIMENTS.values()))
    return {
        "sentiment_distribution": {
            name: percent(part, total) for name, part in zip(SENTIMENTS, parts, strict=True)
        },
        "total_sentiments": total,
    }


def most_discussed_topics(request: ApiRequest) -> Json:
    """Return all topics of the range, the most discussed first."""
    _, chats = _chats(request)
    return [
        {"topic_name": topic.name, "conversation_count": topic.conversations}
        for topic in topics(chats, salt=request.view.data.salt)
    ]


def agent_summary(request: ApiRequest) -> Json:
    """Return the number of agents, of those with a session, and of questions and ratings."""
    view = request.view
    by_agent = [view.chats(view.last(TERM), (agent,)) for agent in view.agents]
    return {
        "total_mentors": len(by_agent),
        "active_mentors": sum(any(chats.sessions) for chats in by_agent),
        "total_questions_answered": sum(questions(chats) for chats in by_agent),
        "total_ratings": sum(ratings(sum(chats.conversations)) for chats in by_agent),
    }


def users_by_day(request: ApiRequest) -> Json:
    """Return the unique users of agents by day."""
    view = request.view
    counts = ((day, view.users(view.agents, (day,))) for day in request.days(required=True))
    return [{"date": iso(day), "user_count": count} for day, count in counts if count]


def users_by_agent(request: ApiRequest) -> Json:
    """Return the unique users of each agent by day, by default of 30 days."""
    view, days = request.view, request.days(default=MONTH)
    request.query.choice("aggregation", "daily", others=("hourly",))
    return [
        {
            "period": stamp(day),
            "user_count": count,
            "mentor_unique_id": agent.agent_id,
            "mentor_name": agent.name,
        }
        for agent in view.agents
        for day in days
        if (count := view.users((agent,), (day,)))
    ]


def registrations(request: ApiRequest) -> Json:
    """Return the registrations of each day, idle ones too."""
    days = request.days(required=True)
    request.query.choice("aggregation", "daily", others=(*_OTHERS, "monthly"))
    counts = request.view.registrations(days)
    return [{"interval": stamp(d), "count": n} for d, n in zip(days, counts, strict=True)]


def new_and_returning_users(request: ApiRequest) -> Json:
    """Return how many of the unique users talked to an agent within the month before, too."""
    view, days = request.view, request.days(required=True)
    now = view.present(view.agents, days)
    again = now & view.present(view.agents, range(days.start - MONTH, days.start))
    counts = {"new_users": (now & ~again).bit_count(), "returning_users": again.bit_count()}
    return {
        name: {"count": count, "percentage": percent(count, now.bit_count())}
        for name, count in counts.items()
    }


def _chats(request: ApiRequest) -> tuple[range, Chats]:
    """Return the days of the query and their chats."""
    days = request.days(required=True)
    request.query.choice("aggregation", "daily", others=_OTHERS)
    return days, request.view.chats(days)


def _events(days: range, counts: Sequence[int], *, names: tuple[str, str]) -> Json:
    """Return a row for each day on which anything happened."""
    time, value = names
    return [{time: stamp(day), value: n} for day, n in zip(days, counts, strict=True) if n]
