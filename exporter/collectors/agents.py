"""Usage of agents: conversations, users, messages, feedback, topics."""

from collections.abc import Mapping
from functools import partial

from exporter import catalog
from exporter.api import endpoints
from exporter.api.endpoints import Endpoint
from exporter.api.payloads import (
    Values,
    parse_headline,
    parse_messages_summary,
    parse_parts,
    parse_topics_overview,
    parse_v2_users,
    parse_values,
    sum_by_name,
)
from exporter.catalog import Metric
from exporter.collectors import tables, windowed
from exporter.collectors.run import NewItem, Result, Run
from exporter.samples import Samples
from exporter.windows import Span

_DAILY = {"aggregation": "daily"}
_HEADLINE = {"metric": "headline"}
_SENTIMENTS = {
    name: f"sentiment_distribution.{name}" for name in ("positive", "neutral", "negative")
}
_MESSAGES = {
    "total_human_messages": catalog.HUMAN_MESSAGES,
    "total_ai_messages": catalog.AI_MESSAGES,
}
_USERS = {
    "new_users.count": catalog.NEW_AGENT_USERS,
    "returning_users.count": catalog.RETURNING_AGENT_USERS,
}
_AGENTS = {"total_mentors": catalog.AGENTS, "active_mentors": catalog.ACTIVE_AGENTS}
_SUMMARY = {
    "user_queries": catalog.USER_MESSAGES,
    "assistant_responses": catalog.ASSISTANT_RESPONSES,
    "average_sentiment_score": catalog.AVG_SENTIMENT,
}
_PER_CONVERSATION = {
    "avg_messages_per_conversation": catalog.MESSAGES_PER_CONVERSATION,
    "avg_cost_per_conversation": catalog.COST_PER_CONVERSATION,
}
_PER_SESSION = {"avg_rating": catalog.AVG_RATING}
_NOW = {
    "currently_active": catalog.AGENT_USERS_NOW,
    "active_users_last_30d": catalog.AGENT_USERS_MONTH,
}


async def agent_returns(run: Run) -> Result:
    """New and returning users of agents in each window."""
    return await windowed.collect_values(run, endpoints.NEW_AND_RETURNING, parse_values, _USERS)


async def agent_messages(run: Run) -> Result:
    """Messages of users and of agents, since the beginning."""
    return await _as_returned(run, endpoints.CONVERSATION_SUMMARY, _MESSAGES)


async def agents(run: Run) -> Result:
    """Agents of the org, and those used at least once."""
    return await _as_returned(run, endpoints.AGENTS, _AGENTS)


async def sentiments(run: Run) -> Result:
    """Share of each sentiment, if there is any."""

    async def request(name: str, span: Span) -> Samples:
        response = await run.request(
            endpoints.SENTIMENTS,
            lambda body: parse_values(body, *_SENTIMENTS.values(), "total_sentiments"),
            span=span,
        )
        samples = Samples()
        if response["total_sentiments"] != 0:
            for sentiment, path in _SENTIMENTS.items():
                samples.add(catalog.SENTIMENT.at(name), response[path], sentiment)
        return samples

    return await windowed.collect(run, catalog.SENTIMENT.windows, request)


async def topics(run: Run) -> Result:
    """Most discussed topics."""
    read = partial(parse_parts, names=("topic_name", "name"), value="conversation_count")

    async def request(name: str, span: Span) -> Samples:
        response = await run.request(endpoints.TOPICS, read, span=span, query=_DAILY)
        samples = Samples()
        values = sum_by_name(response.parts.values())
        tables.add_top(samples, catalog.TOPIC_CONVERSATIONS.at(name), values)
        return samples

    return await windowed.collect(run, catalog.TOPIC_CONVERSATIONS.windows, request)


async def agent_users_now(run: Run) -> Result:
    """Users of agents in the last hour, and in the last 30 days."""
    result = Result()

    async def collect(metric: str) -> None:
        samples = Samples()
        response = await run.request(
            endpoints.V2_USERS, parse_v2_users, query={"metric": metric, "date_filter": "today"}
        )
        samples.add(_NOW[metric], response.value)
        result.items[metric] = NewItem(samples=samples, interval=run.interval)

    await run.each(result, list(_NOW), collect)
    return result


async def message_summary(run: Run) -> Result:
    """Messages of users, responses of agents, and mean sentiment in each window."""

    def read(body: bytes, *_: str) -> Values:
        return parse_messages_summary(body)

    return await windowed.collect_values(run, endpoints.V2_MESSAGES, read, _SUMMARY, {"limit": "1"})


async def per_conversation(run: Run) -> Result:
    """Messages and cost per conversation in each window."""
    return await windowed.collect_values(
        run, endpoints.V2_CONVERSATIONS, parse_headline, _PER_CONVERSATION, _HEADLINE
    )


async def per_session(run: Run) -> Result:
    """Mean rating of agents in each window."""
    return await windowed.collect_values(
        run, endpoints.V2_SESSIONS, parse_headline, _PER_SESSION, _HEADLINE
    )


async def messages_this_month(run: Run) -> Result:
    """Messages in the current calendar month."""
    samples = Samples()
    query = {"metric": "overview", "date_filter": "today"}
    response = await run.request(endpoints.V2_TOPICS, parse_topics_overview, query=query)
    samples.add(catalog.MESSAGES_THIS_MONTH, response["messages.this_month"])
    return run.result("month", samples)


async def _as_returned(run: Run, endpoint: Endpoint, metrics: Mapping[str, Metric]) -> Result:
    """Collect values without a period of their own, by path."""
    samples = Samples()
    response = await run.request(endpoint, lambda body: parse_values(body, *metrics))
    for path, metric in metrics.items():
        samples.add(metric, response[path])
    return run.result(endpoint.name, samples)
