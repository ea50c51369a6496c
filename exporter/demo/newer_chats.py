"""Users, sessions, messages and topics, as `/api/analytics/` tells them."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import accumulate
from uuid import UUID

from exporter.demo import buckets, learners, newer, rhythm, shapes, topics
from exporter.demo.asking import MONTH, YEAR, Answer, Ask, Json
from exporter.demo.chats import by_speaker, ratings
from exporter.demo.costs import MODELS, UNITS, spent


def users(ask: Ask) -> Json:
    """Answer one of four figures about users, as `metric` says."""
    ask.query.required("metric")
    metric = ask.query.choice(
        "metric", "currently_active", "active_users", "registered_users", "active_users_last_30d"
    )
    view = ask.view
    if metric == "currently_active":
        hour_ago = replace(view, so_far=rhythm.elapsed(max(view.hours - 1, 0)))
        today = view.last(1)
        return {"metric": metric, "count": view.active(today) - hour_ago.active(today)}
    days = view.last(MONTH) if metric == "active_users_last_30d" else newer.period(ask)
    earlier = newer.before(days)
    if metric == "registered_users":
        now, then = view.registered(days[-1]), view.registered(earlier[-1])
        counts = view.registrations(days)
    else:
        now, then = view.active(days), view.active(earlier)
        counts = [view.active((day,)) for day in days]
    return {
        "metric": metric,
        "count": now,
        "change": now - then,
        "percentage_change": shapes.change(now, then) if then else None,
        "prev_count": then,
        "new_users": sum(view.registrations(days)),
        "points": newer.points(ask, days, counts),
    }


def sessions(ask: Ask) -> Json:
    """Answer sessions over time, or what one is like."""
    return _sessions(ask, "sessions", "session")


def conversations(ask: Ask) -> Json:
    """Answer the same of conversations."""
    return _sessions(ask, "conversations", "conversation")


def messages(ask: Ask) -> Json:
    """Answer how many messages there are, and the conversations one by one, with names."""
    view, days = ask.view, ask.days(default=MONTH)
    by_day = view.sessions(days)
    until = list(accumulate(by_day))
    human, machine = by_speaker(sum(view.messages(days)))

    def row(place: int) -> Json:
        day = days[bisect_right(until, place)]
        chance = view.campus.noise.integer(ask.org.key, "conversation", day, place)
        mentor = view.mentors[chance % len(view.mentors)]
        learner = chance % view.campus.learners
        said = 2 + chance % 12
        return {
            "platform_name": ask.org.key.title(),
            "platform_key": ask.org.key,
            "mentor": mentor.name,
            "mentor_unique_id": mentor.mentor_id,
            "model": list(MODELS)[chance % len(MODELS)][1],
            "cost": f"{mentor.cost * said / UNITS:.5f}",
            "username": learners.username(ask, learner),
            "name": learners.full_name(ask, learner),
            "first_user_message": "Can you help me?",
            "topics": [topics.TOPICS[chance % len(topics.TOPICS)]],
            "message_count": said,
            "user_queries": said // 2,
            "assistant_responses": said - said // 2,
            "average_sentiment": round(chance % 100 / 100, 2),
            "sentiment": "positive" if chance % 100 > 40 else "neutral",
            "created_at": shapes.stamp(day, chance % 24),
            "platform": 1 + view.campus.salt % 1000,
            "session": str(UUID(int=chance, version=4)),
            "user": learner,
        }

    rows, says = newer.page_of(ask, range(sum(by_day)), row)
    return {
        "summary": {
            "total_conversations": sum(by_day),
            "user_queries": human,
            "assistant_responses": machine,
            "average_sentiment_score": 0.31 if human else None,
        },
        "results": rows,
        "pagination": says,
    }


def topics_overview(ask: Ask) -> Json:
    """Answer topics, sessions and messages: of all time, of this 30 days and of those before."""
    ask.query.choice("metric", "overview", "sessions", "ratings", "highlighted")
    view = ask.view
    now = view.last(MONTH)
    spans = (view.last(YEAR), now, newer.before(now))
    talks = _overview(*(sum(view.sessions(days)) for days in spans))
    return {
        "topics": _overview(*(len(topics.topics(ask, days)) for days in spans)),
        "sessions": talks,
        "conversations": talks,
        "messages": _overview(*(sum(view.messages(days)) for days in spans)),
    }


def topics_details(ask: Ask) -> Json:
    """Answer the topics one by one; `search` looks into their names."""
    wanted = (ask.query.text("search") or "").casefold()
    found = [t for t in topics.topics(ask, newer.period(ask)) if wanted in t.name.casefold()]

    def row(topic: topics.Topic) -> Json:
        return {
            "name": topic.name,
            "messages": topic.messages,
            "conversations": topic.conversations,
            "sessions": topic.conversations,
            "average_rating": f"{topic.rating:.1f}",
            "rating_count": topic.ratings,
        }

    rows, says = newer.page_of(ask, found, row)
    return {"results": rows, "pagination": says}


def mean_ratings(ask: Ask) -> Json:
    """Answer the mean rating of each bucket in which anything was rated."""
    days = newer.period(ask)
    by = newer.granularity(ask, "hour" if len(days) == 1 else "day")
    counts = [ratings(count) for count in ask.view.sessions(days)]
    mean, noise = _mean_rating(ask, days), ask.view.campus.noise
    return {
        "metric": ask.query.choice("metric", "ratings"),
        "points": [
            {"date": time, "value": round(mean - 0.2 + 0.4 * noise.unit(ask.org.key, time), 2)}
            for time, count in buckets.counted(ask, days, counts, by=by)
            if count
        ],
    }


def access_times(ask: Ask) -> Json:
    """Answer the messages by weekday (0 is Sunday) and hour."""
    days = newer.period(ask)
    cells: Counter[tuple[int, int]] = Counter()
    for day, count in zip(days, ask.view.messages(days), strict=True):
        weekday = date.fromordinal(day).isoweekday() % 7
        for hour, part in enumerate(buckets.hours(ask, day, count)):
            cells[weekday, hour] += part
    return {
        "metric": "access_times",
        "data": [
            {"day_of_week": weekday, "hour": hour, "value": value}
            for (weekday, hour), value in sorted(cells.items())
            if value
        ],
    }


def _sessions(ask: Ask, plural: str, singular: str) -> Json:
    days = newer.period(ask)
    metric = ask.query.choice("metric", plural, "headline")
    if metric == plural:
        return {"metric": metric, "points": newer.points(ask, days, ask.view.sessions(days))}
    now, then = (_headline(ask, span) for span in (days, newer.before(days)))
    names = (f"avg_messages_per_{singular}", "avg_rating", f"avg_cost_per_{singular}")
    return {
        "metric": metric,
        **{
            name: {"value": a, "prev_value": b, "percentage_change": shapes.change(a, b)}
            for name, a, b in zip(names, now, then, strict=True)
        },
    }


def _headline(ask: Ask, days: range) -> tuple[float, float, float]:
    """Return messages, rating and dollars of a session."""
    count = sum(ask.view.sessions(days)) or 1
    return (
        round(sum(ask.view.messages(days)) / count, 2),
        _mean_rating(ask, days),
        round(sum(spent(ask, days)) / UNITS / count, 5),
    )


def _mean_rating(ask: Ask, days: range) -> float:
    found = [topic for topic in topics.topics(ask, days) if topic.ratings]
    rated = sum(topic.ratings for topic in found)
    return round(sum(t.rating * t.ratings for t in found) / rated, 2) if rated else 0.0


def _overview(all_time: int, now: int, then: int) -> Json:
    return {
        "all_time_total": all_time,
        "this_month": now,
        "last_month": then,
        "percentage_change": shapes.change(now, then),
    }


ANSWERS: Mapping[str, Answer] = {
    f"{newer.ROOT}/users/": users,
    f"{newer.ROOT}/sessions/": sessions,
    f"{newer.ROOT}/conversations/": conversations,
    f"{newer.ROOT}/messages/": messages,
    f"{newer.ROOT}/topics/": topics_overview,
    f"{newer.ROOT}/topics/details/": topics_details,
    f"{newer.ROOT}/ratings/": mean_ratings,
    f"{newer.ROOT}/time/": access_times,
}
