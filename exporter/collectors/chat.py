"""Chat sessions with mentors, of the org and of the mentors with metrics of their own (seed 3)."""

from functools import partial

from exporter import catalog
from exporter.api import endpoints
from exporter.api.payloads import parse_sessions
from exporter.collectors import daily, tables
from exporter.collectors.run import Result, Run
from exporter.samples import Samples
from exporter.windows import Span

_DAILY = {"aggregation": "daily"}
_OF_ORG = (catalog.CHAT_SESSIONS, catalog.AVG_MESSAGES)
_OF_MENTOR = (catalog.MENTOR_CHAT_SESSIONS, catalog.MENTOR_AVG_MESSAGES)
_SESSIONS, _MESSAGES = "chat_sessions", "chat_messages"
_ORG = "org"


async def chat(run: Run) -> Result:
    """Chat sessions, and messages per session, of today and of complete days."""
    result = Result(wanted=frozenset({_ORG, f"{_ORG}/today"}).__contains__)
    await _collect(run, result, _ORG)
    return result


async def mentor_chat(run: Run) -> Result:
    """The same for each mentor with metrics of its own."""
    wanted = frozenset(run.mentors)
    result = Result(wanted=lambda key: key.removesuffix("/today") in wanted)
    await run.each(result, run.mentors, partial(_collect, run, result))
    for series in (_SESSIONS, _MESSAGES):
        run.history.keep_parts(run.org.key, series, parts=["", *run.mentors])
    return result


async def mentors(run: Run) -> Result:
    """Names of the mentors of the platform."""
    parts = await tables.agents(run, Span(run.yesterday, run.day))
    names = {part.id: part.name for part in parts if part.id}
    return run.result("names", Samples(), mentors=names)


async def _collect(run: Run, result: Result, key: str) -> None:
    """Request the buckets of the org, or of one mentor, and add their items."""
    mentor = "" if key == _ORG else key
    days = daily.WINDOW_DAYS if mentor else daily.EXPECTED_DAYS
    # Days that came from the newer family have sessions, and no messages.
    spans = [run.unsettled(name, days=days, part=mentor) for name in (_SESSIONS, _MESSAGES)]
    longest = min(filter(None, spans), key=lambda span: span.first, default=None)
    buckets = await daily.request(
        run,
        endpoints.MESSAGES_PER_SESSION,
        parse_sessions,
        span=longest,
        query={**_DAILY, "mentor_id": mentor} if mentor else _DAILY,
        subject=mentor,
    )
    for series, member in ((_MESSAGES, "messages"), (_SESSIONS, "sessions")):
        values = {day: bucket and getattr(bucket, member) for day, bucket in buckets.items()}
        run.history.update(run.org.key, series, days=values, part=mentor)
    sessions = run.history.series(run.org.key, _SESSIONS, part=mentor)
    messages = run.history.series(run.org.key, _MESSAGES, part=mentor)
    count, mean = _OF_MENTOR if mentor else _OF_ORG
    daily.add_windows(
        run,
        result,
        key,
        {count: sessions.total, mean: daily.average_of(messages, sessions)},
        known=sessions,
        labels=(mentor,) if mentor else (),
    )
