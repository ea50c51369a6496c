"""Agent analytics of the seeds' generation: sessions, conversations, users, ratings, topics.

Lists by day have no rows for idle days; only `registered-users-trend/` fills them.
"""

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
from exporter.demo.handlers.series import counted, iso, percent
from exporter.demo.request import MONTH, TERM, YEAR, ApiRequest, Json, invalid

_AGGREGATIONS = ("daily", "hourly", "weekly")
_PERIODS = {"7d": 7, "today": 1, "yesterday": 1, "30d": 30, "90d": 90}


def average_messages_per_session(request: ApiRequest) -> Json:
    """Return seed 3: sessions of each bucket, and messages in them, rounded to whole ones."""
    days, by, chats = _chats(request)
    sessions = counted(request, days, chats.sessions, by=by)
    messages = counted(request, days, chats.messages, by=by)
    return [
        {"time": time, "avg_messages": round(total / count), "total_sessions": count}
        for (time, count), (_, total) in zip(sessions, messages, strict=True)
        if count
    ]


def conversations(request: ApiRequest) -> Json:
    """Return the conversations of each bucket."""
    days, by, chats = _chats(request)
    return _events(request, days, chats.conversations, by=by, names=("date", "conversation_count"))


def conversation_summary(request: ApiRequest) -> Json:
    """Return the conversations that are kept, and the messages in them."""
    chats = request.view.chats(request.view.last(YEAR))
    return {
        "total_conversations": sum(chats.conversations),
        "total_human_messages": questions(chats),
        "total_ai_messages": answers(chats),
    }


def ratings_by_time(request: ApiRequest) -> Json:
    """Return the ratings of each day or hour."""
    days = request.days(required=True)
    by = {"day": "daily", "hour": "hourly"}[request.query.choice("group_by", "day", "hour")]
    counts = [ratings(n) for n in request.view.chats(days).conversations]
    return _events(request, days, counts, by=by, names=("time", "total_ratings"))


def feedback(request: ApiRequest) -> Json:
    """Return the feedback entries of each bucket."""
    days, by, chats = _chats(request)
    counts = [feedback_entries(n) for n in chats.conversations]
    return _events(request, days, counts, by=by, names=("period", "feedback_count"))


def sentiments_by_day(request: ApiRequest) -> Json:
    """Return the conversations of each day whose sentiment is known: all of them."""
    period = request.query.text("period") or "7d"
    if period not in _PERIODS:
        raise invalid("period", f"Use one of {', '.join(_PERIODS)}.")
    stop = request.view.today + (period != "yesterday")
    days = range(stop - _PERIODS[period], stop)
    counts = request.view.chats(days).conversations
    return _events(request, days, counts, by="daily", names=("date", "sentiment_count"))


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
    _, _, chats = _chats(request)
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
    """Return the unique users of each agent by day or hour, by default of 30 days."""
    view, days = request.view, request.days(default=MONTH)
    by = request.query.choice("aggregation", "daily", "hourly")
    return [
        {
            "period": time,
            "user_count": count,
            "mentor_unique_id": agent.agent_id,
            "mentor_name": agent.name,
        }
        for agent in view.agents
        for time, count in counted(
            request, days, [view.users((agent,), (day,)) for day in days], by=by
        )
        if count
    ]


def registrations(request: ApiRequest) -> Json:
    """Return the registrations of each bucket, idle ones too."""
    days = request.days(required=True)
    by = request.query.choice("aggregation", *_AGGREGATIONS, "monthly")
    return [
        {"interval": time, "count": count}
        for time, count in counted(request, days, request.view.registrations(days), by=by)
    ]


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


def _chats(request: ApiRequest) -> tuple[range, str, Chats]:
    """Return days and aggregation of the query, and the chats of those days."""
    days = request.days(required=True)
    return days, request.query.choice("aggregation", *_AGGREGATIONS), request.view.chats(days)


def _events(
    request: ApiRequest, days: range, counts: list[int], *, by: str, names: tuple[str, str]
) -> Json:
    """Return a row for each bucket in which anything happened."""
    time, value = names
    return [{time: s, value: n} for s, n in counted(request, days, counts, by=by) if n]
