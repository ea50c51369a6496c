"""Fault injection: what each kind of fault does to a response."""

import json
import zlib
from asyncio import sleep
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.demo.faults import Fault, FaultPlan, Kind, Payload
from exporter.demo.target import query_of, target_of

_PAGE = (
    "<!doctype html><html><head><title>{title}</title></head>"
    "<body><h1>{title}</h1><p></p></body></html>"
)
_REASONS = {
    400: "Invalid parameters.",
    401: "Invalid token.",
    403: "You do not have permission to access this resource",
    404: "Not found.",
    429: "Request was throttled.",
    502: "Bad Gateway",
    503: "Service Unavailable",
}
_JSON = "application/json"
_HTML = "text/html"
_CHUNK = 1024 * 1024
_DEPTH = 100_000
_ENDLESS = 1_000_000_000


def http_date(moment: datetime) -> str:
    """Return a moment as HTTP headers write it."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


class FaultMiddleware:
    """ASGI middleware that applies the faults of a plan."""

    def __init__(self, app: ASGIApp, *, plan: FaultPlan, now: Callable[[], datetime]) -> None:
        """Apply `plan` to the responses of `app`."""
        self._app = app
        self._plan = plan
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or apply a fault."""
        now = self._now()
        fault = self._plan.pick(target_of(scope), now) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        response = await _APPLY[Kind(fault.kind)](_Call(fault, self._app, scope, receive, now))
        if response is not None:
            response.headers.setdefault("date", http_date(now))
            await response(scope, receive, send)


@dataclass(frozen=True, slots=True)
class _Call:
    """One request that a fault affects."""

    fault: Fault
    app: ASGIApp
    scope: Scope
    receive: Receive
    now: datetime

    async def correct(self, **query: str) -> Response:
        """Return the correct response, to a query that is changed if one is given."""
        response = Response()

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                response.status_code = message["status"]
                response.raw_headers = list(message["headers"])
            else:
                response.body = bytes(response.body) + message.get("body", b"")

        changed = urlencode({**query_of(self.scope), **query}).encode()
        await self.app({**self.scope, "query_string": changed}, self.receive, keep)
        return response


