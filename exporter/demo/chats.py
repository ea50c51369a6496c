"""What is said: chat sessions with the mentors, and what people think of them.

In this university every session is one conversation.
"""

from collections.abc import Mapping

from exporter.demo import buckets, rhythm, shapes
from exporter.demo.asking import MONTH, TERM, YEAR, Answer, Ask, Json, invalid

ROOT = "/api/ai-analytics/orgs/{org}/users/{user_id}"
SENTIMENTS = {"positive": 0.58, "negative": 0.13, "neutral": 0.29}
_AGGREGATIONS = ("daily", "hourly", "weekly")
_PERIODS = {"7d": 7, "today": 1, "yesterday": 1, "30d": 30, "90d": 90}


def average_messages_per_session(ask: Ask) -> Json:
    """Answer seed 3: sessions of each bucket, and messages in them, rounded to whole ones."""
    days, by = ask.days(required=True), ask.query.choice("aggregation", *_AGGREGATIONS)
    held, said = ask.view.chats(days)
    sessions = buckets.counted(ask, days, held, by=by)
    messages = buckets.counted(ask, days, said, by=by)
    return [
        {
            "time": time,
            "avg_messages": round(total / count) if count else 0,
            "total_sessions": count,
        }
        for (time, count), (_, total) in zip(sessions, messages, strict=True)
    ]


def conversations(ask: Ask) -> Json:
    """Answer the conversations of each bucket."""
    days, by = ask.days(required=True), ask.query.choice("aggregation", *_AGGREGATIONS)
    counts = buckets.counted(ask, days, ask.view.sessions(days), by=by)
    return [{"date": time, "conversation_count": count} for time, count in counts]


def conversation_summary(ask: Ask) -> Json:
    """Answer the conversations that are kept, and the messages in them."""
    days = ask.view.last(YEAR)
    human, machine = by_speaker(sum(ask.view.messages(days)))
    return {
        "total_conversations": sum(ask.view.sessions(days)),
        "total_human_messages": human,
        "total_ai_messages": machine,
    }


def overview_summary(ask: Ask) -> Json:
    """Answer the figures of the last 30 days, each with its change in percent."""
    now, before = month_and_before(ask)
    view = ask.view
    sessions, earlier = sum(view.sessions(now)), sum(view.sessions(before))
    users = [view.users(view.mentors, days) for days in (now, before)]
    return {
        "conversation_volume": {"total": sessions, "change": shapes.change(sessions, earlier)},
        "users": {"total": users[0], "change": shapes.change(*users)},
        "topics": {"total": 14, "change": 0.0},
        "user_rating": {
            "total": ratings(sessions),
            "change": shapes.change(ratings(sessions), ratings(earlier)),
        },
    }


def ratings_by_time(ask: Ask) -> Json:
    """Answer the ratings of each day or hour."""
    days = ask.days(required=True)
    by = {"day": "daily", "hour": "hourly"}[ask.query.choice("group_by", "day", "hour")]
    counts = [ratings(count) for count in ask.view.sessions(days)]
    return [
        {"time": time, "total_ratings": count}
        for time, count in buckets.counted(ask, days, counts, by=by)
    ]


def feedback(ask: Ask) -> Json:
    """Answer the feedback entries of each bucket: one for every twelve sessions."""
    days, by = ask.days(required=True), ask.query.choice("aggregation", *_AGGREGATIONS)
    counts = [count // 12 for count in ask.view.sessions(days)]
    return [
        {"period": time, "feedback_count": count}
        for time, count in buckets.counted(ask, days, counts, by=by)
    ]


def sentiments_by_day(ask: Ask) -> Json:
    """Answer the conversations of each day whose sentiment is known: all of them."""
    period = ask.query.text("period") or "7d"
    if period not in _PERIODS:
        raise invalid("period", f"Use one of {', '.join(_PERIODS)}.")
    stop = ask.view.today + (period != "yesterday")
    days = range(stop - _PERIODS[period], stop)
    return [
        {"date": shapes.stamp(day), "sentiment_count": count}
        for day, count in zip(days, ask.view.sessions(days), strict=True)
    ]


def sentiment_shares(ask: Ask) -> Json:
    """Answer the share of each sentiment in percent."""
    total = sum(ask.view.sessions(ask.days(required=True)))
    parts = rhythm.split(total, list(SENTIMENTS.values()))
    return {
        "sentiment_distribution": {
            name: shapes.percent(part, total) for name, part in zip(SENTIMENTS, parts, strict=True)
        },
        "total_sentiments": total,
    }


def mentor_summary(ask: Ask) -> Json:
    """Answer the mentors, those of them that anybody talked to, and what they were asked."""
    days = ask.view.last(TERM)
    by_mentor = [sum(ask.view.sessions(days, (mentor,))) for mentor in ask.view.mentors]
    return {
        "total_mentors": len(by_mentor),
        "active_mentors": sum(count > 0 for count in by_mentor),
        "total_questions_answered": by_speaker(sum(ask.view.messages(days)))[0],
        "total_ratings": ratings(sum(by_mentor)),
    }


def month_and_before(ask: Ask) -> tuple[range, range]:
    """Return the last 30 days, today included, and the 30 before."""
    now = ask.view.last(MONTH)
    return now, range(now.start - MONTH, now.start)


def ratings(sessions: int) -> int:
    """Return how many of `sessions` are rated by their users."""
    return sessions * 3 // 10


def by_speaker(messages: int) -> tuple[int, int]:
    """Return how many of `messages` people wrote, and how many the mentors."""
    return messages // 2, messages - messages // 2


ANSWERS: Mapping[str, Answer] = {
    f"{ROOT}/average-messages-per-session/": average_messages_per_session,
    f"{ROOT}/conversation/": conversations,
    f"{ROOT}/conversation-summary/": conversation_summary,
    f"{ROOT}/overview-summary/": overview_summary,
    f"{ROOT}/rating-summary/": ratings_by_time,
    f"{ROOT}/user-feedback/": feedback,
    f"{ROOT}/sentiment-count/": sentiments_by_day,
    f"{ROOT}/user-sentiment/": sentiment_shares,
    f"{ROOT}/mentor-summary/": mentor_summary,
}
