"""Errors of the API client, by what collectors do about them.

The text of every error is one sentence a person can act on. It names the org and the endpoint,
never a key, a query or a person.
"""

from enum import StrEnum
from http import HTTPStatus


class Kind(StrEnum):
    """What went wrong. A closed set: it is a label value if there is no whole response."""

    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    TLS = "tls"
    CUT = "cut"  # the connection ended before the response did
    PROXY = "proxy"  # a proxy sent an error of its own
    PROTOCOL = "protocol"  # the response is not HTTP
    SERVER_ERROR = "server_error"
    BAD_REQUEST = "bad_request"
    REDIRECT = "redirect"
    CONTENT = "content"  # an empty body, a web page, or something else that is not JSON
    ENCODING = "encoding"
    TOO_LARGE = "too_large"
    NO_KEY = "no_key"
    BAD_KEY = "bad_key"


class ApiError(Exception):
    """No usable response. `sent` is False if no request was sent.

    `from_api` is True if the API itself responded with `status`: its body is JSON, empty, or
    Django's own page. Any other page may come from a proxy or a firewall on the way.
    """

    def __init__(
        self,
        text: str,
        *,
        kind: Kind,
        status: int | None = None,
        sent: bool = True,
        from_api: bool = False,
    ) -> None:
        super().__init__(text)
        self.kind = kind
        self.status = status
        self.sent = sent
        self.from_api = from_api

    @property
    def gone(self) -> bool:
        """Whether the API itself responded that there is no such endpoint."""
        return self.from_api and self.status in _GONE


class RejectedError(ApiError):
    """The status is 401, 403 or 404. Unless `from_api` is True, it may not be the API's."""


class RateLimitedError(ApiError):
    """The API asked to wait until `retry_at`, in monotonic seconds."""

    def __init__(
        self, text: str, *, retry_at: float, status: int | None = None, sent: bool = True
    ) -> None:
        super().__init__(text, kind=Kind.RATE_LIMITED, status=status, sent=sent)
        self.retry_at = retry_at


class UnavailableError(ApiError):
    """No response, or one that reports a temporary problem. A retry may succeed."""


class BadResponseError(ApiError):
    """A response that a retry would not change."""


_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_PARTIAL = frozenset({Kind.CUT, Kind.TOO_LARGE, Kind.ENCODING})
_STATUSES = frozenset(HTTPStatus)


def error_label(error: ApiError) -> str:
    """Return the status of a whole response, or else the kind of the error."""
    if error.status is None or error.kind in _PARTIAL:
        return error.kind
    return status_label(error.status)


def status_label(status: int) -> str:
    """Return a status as one of a closed set: by its first digit if it is not a known one."""
    return str(status) if status in _STATUSES else f"{status // 100}xx"
