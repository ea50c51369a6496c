"""Reads responses of the API: the JSON body, or an error that describes the response."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from exporter.api.body import BodyError, TooLargeError, TruncatedError, read_body
from exporter.api.error_bodies import clean, error_reason
from exporter.api.errors import ApiError, BadResponseError, Kind, RejectedError, UnavailableError
from exporter.api.retry_after import read_retry_after

_MAX_ERROR_BODY = 64 * 1024
_MAX_LOCATION = 200
_JSON = frozenset({"application/json", "text/json"})
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_NAMED_TYPES = frozenset({
    "application/octet-stream", "application/xml", "text/csv", "text/plain", "text/xml",
})  # fmt: skip
"""Types that an error may name: a header may contain anything, even the key."""

_WHITE = b" \t\r\n\xef\xbb\xbf"

_REJECTIONS = {
    401: Kind.UNAUTHORIZED,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
}

_PROXY_ONLY = {
    407: "a proxy requires a login; put user and password in the proxy's URL",
    511: "the network requires a login",
}
"""Statuses of proxies and gateways. An API does not send them."""

_PROXY_HEADERS = frozenset({"proxy-authenticate", "x-squid-error", "cf-mitigated"})
"""Headers of error pages of proxies and firewalls."""

_PAGE_FROM = "a proxy, a firewall or the platform's front end sent it"

_DJANGO_404 = b"The requested resource was not found on this server."
"""Part of the 404 page of Django, the platform's framework."""

_MEANINGS = {
    401: "the key is wrong or expired, or does not belong to this org and user",
    403: "the key may not read this",
    404: "this deployment has no such endpoint, or does not know the org",
    4: "the request was rejected",
    5: "the server failed",
}
"""What a status means to an operator, by status or by its first digit."""


@dataclass(frozen=True, slots=True)
class ErrorContext:
    """What an error is about: an org, an endpoint, and maybe a course or mentor (`subject`).

    The API key is removed from texts.
    """

    org: str
    endpoint: str
    subject: str
    key: str

    def message(self, text: str) -> str:
        """Return a sentence with the template of the path: the path may name a person."""
        about = f" ({clean(self.subject, key=self.key)})" if self.subject else ""
        return f"{self.org}: {self.endpoint}{about}: {text}"


class ThrottledError(Exception):
    """The API asked to wait. `seconds` is None if it did not state how long."""

    def __init__(self, *, status: int, seconds: float | None, reason: str) -> None:
        super().__init__(status)
        self.status = status
        self.seconds = seconds
        self.reason = reason


class RedirectError(Exception):
    """The response is a redirect. Redirects are not followed, since requests carry the key."""

    def __init__(self, *, status: int, location: str) -> None:
        super().__init__(status)
        self.status = status
        self.location = location


async def reject_redirect(response: httpx.Response) -> None:
    """Raise `RedirectError` before httpx parses the address."""
    if response.has_redirect_location:
        raise RedirectError(status=response.status_code, location=response.headers["location"])


def redirect_error(
    redirected: RedirectError, *, context: ErrorContext, url: str, user_id: str
) -> BadResponseError:
    """Return the error that says where `url` was redirected to, without query and `user_id`."""
    remedy = "set base_url to where the API is"
    try:
        there = urlsplit(urljoin(url, redirected.location))
        host = there.netloc.rpartition("@")[2]
        if there.hostname != urlsplit(url).hostname:
            remedy += ", unless a proxy or firewall requires a login there"
        path = "/".join(
            "…" if unquote(part) == user_id else clean(part, key=context.key)
            for part in _printable(there.path).split("/")
        )
        place = _printable(f"{there.scheme}://{host}").replace(context.key, "…") + path
    except ValueError:
        place = "an invalid address"
    place = place[:_MAX_LOCATION]
    return BadResponseError(
        context.message(f"{redirected.status}, redirected to {place}; {remedy}"),
        kind=Kind.REDIRECT,
        status=redirected.status,
    )


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())


async def read_response(
    response: httpx.Response, *, context: ErrorContext, limit: int, now: datetime
) -> bytes:
    """Return the JSON body of a 2xx response.

    Raises `ApiError`, `ThrottledError`, and the errors of reading the body.
    """
    headers = _headers(response)
    if not response.is_success:
        raise await _failure(response, headers, context=context, now=now)
    media = _media(headers)
    if media and not _is_json(media):
        raise _not_json(context, response.status_code, media)
    try:
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            raise TooLargeError
        body = await _body(response, headers, limit=limit)
    except BodyError as error:
        raise _unreadable(
            error, context=context, status=response.status_code, limit=limit
        ) from None
    start = body[:64].lstrip(_WHITE)[:1]
    if not start and not body[64:].strip(_WHITE):
        text = context.message(f"sent an empty body (status {response.status_code})")
        raise BadResponseError(text, kind=Kind.CONTENT, status=response.status_code)
    if not media and start not in {b"{", b"["}:
        raise _not_json(context, response.status_code, "text/html" if start == b"<" else "")
    return body


