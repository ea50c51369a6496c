"""A forward proxy on loopback, as companies run them."""

import asyncio
import contextlib
import ssl
from base64 import b64encode
from dataclasses import dataclass, field

import httpx

from exporter.api.transport import TARGET


@dataclass
class ForwardProxy:
    """A proxy whose tunnels and requests all lead to one port on loopback."""

    target: int
    credentials: str = ""
    """`user:password` that clients must send."""

    answer: bytes = b""
    """What clients get instead of a tunnel."""

    heads: list[str] = field(default_factory=list)
    open: int = 0
    port: int = 0

    async def serve(self, reader, writer):
        self.open += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.heads.append(head)
            await self._answer(head, reader, writer)
        writer.close()
        self.open -= 1

    async def _answer(self, head, reader, writer):
        login = b64encode(self.credentials.encode()).decode()
        if self.credentials and f"Proxy-Authorization: Basic {login}\r\n" not in head:
            writer.write(b"HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n")
        elif self.answer:
            writer.write(self.answer)
        else:
            inward, outward = await asyncio.open_connection("127.0.0.1", self.target)
            if head.startswith("CONNECT "):
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                outward.write(head.encode("latin-1"))
            await asyncio.gather(_pass(reader, outward), _pass(inward, writer))
        await writer.drain()

    @property
    def methods(self):
        return [head.split(" ", 1)[0] for head in self.heads]


async def _pass(reader, writer):
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()


async def send(transport, url, path="/"):
    """Return the status and the body of what is answered to a request."""
    request = httpx.Request("GET", url, extensions={TARGET: path.encode()})
    response = await transport.handle_async_request(request)
    try:
        return response.status_code, b"".join([part async for part in response.stream])
    finally:
        await response.aclose()
