"""The real port on a real socket, with limits short enough to wait for."""

import asyncio
import contextlib
import socket
import threading
from contextlib import asynccontextmanager

import pytest
import uvloop
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exporter.web.listener import bind
from exporter.web.protocol import Limits
from exporter.web.server import Server, WebConfigFile

LARGE = 64 << 20
"""Bytes of a response that no socket buffer holds."""


async def hello(_):
    return PlainTextResponse("hello")


async def large(_):
    return Response(bytes(LARGE))


APP = Starlette(routes=[Route("/", hello), Route("/large", large)])


class Client:
    """A connection on which a test sends what it likes."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def ask(self, request=b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
        """Send a request, and return the status and the body of the response."""
        self.writer.write(request)
        return await self.response()

    async def response(self):
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        lines = head.decode().lower().split("\r\n")
        (length,) = [int(line.split(":")[1]) for line in lines if line.startswith("content-length")]
        return int(lines[0].split()[1]), await self.reader.readexactly(length)

    async def rest(self, within=10):
        """Return what else comes until the server closes the connection."""
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.read(), within)
        return b""


@contextlib.contextmanager
def running(port):
    """Serve in a thread of its own, on the event loop that the service runs on."""
    loops = []

    async def run():
        loops.append(asyncio.get_running_loop())
        await port.run_until_stopped()

    def serve():
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        loops[0].call_soon_threadsafe(port.stop)
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def serving():
    """Return a way to serve `APP`; it yields a function that opens connections."""

    @asynccontextmanager
    async def serve(*, app=APP, config=None, max_connections=100, **limits):
        sock = bind("127.0.0.1:0")
        address = sock.getsockname()
        port = Server(
            app,
            sock,
            WebConfigFile(config),
            max_connections=lambda: max_connections,
            limits=Limits(**limits),
        )
        clients = []

        async def connect(**more):
            client = Client(*await asyncio.open_connection(*address, limit=1 << 20, **more))
            clients.append(client)
            return client

        connect.address = address
        with running(port):
            try:
                yield connect
            finally:
                for client in clients:
                    client.writer.transport.abort()
                await asyncio.sleep(0)  # closes them

    return serve


@pytest.fixture
def sockets():
    """Return a way to open plain sockets, which are closed after the test."""
    with contextlib.ExitStack() as stack:

        def open_one(address):
            return stack.enter_context(socket.create_connection(address, timeout=10))

        yield open_one
