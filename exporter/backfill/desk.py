"""Answers about the past: short ranges from long answers that were asked for once and kept."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from exporter.api.client import Call
from exporter.api.errors import ApiError, Kind, RateLimited, Refused, Unavailable
from exporter.api.payloads import PayloadError
from exporter.backfill.forms import FORMS
from exporter.backfill.kept import UNREADABLE, Form, Kept, Part
from exporter.backfill.ledger import Ledger
from exporter.clock import Clock
from exporter.collectors.visit import Asker
from exporter.settings import Org
from exporter.windows import Span

REACH = 366
"""Days that are asked for at once, unless the API does not answer for so many."""

LEAST = 60
"""Ranges up to this many days are not divided: a collector asks for as many at once."""

ATTEMPTS = 6
"""Times that a question is put to an API that does not answer; each with the client's retries."""

PAUSE = 5.0
PAUSE_AT_MOST = 120.0

HOLDS = 100
HOLD_AT_MOST = 3600.0
"""Waits that the API may ask for before one answer, and how long each may be, in seconds."""

_START, _END = "start_date", "end_date"
_TOO_LONG = frozenset({Kind.BAD_REQUEST, Kind.TOO_LARGE, Kind.TIMEOUT, Kind.SERVER_ERROR})


class Unanswered(Exception):  # noqa: N818 # reads as what happened
    """The API does not answer now; the backfill can go on later from where it is."""


@dataclass(frozen=True, slots=True)
class Question:
    """A call about a range, apart from what asks for it."""

    org: Org
    call: Call
    span: Span

    @classmethod
    def of(cls, org: Org, call: Call) -> "Question":
        """Return the question that a call puts. Raises KeyError for a call without dates."""
        beyond = timedelta(days=org.range_end == "exclusive")
        first, last = (date.fromisoformat(call.query[name]) for name in (_START, _END))
        return cls(org, call, Span(first, last - beyond))

    def about(self, span: Span) -> "Question":
        """Return the same question about another range."""
        beyond = timedelta(days=self.org.range_end == "exclusive")
        dates = {_START: span.first.isoformat(), _END: (span.last + beyond).isoformat()}
        call = replace(self.call, query={**self.call.query, **dates})
        return replace(self, call=call, span=span)

    @property
    def key(self) -> str:
        """Return what tells the question from all others of the same configuration."""
        call = self.call
        parts = (self.org.key, call.endpoint.name, sorted(call.names.items()))
        return json.dumps((*parts, sorted(call.query.items())), ensure_ascii=False)


def pieces(span: Span, reach: int) -> list[Span]:
    """Return `span` in as few pieces of at most `reach` days as there can be, about equal."""
    count = -(-len(span) // reach)
    cuts = [span.first + timedelta(days=len(span) * place // count) for place in range(count + 1)]
    return [Span(first, after - timedelta(days=1)) for first, after in pairwise(cuts)]


class Desk:
    """Stands in for the API client of the collectors. `hull` is all that may be asked about."""

    def __init__(
        self,
        api: Asker,
        ledger: Ledger,
        clock: Clock,
        *,
        hull: Span,
        reach: int = REACH,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._api = api
        self._ledger = ledger
        self._clock = clock
        self._hull = hull
        self._pieces = pieces(hull, reach)
        self._sleep = sleep
        self._parts: dict[str, Part] = {}
        self._asking: dict[str, asyncio.Task[Kept]] = {}

    async def get(self, account: Org, call: Call) -> bytes:
        """Return a body that reads as the API's answer to `call`.

        Raises `ApiError` as the client does, but where the API does not answer, `Unanswered`.
        """
        form = FORMS.get(call.endpoint)
        if form is None or _START not in call.query:
            text = f"{account.key}: {call.endpoint.template} does not tell of the past"
            raise Refused(text, kind=Kind.NOT_FOUND, asked=False)
        question = Question.of(account, call)
        body = await self._cut(form, question)
        if body is None:
            kept = await self._answer(form, question)
            body = UNREADABLE if kept.body is None else kept.body
        return body

    async def close(self) -> None:
        """Break off the questions under way."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def needs(self, question: Question) -> Iterator[Question]:
        """Yield what is asked of the API first to answer a question."""
        if FORMS[question.call.endpoint].cut is None:
            yield question
        else:
            yield from (question.about(piece) for piece in self._touching(question.span))

    def _touching(self, span: Span) -> list[Span]:
        if span.first not in self._hull or span.last not in self._hull:
            return []
        return [p for p in self._pieces if p.first <= span.last and span.first <= p.last]

    async def _cut(self, form: Form, question: Question) -> bytes | None:
        """Return what the long answers tell, or None if that is not certain."""
        if form.cut is None:
            return None
        found: list[Part] = []
        for piece in self._touching(question.span):
            found += await self._find(form, question, piece)
        if sum(part.covered(question.span) for part in found) < len(question.span):
            return None
        return form.cut(found, question.span)

    async def _find(self, form: Form, question: Question, piece: Span) -> list[Part]:
        """Return the parts that tell of `piece` as far as `question` needs it."""
        if piece.last < question.span.first or question.span.last < piece.first:
            return []
        assert form.part is not None
        asked = question.about(piece)
        key = asked.key
        if key not in self._parts:
            kept = await self._answer(form, asked)
            if kept.body is None:
                if len(piece) <= LEAST:
                    return []
                halves = pieces(piece, -(-len(piece) // 2))
                return [p for half in halves for p in await self._find(form, question, half)]
            if kept.body == UNREADABLE:
                return []
            self._parts[key] = form.part(kept, piece)
        return [self._parts[key]]

    async def _answer(self, form: Form, question: Question) -> Kept:
        """Return the kept answer to a question, which is asked of the API only once."""
        key = question.key
        kept = self._ledger.answer(key)
        if kept is None:
            task = self._asking.get(key)
            if task is None:
                task = asyncio.create_task(self._ask(form, question))
                self._asking[key] = task
                task.add_done_callback(lambda done: self._asked(key, done))
            kept = await asyncio.shield(task)
        return kept

    def _asked(self, key: str, task: asyncio.Task[Kept]) -> None:
        del self._asking[key]
        if not task.cancelled():
            task.exception()  # seen, though everybody who waited for it may have left

    async def _ask(self, form: Form, question: Question) -> Kept:
        long = form.cut is not None and len(question.span) > LEAST
        try:
            kept = form.keep(await self._patiently(question, long=long))
        except PayloadError as error:
            kept = Kept(UNREADABLE, {error.reason: 1})
        except ApiError as error:
            if not long or error.kind not in _TOO_LONG:
                raise
            kept = Kept(None, {})
        self._ledger.keep(question.key, kept)
        return kept

    async def _patiently(self, question: Question, *, long: bool) -> bytes:
        """Ask, and wait as long as the API asks to; give up where it gives no answer at all."""
        attempt = holds = 0
        while True:
            try:
                return await self._api.get(question.org, question.call)
            except RateLimited as held:
                wait = held.retry_at - self._clock.monotonic()
                holds += 1
                if wait > HOLD_AT_MOST or holds > HOLDS:
                    raise Unanswered(str(held)) from None
                await self._sleep(max(wait, 0.1))
            except Unavailable as error:
                attempt += 1
                if long and error.kind in _TOO_LONG:
                    raise
                if attempt == ATTEMPTS:
                    raise Unanswered(str(error)) from None
                await self._sleep(min(PAUSE * 2**attempt, PAUSE_AT_MOST))
