"""Who talks to the mentors: unique users by day, new ones and old hands."""

from collections.abc import Mapping

from exporter.demo import buckets, shapes
from exporter.demo.asking import MONTH, Answer, Ask, Json
from exporter.demo.chats import ROOT, month_and_before

_HALF_A_YEAR = 182


def users_by_day(ask: Ask) -> Json:
    """Answer the unique users of each day."""
    view, days = ask.view, ask.days(required=True)
    return [
        {"date": shapes.iso(day), "user_count": view.users(view.mentors, (day,))} for day in days
    ]


def users_by_period(ask: Ask) -> Json:
    """Answer the unique users of each day or hour, by default of 30 days."""
    view, days = ask.view, ask.days(default=MONTH)
    by = ask.query.choice("aggregation", "daily", "hourly")
    counts = [view.users(view.mentors, (day,)) for day in days]
    return [
        {"period": time, "user_count": count}
        for time, count in buckets.counted(ask, days, counts, by=by)
    ]


def user_metrics(ask: Ask) -> Json:
    """Answer registered, new, unique and veteran users, with their change within 30 days."""
    view = ask.view
    now, before = month_and_before(ask)
    return {
        "registered_users": _metric(view.registered(now[-1]), view.registered(before[-1])),
        "new_users": _metric(sum(view.registrations(now)), sum(view.registrations(before))),
        "unique_users": _metric(view.users(view.mentors, now), view.users(view.mentors, before)),
        "veteran_users": _metric(veterans(ask, now).bit_count(), veterans(ask, before).bit_count()),
    }


def registrations(ask: Ask) -> Json:
    """Answer the registrations of each bucket."""
    days = ask.days(required=True)
    by = ask.query.choice("aggregation", "daily", "hourly", "weekly", "monthly")
    return [
        {"interval": time, "count": count}
        for time, count in buckets.counted(ask, days, ask.view.registrations(days), by=by)
    ]


def cohorts(ask: Ask) -> Json:
    """Answer the new and the veteran users of each bucket, hours being those of whole days."""
    view, days = ask.view, ask.days(required=True)
    by = ask.query.choice("aggregation", "daily", "hourly", "weekly")
    found = list(buckets.spans(days, by="daily" if by == "hourly" else by))
    known = [veterans(ask, span).bit_count() for _, span in found]
    users = [view.users(view.mentors, span) for _, span in found]
    return {
        "periods": [time for time, _ in found],
        "new_users": [all_ - old for all_, old in zip(users, known, strict=True)],
        "veteran_users": known,
    }


def new_and_returning(ask: Ask) -> Json:
    """Answer how many of the unique users talked to a mentor within the month before, too."""
    view, days = ask.view, ask.days(required=True)
    now = view.who(view.mentors, days)
    again = now & view.who(view.mentors, range(days.start - MONTH, days.start))
    counts = {"new_users": (now & ~again).bit_count(), "returning_users": again.bit_count()}
    return {
        name: {"count": count, "percentage": shapes.percent(count, now.bit_count())}
        for name, count in counts.items()
    }


def veterans(ask: Ask, days: range) -> int:
    """Return who talked to a mentor on `days`, and in the month half a year before, as a mask."""
    view = ask.view
    then = range(days.start - _HALF_A_YEAR - MONTH, days.start - _HALF_A_YEAR)
    return view.who(view.mentors, days) & view.who(view.mentors, then)


def _metric(now: int, before: int) -> Json:
    return {"total": now, "change_percentage": shapes.change(now, before)}


ANSWERS: Mapping[str, Answer] = {
    f"{ROOT}/usage-summary/": users_by_day,
    f"{ROOT}/total-users-by-mentor/": users_by_period,
    f"{ROOT}/user-metrics/": user_metrics,
    f"{ROOT}/registered-users-trend/": registrations,
    f"{ROOT}/user-cohorts-over-time/": cohorts,
    f"{ROOT}/user-metrics-pie-chart/": new_and_returning,
}
