"""What agents are used for: conversations, their users and topics, and how they are liked."""

from functools import partial

from exporter import catalog
from exporter.api import endpoints
from exporter.api.payloads import read_counts, read_figures, read_parts
from exporter.collectors import days, tables
from exporter.collectors.visit import Findings, Visit
from exporter.windows import WINDOWS, window

_DAILY = {"aggregation": "daily"}
_SENTIMENTS = ("positive", "neutral", "negative")
_MESSAGES = {
    "total_human_messages": catalog.HUMAN_MESSAGES,
    "total_ai_messages": catalog.AI_MESSAGES,
}
_USERS = {
    "new_users.count": catalog.NEW_AGENT_USERS,
    "returning_users.count": catalog.RETURNING_AGENT_USERS,
}
_AGENTS = {"total_mentors": catalog.AGENTS, "active_mentors": catalog.ACTIVE_AGENTS}
_read_conversations = partial(read_counts, count="conversation_count")


async def conversations_today(visit: Visit) -> Findings:
    """Conversations with agents today."""
    return await days.today(visit, catalog.CONVERSATIONS, _read_conversations, query=_DAILY)


async def conversations(visit: Visit) -> Findings:
    """Conversations with agents on complete days."""
    return await days.complete(visit, catalog.CONVERSATIONS, _read_conversations, query=_DAILY)


async def agent_users(visit: Visit) -> Findings:
    """Unique users of agents yesterday, and on the same weekdays before."""
    read = partial(read_counts, count="user_count")
    return await days.complete(visit, catalog.AGENT_USERS, read)


async def agent_returns(visit: Visit) -> Findings:
    """Unique users of agents in each window: those who are new to agents, and the others."""
    findings = Findings()
    for name in catalog.NEW_AGENT_USERS.windows:
        answer = await visit.ask(
            endpoints.NEW_AND_RETURNING,
            lambda body: read_figures(body, *_USERS),
            span=window(WINDOWS[name], visit.day),
        )
        for path, figure in _USERS.items():
            findings.samples.add(figure.at(name), answer[path])
    return findings


async def agent_messages(visit: Visit) -> Findings:
    """Messages of people and of agents, in all."""
    findings = Findings()
    answer = await visit.ask(
        endpoints.CONVERSATION_SUMMARY, lambda body: read_figures(body, *_MESSAGES)
    )
    for path, metric in _MESSAGES.items():
        findings.samples.add(metric, answer[path])
    return findings


async def ratings(visit: Visit) -> Findings:
    """Ratings that people gave to agents."""
    read = partial(read_counts, count="total_ratings")
    return await days.complete(visit, catalog.RATINGS, read, query={"group_by": "day"})


async def feedback(visit: Visit) -> Findings:
    """Entries of feedback on agents."""
    read = partial(read_counts, count="feedback_count")
    return await days.complete(visit, catalog.FEEDBACK, read, query=_DAILY)


async def sentiments(visit: Visit) -> Findings:
    """Share of each sentiment; none where nobody was heard."""
    findings = Findings()
    paths = {name: f"sentiment_distribution.{name}" for name in _SENTIMENTS}
    for window_name in catalog.SENTIMENT_RATIO.windows:
        answer = await visit.ask(
            endpoints.SENTIMENTS,
            lambda body: read_figures(body, *paths.values(), "total_sentiments"),
            span=window(WINDOWS[window_name], visit.day),
        )
        if answer["total_sentiments"] != 0:
            for name, path in paths.items():
                metric = catalog.SENTIMENT_RATIO.at(window_name)
                findings.samples.add(metric, visit.ratio(answer[path]), name)
    return findings


async def topics(visit: Visit) -> Findings:
    """Topics that are discussed most."""
    findings = Findings()
    read = partial(read_parts, names=("topic_name", "name"), value="conversation_count")
    for name in catalog.TOPIC_CONVERSATIONS.windows:
        span = window(WINDOWS[name], visit.day)
        answer = await visit.ask(endpoints.TOPICS, read, span=span, query=_DAILY)
        tables.put_top(findings.samples, catalog.TOPIC_CONVERSATIONS.at(name), answer.values)
    return findings


async def agents(visit: Visit) -> Findings:
    """Agents there are, and those that anybody has talked to."""
    findings = Findings()
    answer = await visit.ask(endpoints.AGENTS, lambda body: read_figures(body, *_AGENTS))
    for path, metric in _AGENTS.items():
        findings.samples.add(metric, answer[path])
    return findings
