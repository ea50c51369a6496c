"""What is said: chat sessions with mentors, of the org and of the mentors it names (seed 3)."""

from collections.abc import Callable, Mapping
from datetime import date

from exporter import catalog
from exporter.api import endpoints
from exporter.api.errors import Refused
from exporter.api.payloads import Bucket, read_sessions
from exporter.collectors.visit import Findings, Visit
from exporter.windows import TODAY, Span, history, single

_DAILY = {"aggregation": "daily"}
_OF_ORG = (catalog.CHAT_SESSIONS, catalog.AVG_MESSAGES)
_OF_MENTOR = (catalog.MENTOR_CHAT_SESSIONS, catalog.MENTOR_AVG_MESSAGES)


async def chat_today(visit: Visit) -> Findings:
    """Chat sessions of today, and messages in each."""

    def put(findings: Findings, days: "_Days", mentor: tuple[str, ...]) -> None:
        today = single(visit.day)
        sessions, average = _OF_MENTOR if mentor else _OF_ORG
        findings.samples.add(sessions.at(TODAY), days.sessions(today), *mentor)
        findings.samples.add(average.at(TODAY), days.average(today), *mentor)

    return await _visit_all(visit, single(visit.day), put)


async def chat(visit: Visit) -> Findings:
    """Chat sessions of complete days, and messages in each."""

    def put(findings: Findings, days: "_Days", mentor: tuple[str, ...]) -> None:
        sessions, average = _OF_MENTOR if mentor else _OF_ORG
        visit.put_windows(findings.samples, sessions, days.sessions, *mentor)
        visit.put_windows(findings.samples, average, days.average, *mentor)
        if not mentor:
            by_day = {day: days.sessions(single(day)) for day in span}
            findings.daily[catalog.CHAT_SESSIONS.name] = by_day

    span = history(visit.day)
    return await _visit_all(visit, span, put)


class _Days:
    """Buckets by day, read by span."""

    def __init__(self, days: Mapping[date, Bucket | None]) -> None:
        self._days = days

    def sessions(self, span: Span) -> float | None:
        """Return the sessions in `span`, or None if any of its days is unknown."""
        buckets = self._buckets(span)
        return None if buckets is None else sum(bucket.sessions for bucket in buckets)

    def average(self, span: Span) -> float | None:
        """Return the messages per session in `span`, or None without sessions."""
        buckets = self._buckets(span) or []
        messages = [bucket.messages for bucket in buckets]
        known = [count for count in messages if count is not None]
        sessions = sum(bucket.sessions for bucket in buckets)
        return sum(known) / sessions if sessions and len(known) == len(messages) else None

    def _buckets(self, span: Span) -> list[Bucket] | None:
        found = [self._days.get(day) for day in span]
        known = [bucket for bucket in found if bucket is not None]
        return known if len(known) == len(found) else None


_Put = Callable[[Findings, _Days, tuple[str, ...]], None]


async def _visit_all(visit: Visit, span: Span, put: _Put) -> Findings:
    """Ask for the org as a whole, then for each mentor; one that is not found is passed over."""
    findings = Findings()

    async def ask(mentor: tuple[str, ...]) -> None:
        answer = await visit.ask(
            endpoints.MESSAGES_PER_SESSION,
            read_sessions,
            span=span,
            query={**_DAILY, "mentor_id": mentor[0]} if mentor else _DAILY,
            subject="".join(mentor),
        )
        put(findings, _Days(answer.days), mentor)

    async def ask_mentor(mentor_id: str) -> None:
        try:
            await ask((mentor_id,))
        except Refused as refused:
            if refused.kind != "not_found":
                raise

    await ask(())
    await visit.each(visit.org.mentors, ask_mentor)
    return findings
