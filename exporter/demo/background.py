"""An ASGI application on a port of its own, served from a thread."""

import asyncio
import socket
import threading
import time
from contextlib import suppress
from typing import Self

from starlette.types import ASGIApp
from uvicorn import Config, Server

_TIMEOUT = 10.0
_BACKLOG = 2048
_GRACE = 0.05
_KEEP_ALIVE = 75
"""Seconds; longer than clients keep a connection, so that none is closed as it is used again."""


class Background:
    """Serve `app` while the context lasts; requests under way at its end are cut off.

    Entering raises OSError if the address is not available, RuntimeError if the application
    does not start. Port 0 is any free one. The server adds no `Date` header: the
    simulated platform sets its own.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> None:
        """Prepare; nothing listens yet."""
        self._address = (host, port)
        self._server = _Server(
            Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                ws="none",
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=1,
            )
        )

    @property
    def url(self) -> str:
        """Return `http://host:port`, once it listens."""
        host, port = self._address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def __enter__(self) -> Self:
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        self._address = (host, listener.getsockname()[1])
        # A daemon, so that a test that forgets to stop it cannot hang the whole run.
        self._thread = threading.Thread(target=self._serve, args=(listener,), daemon=True)
        self._thread.start()
        until = time.monotonic() + _TIMEOUT
        while not self._server.started and self._thread.is_alive() and time.monotonic() < until:
            time.sleep(0.001)
        if not self._server.started:
            self.__exit__()
            listener.close()
            raise RuntimeError(f"the application did not start on {self.url}")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(_TIMEOUT)

    def _serve(self, listener: socket.socket) -> None:
        # An application that fails to start makes the server exit the process; here, the thread.
        with suppress(SystemExit):
            self._server.run([listener])


class _Server(Server):
    """A server that closes its connections when it stops."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.close()
        # Applications that wait for a disconnect end by themselves; the others are cancelled.
        await asyncio.sleep(_GRACE)
        for task in list(self.server_state.tasks):
            task.cancel()
        await super().shutdown(sockets)
