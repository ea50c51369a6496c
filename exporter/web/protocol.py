"""An HTTP connection with limits on sizes and times, which apply before authentication.

A request has a limited size and must arrive in a limited time. The client must also receive its
response in a limited time. uvicorn's protocol does the rest.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_CHUNK = 4096
"""Bytes parsed between two checks of the limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a client may send, in bytes, and how long it may take, in seconds."""

    head: int = 64 * 1024
    """Request line and headers."""

    body: int = 64 * 1024
    """Request body; no endpoint takes one."""

    receive: float = 10.0
    """For a TLS handshake, and for a request, from its first byte or the connection on."""

    keep_alive: int = 65
    """For an idle connection: longer than common proxies keep theirs (60). Also for a client to
    receive a response."""

    linger: float = 5.0
    """For discarding what a rejected client still sends. If the connection was closed at once, it
    would be reset before the client could read the response."""


class LimitedProtocol(HttpToolsProtocol):
    """A connection that cannot occupy memory or a slot for long."""

    def __init__(
        self, *, limits: Limits, is_allowed: Callable[[asyncio.Transport], bool], **options: Any
    ) -> None:
        """`is_allowed` decides after the TLS handshake whether the client may send requests."""
        super().__init__(**options)
        self._limits = limits
        self.closed = self.loop.create_future()
        self.waiting_since = time.monotonic_ns()  # the loop's clock has only ms
        self.connected = False  # True after the TLS handshake
        self._is_allowed = is_allowed
        self._deadline: asyncio.TimerHandle | None = None
        self._write_deadline: asyncio.TimerHandle | None = None
        self._received = 0  # bytes of the head, or of the body, so far
        self._in_head = True
        self._receiving = False  # between the first and the last byte of a request
        self._request_begun = False  # whether the parser found the start of a request
        self._rejected = False

    @property
    def busy(self) -> bool:
        """Whether a response is being made or sent."""
        return self.connected and (
            (self.cycle is not None and not self.cycle.response_complete)
            or self.transport.get_write_buffer_size() > 0
        )

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self.connected = True
        if self._is_allowed(transport):
            self._begin_receiving()
        else:
            self._rejected = True
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel all timers."""
        self._receiving = False
        for timer in (self._deadline, self._write_deadline):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)
        if not self.closed.done():
            self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, within the limits."""
        for at in range(0, len(data), _CHUNK):
            if self._rejected or self.transport.is_closing():
                return
            if not self._receiving:
                self._begin_receiving()
            chunk = data[at : at + _CHUNK]
            self._received += len(chunk)
            super().data_received(chunk)
            if self._received > (self._limits.head if self._in_head else self._limits.body):
                self._reject(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
                    if self._in_head
                    else HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                )

    def on_message_begin(self) -> None:
        """Start to count the bytes of a request."""
        if not self._receiving:  # pipelined
            self._begin_receiving()
        self._received, self._in_head, self._request_begun = 0, True, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start the application, unless the request is too large."""
        head = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        length = next((value for name, value in self.headers if name == b"content-length"), b"0")
        if head > self._limits.head:
            self._reject(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif int(length) > self._limits.body:
            self._reject(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            super().on_headers_complete()  # raises if the target is invalid
            self._received, self._in_head = 0, False

    def on_body(self, body: bytes) -> None:
        """Pass a part of the body to the application."""
        if not self._rejected:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the time limit of the request."""
        if self._rejected:
            return
        self._receiving = self._request_begun = False
        self._cancel_deadline()
        self._received, self._in_head = 0, True
        self.waiting_since = time.monotonic_ns()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the client to receive the rest of the response."""
        self.waiting_since = time.monotonic_ns()
        super().on_response_complete()
        if self.transport.is_closing():
            self._set_deadline(self._limits.keep_alive, self.transport.abort)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        """Reject what is not HTTP."""
        self._reject(HTTPStatus.BAD_REQUEST)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was idle for too long, or whose response is not received."""
        self._close()

    def shutdown(self) -> None:
        """Close at once, or after the current response."""
        if self._rejected:
            self.transport.abort()
        else:
            super().shutdown()

    def pause_writing(self) -> None:
        """Limit the time of a client that reads slowly."""
        super().pause_writing()
        if self._write_deadline is None:
            self._write_deadline = self.loop.call_later(
                self._limits.keep_alive, self.transport.abort
            )

    def resume_writing(self) -> None:
        """Continue: the client has received what was buffered."""
        super().resume_writing()
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    def _begin_receiving(self) -> None:
        self._receiving = True
        self._received, self._in_head = 0, True
        self._set_deadline(self._limits.receive, self._request_timed_out)

    def _request_timed_out(self) -> None:
        """Reject a request that did not arrive in time. Close a connection without a request."""
        if self._in_head and self._request_begun:
            self._reject(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._close()

    def _reject(self, status: HTTPStatus) -> None:
        """Respond with an error, and ignore everything else on the connection."""
        if self._rejected:
            return
        self._rejected = True
        self._unset_keepalive_if_required()
        in_progress = self.cycle is not None and not self.cycle.response_complete
        if in_progress and (self._in_head or self.pipeline or self.cycle.response_started):
            # This response cannot overtake the one in progress.
            self.transport.abort()
            return
        if in_progress:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.flow.resume_reading()  # to discard the rest
        if in_progress or self._in_head:
            self.transport.write(_response(status))
        # Otherwise it was responded to, and its body has not ended.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._set_deadline(self._limits.linger, self.transport.abort)

    def _close(self) -> None:
        # `close` waits until everything is sent, which may never happen.
        if self.busy:
            self.transport.abort()
        else:
            self.transport.close()

    def _set_deadline(self, seconds: float, act: Callable[[], None]) -> None:
        self._cancel_deadline()
        self._deadline = self.loop.call_later(seconds, act)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _response(status: HTTPStatus) -> bytes:
    text = f"{status.phrase}\n"
    return (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "content-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(text)}\r\n"
        f"connection: close\r\n\r\n{text}"
    ).encode()
