"""Answers judged: a JSON body, or an error that says what came instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

import httpx

from exporter.api.body import BodyError, TooLargeError, TruncatedError, read_body
from exporter.api.errors import ApiError, BadAnswer, Kind, Refused, Unavailable
from exporter.api.hints import clean, read_hint
from exporter.api.retry_after import read_retry_after

_MAX_HINT_BODY = 64 * 1024
_MAX_LOCATION = 200
_JSON = frozenset({"application/json", "text/json"})
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_OTHERS = frozenset({
    "application/octet-stream", "application/xml", "text/csv", "text/plain", "text/xml",
})  # fmt: skip
"""Types that an error may name: a header may hold anything, the key too."""

_WHITE = b" \t\r\n\xef\xbb\xbf"

_REFUSALS = {
    401: Kind.UNAUTHORIZED,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
}

_MEANINGS = {
    401: "the key is wrong or expired, or does not belong to this org and user",
    403: "the key may not read this",
    404: "this deployment has no such endpoint, or does not know the org",
    4: "the request was turned down",
    5: "the server failed",
}
"""What a status means to an operator; by its first digit where there is no closer entry."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What an error is about: who asked for what. `key` is there to be kept out of its text."""

    org: str
    endpoint: str
    subject: str
    key: str

    def says(self, text: str) -> str:
        """Return a sentence without the path's names, since one of them may be a person's."""
        about = f" ({clean(self.subject, key=self.key)})" if self.subject else ""
        return f"{self.org}: {self.endpoint}{about}: {text}"


class SlowDown(Exception):  # noqa: N818 # a request of the API, no error of ours
    """The API asks to wait: so many seconds, or for as long as one thinks right."""

    def __init__(self, *, status: int, seconds: float | None, hint: str) -> None:
        super().__init__(status)
        self.status = status
        self.seconds = seconds
        self.hint = hint


class Redirected(Exception):  # noqa: N818 # see above
    """The answer points elsewhere, and is not to be followed with the key."""

    def __init__(self, *, status: int, location: str) -> None:
        super().__init__(status)
        self.status = status
        self.location = location


async def stop_redirect(response: httpx.Response) -> None:
    """Raise `Redirected` before httpx makes a request of the address."""
    if response.has_redirect_location:
        raise Redirected(status=response.status_code, location=response.headers["location"])


def redirect_error(redirected: Redirected, *, topic: Topic, url: str) -> BadAnswer:
    """Return the error that says where `url` was redirected to, without query or user."""
    try:
        there = urlsplit(urljoin(url, redirected.location))
        host = there.netloc.rpartition("@")[2]
        path = "/".join(clean(part, key=topic.key) for part in _printable(there.path).split("/"))
        place = _printable(f"{there.scheme}://{host}").replace(topic.key, "…") + path
    except ValueError:
        place = "an address that cannot be read"
    place = place[:_MAX_LOCATION]
    return BadAnswer(
        topic.says(f"{redirected.status}, redirected to {place}; set base_url to where the API is"),
        kind=Kind.REDIRECT,
        status=redirected.status,
    )


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())


async def read_answer(
    response: httpx.Response, *, topic: Topic, limit: int, now: datetime
) -> bytes:
    """Return the JSON body of a 2xx answer.

    Raises `ApiError`, `SlowDown`, and what httpx raises while reading.
    """
    headers = _headers(response)
    if not response.is_success:
        raise await _failure(response, headers, topic=topic, now=now)
    media = _media(headers)
    if media and not _is_json(media):
        raise _not_json(topic, response.status_code, media)
    try:
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            raise TooLargeError
        body = await _body(response, headers, limit=limit)
    except BodyError as error:
        raise _unreadable(error, topic=topic, status=response.status_code, limit=limit) from None
    start = body[:64].lstrip(_WHITE)[:1]
    if not start and not body[64:].strip(_WHITE):
        text = topic.says(f"sent nothing (status {response.status_code})")
        raise BadAnswer(text, kind=Kind.CONTENT, status=response.status_code)
    if not media and start not in {b"{", b"["}:
        raise _not_json(topic, response.status_code, "text/html" if start == b"<" else "")
    return body


Headers = Mapping[str, str]
"""Headers by name in lower case; what is given several times is joined."""


def _headers(response: httpx.Response) -> Headers:
    """Return the headers, read in one go: httpx looks through all of them for each."""
    headers: dict[str, str] = {}
    for name, value in response.headers.raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


async def _body(response: httpx.Response, headers: Headers, *, limit: int) -> bytes:
    encoding = headers.get("content-encoding", "")
    # As sent: httpx's own decoders know no bounds.
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return await read_body(response.stream, encoding=encoding, limit=limit)


def _media(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _is_json(media: str) -> bool:
    return media in _JSON or media.endswith("+json")


def _not_json(topic: Topic, status: int, media: str) -> BadAnswer:
    named = media if media in _OTHERS else "something"
    what = "a web page" if media in _HTML else f"{named} instead of JSON"
    return BadAnswer(
        topic.says(f"sent {what} (status {status}); base_url may point at a web site"),
        kind=Kind.CONTENT,
        status=status,
    )


def _unreadable(error: BodyError, *, topic: Topic, status: int, limit: int) -> ApiError:
    if isinstance(error, TruncatedError):
        text = topic.says("the connection was cut in the middle of the answer")
        return Unavailable(text, kind=Kind.CUT, status=status)
    if isinstance(error, TooLargeError):
        text = topic.says(f"sent more than {limit} bytes (api.max_body)")
        return BadAnswer(text, kind=Kind.TOO_LARGE, status=status)
    return BadAnswer(topic.says(f"sent {error}"), kind=Kind.ENCODING, status=status)


async def _failure(
    response: httpx.Response, headers: Headers, *, topic: Topic, now: datetime
) -> ApiError | SlowDown:
    status = response.status_code
    retry_after = headers.get("retry-after")
    hint = await _hint(response, headers)
    if status == HTTPStatus.TOO_MANY_REQUESTS or (
        status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after is not None
    ):
        seconds = None
        if retry_after is not None:
            date = headers.get("date")
            seconds = read_retry_after(retry_after, date=date, now=now)
        return SlowDown(status=status, seconds=seconds, hint=hint)
    reason = f" ({hint})" if hint else ""
    text = topic.says(f"{status}, {_meaning(status, topic)}{reason}")
    if status in _REFUSALS:
        return Refused(text, kind=_REFUSALS[status], status=status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(text, kind=Kind.SERVER_ERROR, status=status)
    kind = Kind.BAD_REQUEST if status >= HTTPStatus.BAD_REQUEST else Kind.REDIRECT
    return BadAnswer(text, kind=kind, status=status)


def _meaning(status: int, topic: Topic) -> str:
    if status == HTTPStatus.NOT_FOUND and topic.subject:
        return "not known there, or this deployment has no such endpoint"
    return _MEANINGS.get(status) or _MEANINGS.get(status // 100, "which is no answer")


async def _hint(response: httpx.Response, headers: Headers) -> str:
    """Return what an error body says; whatever is wrong with it, the status stands."""
    media = _media(headers)
    if media in _HTML:
        return "a web page"
    if not _is_json(media):
        return ""
    try:
        body = await _body(response, headers, limit=_MAX_HINT_BODY)
    except (BodyError, httpx.HTTPError):
        return ""
    return read_hint(body)
