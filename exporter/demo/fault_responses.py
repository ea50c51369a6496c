"""Fault injection: what each kind of fault does to a response."""

import json
import zlib
from asyncio import sleep
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from http.client import responses
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
_JSON = "application/json"
_HTML = "text/html"
_CHUNK = 1024 * 1024
_DEPTH = 100_000
_ENDLESS = 1_000_000_000


def http_date(moment: datetime) -> str:
    """Return a moment as HTTP headers write it."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


@dataclass(frozen=True, slots=True)
class _Call:
    """One request that a fault affects: its query and its correct response."""

    fault: Fault
    query: Mapping[str, str]
    correct: Response

    @property
    def body(self) -> bytes:
        """Return the correct body."""
        return bytes(self.correct.body)


class FaultMiddleware:
    """ASGI middleware that applies the faults of a plan."""

    def __init__(self, app: ASGIApp, *, plan: FaultPlan, now: Callable[[], datetime]) -> None:
        """Apply `plan` to the responses of `app`."""
        self._app = app
        self._plan = plan
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or respond as the fault wants."""
        now = self._now()
        fault = self._plan.pick(target_of(scope), now) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        query = query_of(scope)
        first = urlencode({**query, "page": ""}).encode()
        endless = fault.kind is Kind.ENDLESS_PAGES
        changed = {**scope, "query_string": first} if endless else scope
        call = _Call(fault, query, await self._correct(changed, receive))
        response = _APPLY[fault.kind](call)
        if isinstance(response, Response):
            response.headers.setdefault("date", http_date(now))
        await response(scope, receive, send)

    async def _correct(self, scope: Scope, receive: Receive) -> Response:
        response = Response()

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                response.status_code = message["status"]
                response.raw_headers = list(message["headers"])
            else:
                response.body = bytes(response.body) + message.get("body", b"")

        await self._app(scope, receive, keep)
        return response


def _status(call: _Call) -> Response:
    fault = call.fault
    reason = responses.get(fault.status, f"Server Error ({fault.status})")
    if fault.body == "html":
        response = Response(_PAGE.format(title=reason), fault.status, media_type=_HTML)
    else:
        response = Response(json.dumps({"detail": reason}), fault.status, media_type=_JSON)
    if isinstance(fault.retry_after, datetime):
        response.headers["retry-after"] = http_date(fault.retry_after)
    elif fault.retry_after is not None:
        response.headers["retry-after"] = f"{fault.retry_after:g}"
    return response


def _timeout(_: _Call) -> ASGIApp:
    async def wait(_: Scope, receive: Receive, __: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    return wait


def _drip(call: _Call) -> ASGIApp:
    return _in_pieces(call, [bytes((byte,)) for byte in call.body], call.fault.seconds)


def _cut(call: _Call) -> ASGIApp:
    return _in_pieces(call, [call.body[: len(call.body) // 2]], 0)


def _in_pieces(call: _Call, pieces: Sequence[bytes], seconds: float) -> ASGIApp:
    """Send the correct response piece by piece; without the last piece, the server cuts it off."""

    async def respond(_: Scope, __: Receive, send: Send) -> None:
        start = {"status": call.correct.status_code, "headers": call.correct.raw_headers}
        await send({"type": "http.response.start", **start})
        left = len(call.body)
        for piece in pieces:
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
            await sleep(seconds)

    return respond


def _truncated(call: _Call) -> Response:
    return Response(call.body[: len(call.body) // 2], media_type=_JSON)


def _json(call: _Call) -> Response:
    payload = call.fault.payload
    if payload in _WHOLE:
        return Response(_WHOLE[payload], media_type=_JSON)
    return Response(json.dumps(_CHANGE[payload](json.loads(call.body))), media_type=_JSON)


def _html(_: _Call) -> Response:
    return Response(_PAGE.format(title="Sign in"), media_type=_HTML)


def _content_type(call: _Call) -> Response:
    return Response(call.body, media_type="text/plain")


def _huge(call: _Call) -> Response:
    return StreamingResponse(_filler(call.fault.size), media_type=_JSON)


def _gzip_bomb(call: _Call) -> Response:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)

    def pieces() -> Iterator[bytes]:
        yield from map(packer.compress, _filler(call.fault.size))
        yield packer.flush()

    return StreamingResponse(pieces(), headers={"content-encoding": "gzip"}, media_type=_JSON)


def _endless_pages(call: _Call) -> Response:
    """Return the first page of a list, whatever the query says, with rows that are always new."""
    page = call.query.get("page", "1")
    payload = json.loads(call.body)
    if "pagination" in payload:
        for row in payload.get("data", ()):
            row |= {key: f"{row[key]}~{page}" for key in ("course_id", "username") if key in row}
        payload["pagination"] |= {
            "currentPage": int(page) if page.lstrip("-").isdigit() else 1,
            "totalItems": _ENDLESS,
            "totalPages": _ENDLESS,
        }
    return Response(json.dumps(payload), media_type=_JSON)


def _redirect(call: _Call) -> Response:
    status = call.fault.status if 300 <= call.fault.status < 400 else 302
    headers = {"location": call.fault.location}
    return Response("", status, headers=headers, media_type=_HTML)


def _clock_skew(call: _Call) -> Response:
    date = parsedate_to_datetime(call.correct.headers["date"])
    call.correct.headers["date"] = http_date(date + timedelta(seconds=call.fault.seconds))
    return call.correct


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
_APPLY: Mapping[Kind, Callable[[_Call], ASGIApp]] = {
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