Headers = Mapping[str, str]
"""Headers by name in lower case; repeated ones are joined."""


def _headers(response: httpx.Response) -> Headers:
    """Return all headers. httpx searches through all of them for each lookup."""
    headers: dict[str, str] = {}
    for name, value in response.headers.raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


async def _body(response: httpx.Response, headers: Headers, *, limit: int) -> bytes:
    encoding = headers.get("content-encoding", "")
    # Not through httpx, whose decoders have no size limit.
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return await read_body(response.stream, encoding=encoding, limit=limit)


def _media(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _is_json(media: str) -> bool:
    return media in _JSON or media.endswith("+json")


def _not_json(context: ErrorContext, status: int, media: str) -> BadResponseError:
    what = _describe(media) or "something"
    return BadResponseError(
        context.message(
            f"sent {what} instead of JSON (status {status}); base_url may point at a web site, "
            "or a proxy or a firewall sent it"
        ),
        kind=Kind.CONTENT,
        status=status,
    )


def _unreadable(error: BodyError, *, context: ErrorContext, status: int, limit: int) -> ApiError:
    if isinstance(error, TruncatedError):
        text = context.message("the connection was cut in the middle of the response")
        return UnavailableError(text, kind=Kind.CUT, status=status)
    if isinstance(error, TooLargeError):
        text = context.message(f"sent more than {limit} bytes (api.max_body)")
        return BadResponseError(text, kind=Kind.TOO_LARGE, status=status)
    return BadResponseError(context.message(f"sent {error}"), kind=Kind.ENCODING, status=status)


async def _failure(
    response: httpx.Response, headers: Headers, *, context: ErrorContext, now: datetime
) -> ApiError | ThrottledError:
    status = response.status_code
    retry_after = headers.get("retry-after")
    body = await _error_body(response, headers)
    if status == HTTPStatus.TOO_MANY_REQUESTS or (
        status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after is not None
    ):
        seconds = None
        if retry_after is not None:
            date = headers.get("date")
            seconds = read_retry_after(retry_after, date=date, now=now)
        return ThrottledError(status=status, seconds=seconds, reason=body.reason or body.page)
    if status in _PROXY_ONLY or _made_by_proxy(headers):
        return _proxy_error(status, context)
    meaning = _meaning(status, context)
    if not body.from_api:
        meaning = f"{body.page or 'something'} instead of the API's JSON; {_PAGE_FROM}"
    reason = f" ({body.reason})" if body.reason else ""
    text = context.message(f"{status}, {meaning}{reason}")
    if status in _REJECTIONS:
        return RejectedError(text, kind=_REJECTIONS[status], status=status, from_api=body.from_api)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnavailableError(text, kind=Kind.SERVER_ERROR, status=status, from_api=body.from_api)
    kind = Kind.BAD_REQUEST if status >= HTTPStatus.BAD_REQUEST else Kind.REDIRECT
    return BadResponseError(text, kind=kind, status=status, from_api=body.from_api)


def _meaning(status: int, context: ErrorContext) -> str:
    if status == HTTPStatus.NOT_FOUND and context.subject:
        return "it does not exist, or this deployment has no such endpoint"
    return _MEANINGS.get(status) or _MEANINGS.get(status // 100, "which is not a final status")


def _made_by_proxy(headers: Headers) -> bool:
    # RFC 9209: with `error`, the proxy made the response itself.
    return not _PROXY_HEADERS.isdisjoint(headers) or "error=" in headers.get("proxy-status", "")


def _proxy_error(status: int, context: ErrorContext) -> ApiError:
    meaning = _PROXY_ONLY.get(status, "an error page of a proxy or firewall on the way to the API")
    text = context.message(f"{status}, {meaning}")
    temporary = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in _PROXY_ONLY
    make = UnavailableError if temporary else BadResponseError
    return make(text, kind=Kind.PROXY, status=status)


@dataclass(frozen=True, slots=True)
class _ErrorBody:
    """The reason in an error body, or the kind of page that it is instead of the API's JSON."""

    from_api: bool
    reason: str = ""
    page: str = ""


async def _error_body(response: httpx.Response, headers: Headers) -> _ErrorBody:
    """Return what is known from an error body. A body that cannot be read has no reason."""
    media = _media(headers)
    try:
        body = await _body(response, headers, limit=_MAX_ERROR_BODY)
    except (BodyError, httpx.TransportError):
        return _ErrorBody(from_api=_is_json(media), page=_describe(media))
    start = body.lstrip(_WHITE)[:1]
    if not start or (_is_json(media) and start != b"<"):
        return _ErrorBody(from_api=True, reason=error_reason(body))
    if not media and start in {b"{", b"["}:
        return _ErrorBody(from_api=True, reason=error_reason(body))
    return _ErrorBody(from_api=_DJANGO_404 in body, page=_describe(media, start))


def _describe(media: str, start: bytes = b"") -> str:
    """Return a description of a body that is not JSON."""
    if media in _HTML or start == b"<":
        return "an HTML page"
    return media if media in _NAMED_TYPES else ""
