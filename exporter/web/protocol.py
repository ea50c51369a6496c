"""One HTTP connection, with limits on what a client may send and how long it may take.

uvicorn's protocol parses and answers. What is added here holds before authentication: a request
has a limited size, must arrive within a limited time, and so must its response be taken.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_PIECE = 4096
"""Bytes parsed before the limits are looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a client may send, in bytes, and how long it may take, in seconds."""

    head: int = 64 * 1024
    """Request line and headers."""

    body: int = 64 * 1024
    """Request body; no endpoint takes one."""

    receive: float = 10.0
    """For a TLS handshake, and for a request from its first byte (or the connection) on."""

    keep_alive: int = 65
    """For an idle connection: longer than common proxies keep theirs (60). And for a client to
    take a response."""

    linger: float = 5.0
    """For what a rejected client still sends, which is discarded. If the connection was closed at
    once, it would be reset, and the client would never see why."""


class LimitedProtocol(HttpToolsProtocol):
    """A connection that cannot hold on to memory, or to its place, for long."""

    def __init__(
        self, *, limits: Limits, admits: Callable[[asyncio.Transport], bool], **options: Any
    ) -> None:
        """`admits` decides, once TLS is up, whether the client may send anything at all."""
        super().__init__(**options)
        self._limits = limits
        self.lost = self.loop.create_future()
        self.since = time.monotonic_ns()  # the loop's own time is in whole ms
        self.connected = False  # with TLS, once the handshake is done
        self._admits = admits
        self._deadline: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._received = 0  # bytes of the head, or of the body, that came so far
        self._in_head = True
        self._receiving = False  # from the first byte of a request to the last
        self._begun = False  # whether the parser has seen some of it
        self._rejected = False

    @property
    def busy(self) -> bool:
        """Whether a request is being answered, or its response still being sent."""
        return self.connected and (
            (self.cycle is not None and not self.cycle.response_complete)
            or self.transport.get_write_buffer_size() > 0
        )

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self.connected = True
        if self._admits(transport):
            self._begin_receiving()
        else:
            self._rejected = True
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._receiving = False
        for timer in (self._deadline, self._stalled):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)
        if not self.lost.done():
            self.lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Parse what came, as far as the limits allow."""
        for at in range(0, len(data), _PIECE):
            if self._rejected or self.transport.is_closing():
                return
            if not self._receiving:
                self._begin_receiving()
            piece = data[at : at + _PIECE]
            self._received += len(piece)
            super().data_received(piece)
            if self._received > (self._limits.head if self._in_head else self._limits.body):
                self._reject(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
                    if self._in_head
                    else HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                )

    def on_message_begin(self) -> None:
        """Start to count a request."""
        if not self._receiving:  # it follows another one in the same packet
            self._begin_receiving()
        self._received, self._in_head, self._begun = 0, True, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start the application, unless the request is too large already."""
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
        """Hand the application a part of the body."""
        if not self._rejected:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the clock: the rest is up to this side."""
        if self._rejected:
            return
        self._receiving = self._begun = False
        self._cancel_deadline()
        self._received, self._in_head = 0, True
        self.since = time.monotonic_ns()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the client to take what is left of the response."""
        self.since = time.monotonic_ns()
        super().on_response_complete()
        if self.transport.is_closing():
            self._set_deadline(self._limits.keep_alive, self.transport.abort)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - as uvicorn asks
        """Answer what is not HTTP."""
        self._reject(HTTPStatus.BAD_REQUEST)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has been idle for long, or whose response nobody takes."""
        self._close()

    def shutdown(self) -> None:
        """End with the server: at once, or after the response that is under way."""
        if self._rejected:
            self.transport.abort()
        else:
            super().shutdown()

    def pause_writing(self) -> None:
        """Give a client that reads slowly a limited time."""
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(self._limits.keep_alive, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client has taken what waited."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _begin_receiving(self) -> None:
        self._receiving = True
        self._received, self._in_head = 0, True
        self._set_deadline(self._limits.receive, self._too_slow)

    def _too_slow(self) -> None:
        """End a request that has not arrived in time; who sent nothing at all gets no answer."""
        if self._in_head and self._begun:
            self._reject(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._close()

    def _reject(self, status: HTTPStatus) -> None:
        """Answer an unacceptable request, and read no more of the connection."""
        if self._rejected:
            return
        self._rejected = True
        self._unset_keepalive_if_required()
        under_way = self.cycle is not None and not self.cycle.response_complete
        if under_way and (self._in_head or self.pipeline or self.cycle.response_started):
            # Another response is being sent, and this one cannot overtake it.
            self.transport.abort()
            return
        if under_way:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.flow.resume_reading()  # what follows is discarded
        if under_way or self._in_head:
            self.transport.write(_response(status))
        # else: it has been answered already, and its body does not end
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._set_deadline(self._limits.linger, self.transport.abort)

    def _close(self) -> None:
        # Closing waits for what is unsent, and so for a client that never takes it.
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
