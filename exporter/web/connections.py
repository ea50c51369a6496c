"""Accepts connections up to a limit.

At the limit, the connection that has waited longest for its client is closed to make room for the
new one: idle connections, incomplete requests and TLS handshakes first, then those with a response
in progress. Idle connections therefore cannot prevent a scrape.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

import structlog

from exporter.web.protocol import LimitedProtocol

log = structlog.get_logger(__name__)

_CLOSE_WITHIN = 3.0
"""Seconds for a client to confirm the end of a TLS connection."""

_RETRY = 1.0
"""Seconds until connections are accepted again when no file descriptor is left."""

_WARN_EVERY = 60.0

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Connections:
    """Serves the connections of one listening socket.

    `protocol` makes the protocol of a connection. `context` returns the TLS context in use, or None
    for plain HTTP. `limit` returns how many connections may be open. `handshake` is the time limit
    of TLS handshakes in seconds.
    """

    def __init__(
        self,
        sock: socket.socket,
        *,
        protocol: Callable[[], LimitedProtocol],
        context: Callable[[], ssl.SSLContext | None],
        limit: Callable[[], int],
        handshake: float,
    ) -> None:
        self._sock = sock
        self._protocol = protocol
        self._context = context
        self._limit = limit
        self._handshake = handshake
        self._open: dict[LimitedProtocol, socket.socket] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._warned: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Start to accept."""
        self._loop = asyncio.get_running_loop()
        self._sock.setblocking(False)
        self._resume()

    def close(self) -> None:
        """Stop to accept: new connections are refused."""
        if self._loop is not None and self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock)
        self._sock.close()

    async def wait_closed(self) -> None:
        """Return at once: uvicorn waits for connections itself."""

    async def abort(self) -> None:
        """Close all open connections."""
        while self._open:
            self._make_room()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSE_WITHIN)

    def _resume(self) -> None:
        if self._loop is not None and self._sock.fileno() >= 0:
            self._loop.add_reader(self._sock, self._accept)

    def _accept(self) -> None:
        """Accept one connection; the loop calls again while more are waiting."""
        assert self._loop is not None
        try:
            sock, _ = self._sock.accept()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                self._warn("no file descriptor is left, raise the limit of open files")
                self._make_room()
                self._loop.remove_reader(self._sock)
                self._loop.call_later(_RETRY, self._resume)
            return  # otherwise the client has closed the connection
        while len(self._open) >= max(1, self._limit()):
            self._warn("web.max_connections are open, the longest idle one is closed")
            self._make_room()
        sock.setblocking(False)
        protocol = self._protocol()
        self._open[protocol] = sock
        task = self._loop.create_task(self._serve(protocol, sock))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, protocol: LimitedProtocol, sock: socket.socket) -> None:
        context = self._context()
        times = (
            {"ssl_handshake_timeout": self._handshake, "ssl_shutdown_timeout": _CLOSE_WITHIN}
            if context
            else {}
        )
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol, sock, ssl=context, **times
            )
            await protocol.closed
        except OSError:  # the TLS handshake failed
            sock.close()
        finally:
            self._open.pop(protocol, None)

    def _make_room(self) -> None:
        """Close the connection that has waited longest for its client."""
        if not self._open:
            return
        protocol = min(self._open, key=lambda one: (one.busy, one.waiting_since))
        sock = self._open.pop(protocol)
        if protocol.connected:
            protocol.transport.abort()
            return
        with suppress(OSError):  # makes the TLS handshake fail
            sock.shutdown(socket.SHUT_RDWR)

    def _warn(self, event: str) -> None:
        assert self._loop is not None
        now = self._loop.time()
        if self._warned is None or now - self._warned >= _WARN_EVERY:
            self._warned = now
            log.warning(event, open=len(self._open))