class _Pieces(Response):
    """The correct response, sent piece by piece; without the last of them it is cut off."""

    def __init__(self, correct: Response, *, pieces: Sequence[bytes], seconds: float) -> None:
        super().__init__(correct.body, correct.status_code)
        self.raw_headers = correct.raw_headers
        self._pieces = pieces
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Send status and headers, and the pieces with `seconds` after each."""
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        left = len(self.body)
        for piece in self._pieces:
            left -= len(piece)
            # A response that is not complete makes the server close the connection.
            await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
            await sleep(self._seconds)


async def _status(call: _Call) -> Response:
    fault = call.fault
    reason = _REASONS.get(fault.status, f"Server Error ({fault.status})")
    if fault.body == "html":
        response = Response(_PAGE.format(title=reason), fault.status, media_type=_HTML)
    else:
        response = Response(json.dumps({"detail": reason}), fault.status, media_type=_JSON)
    if isinstance(fault.retry_after, datetime):
        response.headers["retry-after"] = http_date(fault.retry_after)
    elif fault.retry_after is not None:
        response.headers["retry-after"] = f"{fault.retry_after:g}"
    return response


async def _timeout(call: _Call) -> None:
    while (await call.receive())["type"] != "http.disconnect":
        pass


async def _drip(call: _Call) -> Response:
    correct = await call.correct()
    pieces = [bytes((byte,)) for byte in bytes(correct.body)]
    return _Pieces(correct, pieces=pieces, seconds=call.fault.seconds)


async def _cut(call: _Call) -> Response:
    correct = await call.correct()
    body = bytes(correct.body)
    return _Pieces(correct, pieces=[body[: len(body) // 2]], seconds=0)


async def _truncated(call: _Call) -> Response:
    body = (await call.correct()).body
    return Response(body[: len(body) // 2], media_type=_JSON)


async def _json(call: _Call) -> Response:
    payload = Payload(call.fault.payload)
    if payload in _WHOLE:
        return Response(_WHOLE[payload], media_type=_JSON)
    correct = json.loads(bytes((await call.correct()).body))
    return Response(json.dumps(_CHANGE[payload](correct)), media_type=_JSON)


async def _html(_: _Call) -> Response:
    return Response(_PAGE.format(title="Sign in"), media_type=_HTML)


async def _content_type(call: _Call) -> Response:
    return Response((await call.correct()).body, media_type="text/plain")


async def _huge(call: _Call) -> Response:
    return StreamingResponse(_filler(call.fault.size), media_type=_JSON)


async def _gzip_bomb(call: _Call) -> Response:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)

    def pieces() -> Iterator[bytes]:
        yield from map(packer.compress, _filler(call.fault.size))
        yield packer.flush()

    return StreamingResponse(pieces(), headers={"content-encoding": "gzip"}, media_type=_JSON)


async def _endless_pages(call: _Call) -> Response:
    page = query_of(call.scope).get("page", "1")
    # The first page of the list, whatever the query says, with rows that are always new.
    answer = json.loads(bytes((await call.correct(page="")).body))
    if "pagination" in answer:
        for row in answer.get("data", ()):
            row |= {key: f"{row[key]}~{page}" for key in ("course_id", "username") if key in row}
        answer["pagination"] |= {
            "currentPage": int(page) if page.lstrip("-").isdigit() else 1,
            "totalItems": _ENDLESS,
            "totalPages": _ENDLESS,
        }
    return Response(json.dumps(answer), media_type=_JSON)


async def _redirect(call: _Call) -> Response:
    status = call.fault.status if 300 <= call.fault.status < 400 else 302
    headers = {"location": call.fault.location}
    return Response("", status, headers=headers, media_type=_HTML)


async def _clock_skew(call: _Call) -> Response:
    response = await call.correct()
    response.headers["date"] = http_date(call.now + timedelta(seconds=call.fault.seconds))
    return response


def _filler(size: int) -> Iterator[bytes]:
    """Yield `size` bytes of white space, which JSON allows before a value, and the value."""
    blank = b" " * _CHUNK
    for first in range(0, size, _CHUNK):
        yield blank[: size - first]
    yield b"{}"


def _replace(value: Any, *, number: Any = None, text: str | None = None) -> Any:
    """Return a copy of `value` with `number` for each number, or `text` for each text."""
    if isinstance(value, dict):
        return {k: _replace(v, number=number, text=text) for k, v in value.items()}
    if isinstance(value, list):
        return [_replace(item, number=number, text=text) for item in value]
    if isinstance(value, str):
        return value if text is None else text
    return number if text is None else value


def _without_costs(payload: Any) -> Any:
    """Return what the platform returns while its store of costs is unreachable."""
    if not isinstance(payload, dict):
        return []
    overtime = [{**day, "value": 0} for day in payload.get("overtime", ())]
    costs = {"value": None, "total_cost": None, "rows": [], "overtime": overtime}
    return {**payload, **{name: cost for name, cost in costs.items() if name in payload}}


_WHOLE: Mapping[Payload, str] = {
    Payload.NULL: "null",
    Payload.LIST: "[]",
    Payload.TEXT: '"ok"',
    Payload.EMPTY: "",
    Payload.DEEP: "[" * _DEPTH + "]" * _DEPTH,
}
_CHANGE: Mapping[Payload, Callable[[Any], Any]] = {
    Payload.WORDS: partial(_replace, number="many"),
    Payload.NULLS: partial(_replace, number=None),
    Payload.NAN: partial(_replace, number=float("nan")),
    Payload.INFINITY: partial(_replace, number=float("inf")),
    Payload.SURROGATES: partial(_replace, text="\ud83d"),
    Payload.NO_COSTS: _without_costs,
}
_APPLY: Mapping[Kind, Callable[[_Call], Awaitable[Response | None]]] = {
    Kind.STATUS: _status,
    Kind.TIMEOUT: _timeout,
    Kind.DRIP: _drip,
    Kind.CUT: _cut,
    Kind.TRUNCATED: _truncated,
    Kind.JSON: _json,
    Kind.HTML: _html,
    Kind.CONTENT_TYPE: _content_type,
    Kind.HUGE: _huge,
    Kind.GZIP_BOMB: _gzip_bomb,
    Kind.ENDLESS_PAGES: _endless_pages,
    Kind.REDIRECT: _redirect,
    Kind.CLOCK_SKEW: _clock_skew,
}
