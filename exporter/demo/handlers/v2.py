"""The newer family `/api/analytics/`: users, sessions, conversations, messages, topics, courses."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import TypeVar
from uuid import UUID

from exporter.demo.data import calendar
from exporter.demo.data.agents import UNITS, Chats
from exporter.demo.data.courses import Course
from exporter.demo.data.models import MODELS
from exporter.demo.data.org import Event
from exporter.demo.data.topics import TOPICS, mean_rating, topics
from exporter.demo.handlers.learning import names
from exporter.demo.handlers.shapes import Handler, mean, percent, stamp
from exporter.demo.request import MONTH, YEAR, ApiError, ApiRequest, Json

_PERIODS = {"today": 1, "7d": 7, "30d": 30, "90d": 90, "all_time": YEAR}
_USERS = ("currently_active", "active_users", "registered_users", "active_users_last_30d")

T = TypeVar("T")


def users(request: ApiRequest) -> Json:
    """Return one of four counts of users, as `metric` says.

    Active users are those of seed 4, so that both generations agree.
    """
    request.query.required("metric")
    metric = request.query.choice("metric", *_USERS)
    view = request.view
    if metric == "currently_active":
        return {"metric": metric, "count": _active_within_the_hour(request)}
    days = view.last(MONTH) if metric == "active_users_last_30d" else period(request)
    if metric == "registered_users":
        count, by_day = view.registered(days.stop - 1), view.registrations(days)
    else:
        count, by_day = view.active(days), [view.active((day,)) for day in days]
    return {"metric": metric, "count": count, **_points(request, days, by_day)}


def over_time_or_headline(one: str, counts: Callable[[Chats], list[int]]) -> Handler:
    """Return a handler of what is counted over time, or of messages, rating and cost per one."""

    def handler(request: ApiRequest) -> Json:
        view, days = request.view, period(request)
        metric = request.query.choice("metric", f"{one}s", "headline")
        if metric != "headline":
            return {"metric": metric, **_points(request, days, counts(view.chats(days)))}
        now, then = headline(request, days), headline(request, _before(days))
        return {
            "metric": metric,
            **{
                name: {
                    "value": value,
                    "prev_value": then[name],
                    "percentage_change": _change(value, then[name]),
                }
                for name, value in now.items()
            },
        }

    def headline(request: ApiRequest, days: range) -> dict[str, float]:
        chats = request.view.chats(days)
        number = sum(counts(chats))
        return {
            f"avg_messages_per_{one}": mean(sum(chats.messages), number),
            "avg_rating": round(mean_rating(chats, salt=request.view.data.salt) or 0.0, 2),
            f"avg_cost_per_{one}": mean(sum(chats.cost) / UNITS, number, digits=5),
        }

    return handler


def messages(request: ApiRequest) -> Json:
    """Return how many messages there are, and the conversations one by one, with names."""
    view, days = request.view, request.days(default=MONTH)
    chats = view.chats(days)
    until = list(accumulate(chats.conversations))

    def row(place: int) -> Json:
        day = days[bisect_right(until, place)]
        chance = view.data.chance.integer(request.org.key, "conversation", day, place)
        agent = view.agents[chance % len(view.agents)]
        said = 2 + chance % 12
        return {
            **names(request, chance % view.data.learners),
            "platform_name": request.org.key.title(),
            "platform_key": request.org.key,
            "mentor": agent.name,
            "mentor_unique_id": agent.agent_id,
            "model": MODELS[chance % len(MODELS)].name,
            "cost": f"{agent.cost * said / UNITS:.5f}",
            "first_user_message": "Can you help me?",
            "topics": [TOPICS[chance % len(TOPICS)]],
            "message_count": said,
            "created_at": stamp(day, chance % 24),
            "platform": 1 + view.data.salt % 1000,
            "session": str(UUID(int=chance, version=4)),
        }

    rows, pagination = list_page(request, range(sum(chats.conversations)), row)
    mood = view.data.chance.unit(request.org.key, "mood", days.stop)
    return {
        "summary": {
            "total_conversations": sum(chats.conversations),
            "user_queries": chats.questions,
            "assistant_responses": chats.answers,
            "average_sentiment_score": round(0.2 + 0.2 * mood, 2) if any(chats.messages) else None,
        },
        "results": rows,
        "pagination": pagination,
    }


def topics_overview(request: ApiRequest) -> Json:
    """Return topics, sessions, conversations and messages: of all time, this and last month."""
    request.query.choice("metric", "overview", "sessions", "ratings", "highlighted")
    view = request.view
    this = view.month()
    last = replace(view, today=this.start - 1).month()
    chats = [view.chats(days) for days in (view.last(YEAR), this, last)]

    def overview(count: Callable[[Chats], int]) -> Json:
        all_time, now, then = map(count, chats)
        return {
            "all_time_total": all_time,
            "this_month": now,
            "last_month": then,
            "percentage_change": _change(now, then),
        }

    return {
        "topics": overview(lambda found: len(topics(found, salt=view.data.salt))),
        "sessions": overview(lambda found: sum(found.sessions)),
        "conversations": overview(lambda found: sum(found.conversations)),
        "messages": overview(lambda found: sum(found.messages)),
    }


def content(request: ApiRequest) -> Json:
    """Return totals and averages of the courses, and the courses one by one.

    Everything but names is of the period: new enrollments as in seed 6, learners as in seed 4.
    """
    request.query.required("metric")
    metric = request.query.choice("metric", "courses")
    days, courses = period(request), request.view.courses

    def row(course: Course) -> Json:
        return {
            "id": course.course_id,
            "name": course.name,
            "slug": f"{course.salt % 10**6}",
            "platform": request.org.key,
            "external": False,
            "analytics": _analytics(request, days, [course]),
        }

    rows, page = list_page(request, courses, row)
    if page["page"] > page["total_pages"]:
        raise ApiError(404, {"detail": "Invalid page."})
    sums = _analytics(request, days, courses)
    return {
        "metric": metric,
        "summary": {
            "totals": {
                "total_learners": sums["active_enrollments"],
                "total_enrollments": sums["enrollments"],
                "total_time_spent": sums["total_time_spent"],
            },
            "averages": {"completion_rate": sums["completion_rate"]},
        },
        "pagination": {
            "count": page["total_records"],
            "current_page": page["page"],
            "total_pages": page["total_pages"],
        },
        "results": rows,
    }


def period(request: ApiRequest) -> range:
    """Return the days that `date_filter` stands for. All time is the year that chats are kept."""
    wanted = request.query.choice("date_filter", *_PERIODS, "custom")
    if wanted == "custom":
        return request.days(required=True)
    return request.view.last(_PERIODS[wanted])


def list_page(
    request: ApiRequest, things: Sequence[T], row: Callable[[T], Json]
) -> tuple[list[Json], dict[str, Json]]:
    """Return the rows of the page that the query names, and the pagination (P2)."""
    shown, page = request.page(things, size="limit", default=20, base=1)
    return [row(thing) for thing in shown], {
        "page": page.number,
        "limit": page.size,
        "total_pages": page.pages,
        "total_records": page.rows,
    }


def _points(request: ApiRequest, days: range, counts: Sequence[int]) -> dict[str, Json]:
    """Return `points` of `granularity=day`, idle days as 0; nothing for the default, an hour."""
    if request.query.choice("granularity", "hour", "day") == "hour":
        return {}
    newest = request.view.newest
    pairs = zip(days, counts, strict=True)
    return {"points": [{"date": stamp(day), "value": n} for day, n in pairs if day <= newest]}


def _active_within_the_hour(request: ApiRequest) -> int:
    view = request.view
    zone, day = view.data.zone, view.newest
    now = calendar.elapsed(zone, day, view.hours)
    then = calendar.elapsed(zone, day, max(view.hours - 1, 0))
    hour_ago = replace(view, so_far=view.so_far * then / now if now else 0.0)
    return view.active((day,)) - hour_ago.active((day,))


def _analytics(request: ApiRequest, days: range, courses: Sequence[Course]) -> dict[str, float]:
    """Return what some courses add up to within the period, as the API names it."""
    view = request.view
    enrollments = sum(view.counts(Event.ENROLLMENT, days, courses))
    completions = sum(view.counts(Event.COMPLETION, days, courses))
    return {
        "enrollments": enrollments,
        "active_enrollments": view.users(courses, days),
        "completion_rate": percent(completions, enrollments),
        "total_time_spent": sum(view.seconds(days, courses)),
    }


def _before(days: range) -> range:
    """Return as many days before `days`."""
    return range(days.start - len(days), days.start)


def _change(now: float, before: float) -> float:
    """Return by how many percent `now` is more than `before`; from nothing, 0."""
    return percent(now - before, before)
