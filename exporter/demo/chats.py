"""What is said: chat sessions with the mentors, by hour, day or week."""

from collections.abc import Iterator, Mapping
from datetime import date

from exporter.demo import rhythm, shapes
from exporter.demo.asking import Answer, Ask, Json

ROOT = "/api/ai-analytics/orgs/{org}/users/{user_id}"


def average_messages_per_session(ask: Ask) -> Json:
    """Answer seed 3: sessions of each bucket, and messages in them, rounded to whole ones."""
    days = ask.days(required=True)
    sessions = dict(buckets(ask, days, ask.view.sessions(days)))
    messages = dict(buckets(ask, days, ask.view.messages(days)))
    return [
        {
            "time": time,
            "avg_messages": round(messages[time] / count) if count else 0,
            "total_sessions": count,
        }
        for time, count in sessions.items()
    ]


def buckets(ask: Ask, days: range, counts: list[int]) -> Iterator[tuple[str, int]]:
    """Yield the start and the count of each bucket of the aggregation that is asked for.

    A week begins on its Monday, with the days of it that were asked for.
    """
    aggregation = ask.query.choice("aggregation", "daily", "hourly", "weekly")
    if aggregation == "daily":
        yield from zip(map(shapes.stamp, days), counts, strict=True)
    elif aggregation == "hourly":
        for day, count in zip(days, counts, strict=True):
            for hour, part in enumerate(hours(ask, day, count)):
                yield shapes.stamp(day, hour), part
    else:
        weeks: dict[int, int] = {}
        for day, count in zip(days, counts, strict=True):
            monday = day - date.fromordinal(day).weekday()
            weeks[monday] = weeks.get(monday, 0) + count
        yield from ((shapes.stamp(monday), count) for monday, count in weeks.items())


def hours(ask: Ask, day: int, count: int) -> list[int]:
    """Return how the count of one day falls on its hours; of today, on those that have begun."""
    if day != ask.view.today:
        return rhythm.by_hour(count)
    return rhythm.by_hour(count, until=ask.view.hours)


ANSWERS: Mapping[str, Answer] = {
    f"{ROOT}/average-messages-per-session/": average_messages_per_session,
}
