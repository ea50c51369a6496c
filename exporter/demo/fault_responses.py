"""Fault injection: what each kind of fault does to a response."""

import json
import zlib
from asyncio import sleep
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

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
_HTML = "text/html; charset=utf-8"
_CHUNK = 1024 * 1024
_DEPTH = 100_000
_ENDLESS = 1_000_000_000

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class _Call:
    """One request that a fault affects, and the means to respond."""

    fault: Fault
    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    now: datetime

    async def start(self, status: int, content_type: str, **headers: str) -> None:
        """Send status and headers; the names of further `headers` with `_` for `-`."""
        given = {"content-type": content_type, "date": http_date(self.now), **headers}
        pairs = [(k.replace("_", "-").encode(), v.encode()) for k, v in given.items()]
        await self.pass_on(status, pairs)

    async def pass_on(self, status: int, headers: Headers) -> None:
        """Send status and headers as they are."""
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def body(self, body: bytes, *, more: bool = False) -> None:
        """Send a piece of the body."""
        await self.send({"type": "http.response.body", "body": body, "more_body": more})

    async def respond(self, status: int, content_type: str, text: str, **headers: str) -> None:
        """Send a whole response."""
        body = text.encode("utf-8", "surrogatepass")
        await self.start(status, content_type, content_length=str(len(body)), **headers)
        await self.body(body)

    async def correct(self, **query: str) -> tuple[int, Headers, bytes]:
        """Return the correct response, to a query that is changed if one is given."""
        status, headers, body = 500, Headers(), b""

        async def keep(message: Message) -> None:
            nonlocal status, headers, body
            if message["type"] == "http.response.start":
                status, headers = message["status"], list(message["headers"])
            else:
                body += message.get("body", b"")

        changed = urlencode({**query_of(self.scope), **query}).encode()
        await self.app({**self.scope, "query_string": changed}, self.receive, keep)
        return status, headers, body


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
        else:
            await _APPLY[Kind(fault.kind)](_Call(fault, self._app, scope, receive, send, now))


async def _status(call: _Call) -> None:
    fault = call.fault
    reason = _REASONS.get(fault.status, f"Server Error ({fault.status})")
    headers = {}
    if isinstance(fault.retry_after, datetime):
        headers["retry_after"] = http_date(fault.retry_after)
    elif fault.retry_after is not None:
        headers["retry_after"] = f"{fault.retry_after:g}"
    if fault.body == "html":
        await call.respond(fault.status, _HTML, _PAGE.format(title=reason), **headers)
    else:
        await call.respond(fault.status, _JSON, json.dumps({"detail": reason}), **headers)


async def _timeout(call: _Call) -> None:
    while (await call.receive())["type"] != "http.disconnect":
        pass


async def _drip(call: _Call) -> None:
    status, headers, body = await call.correct()
    await call.pass_on(status, headers)
    for place in range(len(body)):
        await call.body(body[place : place + 1], more=place + 1 < len(body))
        await sleep(call.fault.seconds)


async def _cut(call: _Call) -> None:
    status, headers, body = await call.correct()
    await call.pass_on(status, headers)
    # Without the rest of what Content-Length promises the server closes the connection.
    await call.body(body[: len(body) // 2], more=True)


async def _truncated(call: _Call) -> None:
    _, _, body = await call.correct()
    await call.respond(200, _JSON, body[: len(body) // 2].decode("utf-8", "ignore"))


async def _json(call: _Call) -> None:
    payload = Payload(call.fault.payload)
    if payload in _WHOLE:
        await call.respond(200, _JSON, _WHOLE[payload])
        return
    _, _, body = await call.correct()
    await call.respond(200, _JSON, json.dumps(_CHANGE[payload](json.loads(body))))


async def _html(call: _Call) -> None:
    await call.respond(200, _HTML, _PAGE.format(title="Sign in"))


async def _content_type(call: _Call) -> None:
    _, _, body = await call.correct()
    await call.respond(200, "text/plain; charset=utf-8", body.decode())


async def _huge(call: _Call) -> None:
    await call.start(200, _JSON)
    for piece in _filler(call.fault.size):
        await call.body(piece, more=True)
    await call.body(b"{}")


async def _gzip_bomb(call: _Call) -> None:
    await call.start(200, _JSON, content_encoding="gzip")
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    for piece in _filler(call.fault.size):
        await call.body(packer.compress(piece), more=True)
        await sleep(0)
    await call.body(packer.compress(b"{}") + packer.flush())


async def _endless_pages(call: _Call) -> None:
    page = query_of(call.scope).get("page", "1")
    # The first page of the list, whatever the query says, with rows that are always new.
    _, _, body = await call.correct(page="")
    answer = json.loads(body)
    for row in answer.get("data", ()) if "pagination" in answer else ():
        for key in ("course_id", "username"):
            if key in row:
                row[key] += f"~{page}"
    if "pagination" in answer:
        now = int(page) if page.lstrip("-").isdigit() else 1
        answer["pagination"] |= {
            "currentPage": now,
            "totalItems": _ENDLESS,
            "totalPages": _ENDLESS,
        }
    await call.respond(200, _JSON, json.dumps(answer))


async def _redirect(call: _Call) -> None:
    status = call.fault.status if 300 <= call.fault.status < 400 else 302
    await call.respond(status, _HTML, "", location=call.fault.location)


async def _clock_skew(call: _Call) -> None:
    status, headers, body = await call.correct()
    date = http_date(call.now + timedelta(seconds=call.fault.seconds)).encode()
    await call.pass_on(status, [(k, date if k == b"date" else v) for k, v in headers])
    await call.body(body)


def _filler(size: int) -> Iterator[bytes]:
    """Yield `size` bytes of white space, which JSON allows before a value."""
    blank = b" " * _CHUNK
    for first in range(0, size, _CHUNK):
        yield blank[: size - first]


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
    """Return what the platform says while its store of costs is unreachable."""
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
_APPLY: Mapping[Kind, Callable[[_Call], Awaitable[None]]] = {
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
