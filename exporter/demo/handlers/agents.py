"""Agent analytics of the seeds' generation, and the costs of the platform's own Spend screen.

Lists by day have no rows for idle days.
"""

from exporter.demo.data import calendar
from exporter.demo.data.agents import UNITS
from exporter.demo.data.models import cost_by_model
from exporter.demo.data.topics import SENTIMENTS, topics
from exporter.demo.handlers.shapes import iso, percent, stamp
from exporter.demo.request import MONTH, TERM, YEAR, ApiRequest, Json


def average_messages_per_session(request: ApiRequest) -> Json:
    """Return seed 3: sessions of each day, and messages in them, rounded to whole ones."""
    days = request.days(required=True)
    chats = request.view.chats(days)
    return [
        {"time": stamp(day), "avg_messages": round(messages / count), "total_sessions": count}
        for day, count, messages in zip(days, chats.sessions, chats.messages, strict=True)
        if count
    ]


def users_by_day(request: ApiRequest) -> Json:
    """Return the unique users of agents by day."""
    view = request.view
    counts = ((day, view.users(view.agents, (day,))) for day in request.days(required=True))
    return [{"date": iso(day), "user_count": count} for day, count in counts if count]


def conversation_summary(request: ApiRequest) -> Json:
    """Return the conversations that are kept, and the messages in them."""
    chats = request.view.chats(request.view.last(YEAR))
    return {
        "total_conversations": sum(chats.conversations),
        "total_human_messages": chats.questions,
        "total_ai_messages": chats.answers,
    }


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
    request.query.choice("aggregation", "daily")
    chats = request.view.chats(request.days(required=True))
    found = topics(chats, salt=request.view.data.salt)
    return [{"topic_name": name, "conversation_count": count} for name, count in found.items()]


def agent_summary(request: ApiRequest) -> Json:
    """Return the number of agents, of those with a session, and of questions and ratings."""
    view = request.view
    by_agent = [view.chats(view.last(TERM), (agent,)) for agent in view.agents]
    return {
        "total_mentors": len(by_agent),
        "active_mentors": sum(any(chats.sessions) for chats in by_agent),
        "total_questions_answered": sum(chats.questions for chats in by_agent),
        "total_ratings": sum(sum(chats.ratings) for chats in by_agent),
    }


def registrations(request: ApiRequest) -> Json:
    """Return the registrations of each day, idle ones too."""
    days = request.days(required=True)
    request.query.choice("aggregation", "daily")
    counts = request.view.registrations(days)
    return [{"interval": stamp(day), "count": n} for day, n in zip(days, counts, strict=True)]


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


def tenant_cost(request: ApiRequest) -> Json:
    """Return the cost of the org in US dollars."""
    return {"total_cost": sum(request.view.chats(request.days(required=True)).cost) / UNITS}


def costs_by_model(request: ApiRequest) -> Json:
    """Return the cost of each model."""
    total = sum(request.view.chats(request.days(required=True)).cost)
    return [
        {"model": model.name, "total_cost": units / UNITS}
        for model, units in cost_by_model(total).items()
    ]


def costs_by_agent(request: ApiRequest) -> Json:
    """Return the cost of each agent; names need not be unique."""
    days, view = request.days(required=True), request.view
    costs = {agent: sum(view.chats(days, (agent,)).cost) for agent in view.agents}
    return {
        "tenant": request.org.key,
        "tenant_total_cost": sum(costs.values()) / UNITS,
        "mentor_data": [
            {
                "mentor_unique_id": agent.agent_id,
                "mentor_name": agent.name,
                "total_cost": units / UNITS,
                "mentor_sessions": [],
            }
            for agent, units in costs.items()
        ],
    }
