"""Users, sessions, conversations, messages, topics and ratings under `/api/analytics/`."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import accumulate
from uuid import UUID

from exporter.demo.data import calendar
from exporter.demo.data.agents import UNITS, Chats
from exporter.demo.data.models import MODELS
from exporter.demo.data.talk import TOPICS, answers, mean_rating, questions, topics
from exporter.demo.handlers import v2
from exporter.demo.handlers.learners import full_name, username
from exporter.demo.handlers.series import before, change, mean, stamp
from exporter.demo.request import MONTH, YEAR, ApiRequest, Json

_USERS = ("currently_active", "active_users", "registered_users", "active_users_last_30d")


def users(request: ApiRequest) -> Json:
    """Return one of four counts of users, as `metric` says.

    Active users are those of seed 4, so that both generations agree.
    """
    request.query.required("metric")
    metric = request.query.choice("metric", *_USERS)
    view = request.view
    if metric == "currently_active":
        return {"metric": metric, "count": _active_within_the_hour(request)}
    days = view.last(MONTH) if metric == "active_users_last_30d" else v2.period(request)
    earlier = before(days)
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
        "percentage_change": change(now, then) if then else None,
        "prev_count": then,
        "new_users": sum(view.registrations(days)),
        **v2.by_day(request, days, counts),
    }


def sessions(request: ApiRequest) -> Json:
    """Return sessions over time, or what one is like."""
    return _over_time_or_headline(request, "session", lambda chats: chats.sessions)


def conversations(request: ApiRequest) -> Json:
    """Return conversations over time, or what one is like."""
    return _over_time_or_headline(request, "conversation", lambda chats: chats.conversations)


def messages(request: ApiRequest) -> Json:
    """Return how many messages there are, and the conversations one by one, with names."""
    view, days = request.view, request.days(default=MONTH)
    chats = view.chats(days)
    until = list(accumulate(chats.conversations))

    def row(place: int) -> Json:
        day = days[bisect_right(until, place)]
        chance = view.data.chance.integer(request.org.key, "conversation", day, place)
        agent = view.agents[chance % len(view.agents)]
        learner = chance % view.data.learners
        said = 2 + chance % 12
        return {
            "platform_name": request.org.key.title(),
            "platform_key": request.org.key,
            "mentor": agent.name,
            "mentor_unique_id": agent.agent_id,
            "model": MODELS[chance % len(MODELS)].name,
            "cost": f"{agent.cost * said / UNITS:.5f}",
            "username": username(request, learner),
            "name": full_name(request, learner),
            "first_user_message": "Can you help me?",
            "topics": [TOPICS[chance % len(TOPICS)]],
            "message_count": said,
            "created_at": stamp(day, chance % 24),
            "platform": 1 + view.data.salt % 1000,
            "session": str(UUID(int=chance, version=4)),
        }

    rows, pagination = v2.rows_of_page(request, range(sum(chats.conversations)), row)
    mood = view.data.chance.unit(request.org.key, "mood", days.stop)
    return {
        "summary": {
            "total_conversations": sum(chats.conversations),
            "user_queries": questions(chats),
            "assistant_responses": answers(chats),
            "average_sentiment_score": round(0.2 + 0.2 * mood, 2) if any(chats.messages) else None,
        },
        "results": rows,
        "pagination": pagination,
    }


def topics_overview(request: ApiRequest) -> Json:
    """Return topics, sessions, conversations and messages: of all time, this and last month."""
    request.query.choice("metric", "overview", "sessions", "ratings", "highlighted")
    view = request.view
    this = date.fromordinal(view.today).replace(day=1).toordinal()
    last = date.fromordinal(this - 1).replace(day=1).toordinal()
    spans = (view.last(YEAR), range(this, view.today + 1), range(last, this))
    chats = [view.chats(span) for span in spans]
    return {
        "topics": _overview(*(len(topics(each, salt=view.data.salt)) for each in chats)),
        "sessions": _overview(*(sum(each.sessions) for each in chats)),
        "conversations": _overview(*(sum(each.conversations) for each in chats)),
        "messages": _overview(*(sum(each.messages) for each in chats)),
    }


def mean_ratings(request: ApiRequest) -> Json:
    """Return the mean rating of each day on which anything was rated."""
    view, days = request.view, v2.period(request)
    request.query.choice("granularity", "day", others=("hour", "week", "month"))
    points = []
    for day in days:
        rating = mean_rating(view.chats(range(day, day + 1)), salt=view.data.salt)
        if rating is not None:
            mood = view.data.chance.unit(request.org.key, "rating", day)
            points.append({"date": stamp(day), "value": round(rating - 0.2 + 0.4 * mood, 2)})
    return {"metric": request.query.choice("metric", "ratings"), "points": points}


def _active_within_the_hour(request: ApiRequest) -> int:
    view = request.view
    zone, day = view.data.zone, view.newest
    now = calendar.elapsed(zone, day, view.hours)
    then = calendar.elapsed(zone, day, max(view.hours - 1, 0))
    hour_ago = replace(view, so_far=view.so_far * then / now if now else 0.0)
    return view.active((day,)) - hour_ago.active((day,))


def _over_time_or_headline(
    request: ApiRequest, one: str, counts: Callable[[Chats], list[int]]
) -> Json:
    """Return what is counted over time, or messages, rating and dollars of one."""
    view, days = request.view, v2.period(request)
    metric = request.query.choice("metric", f"{one}s", "headline")
    if metric != "headline":
        return {"metric": metric, **v2.by_day(request, days, counts(view.chats(days)))}

    def headline(span: range) -> tuple[float, float, float]:
        chats = view.chats(span)
        number = sum(counts(chats))
        rating = mean_rating(chats, salt=view.data.salt) or 0.0
        dollars = sum(chats.cost) / UNITS
        return mean(sum(chats.messages), number), round(rating, 2), mean(dollars, number, digits=5)

    names = (f"avg_messages_per_{one}", "avg_rating", f"avg_cost_per_{one}")
    return {
        "metric": metric,
        **{
            name: {"value": now, "prev_value": then, "percentage_change": change(now, then)}
            for name, now, then in zip(names, headline(days), headline(before(days)), strict=True)
        },
    }


def _overview(all_time: int, this_month: int, last_month: int) -> Json:
    return {
        "all_time_total": all_time,
        "this_month": this_month,
        "last_month": last_month,
        "percentage_change": change(this_month, last_month),
    }
