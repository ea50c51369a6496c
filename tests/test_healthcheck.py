import asyncio
import contextlib
import ssl
import time

import pytest
import trustme

from exporter.healthcheck import default_url, healthy

AUTHORITY = trustme.CA()


def say(status):
    return f"HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n".encode()


class Server:
    """Answers every request with the same bytes, or not at all; keeps what it was asked."""

    def __init__(self, answer, *, context=None):
        self.asked = []
        self._answer = answer
        self._context = context
        self._writers = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)  # the transports close in the next round of the loop

    async def _serve(self, reader, writer):
        self._writers.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            self.asked.append(request.split(b"\r\n")[0].decode())
            if self._answer is not None:
                writer.write(self._answer)
                writer.close()


async def is_healthy(url, **more):
    return await asyncio.to_thread(healthy, url, **more)


def behind_tls(*, certificate_wanted=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("iblai.example").configure_cert(context)
    if certificate_wanted:
        AUTHORITY.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.mark.parametrize(
    ("status", "alive"), [(200, True), (401, True), (404, False), (500, False)]
)
async def test_an_exporter_that_answers_or_wants_a_password_is_alive(status, alive):
    async with Server(say(status)) as server:
        assert await is_healthy(f"http://127.0.0.1:{server.port}/-/healthy") is alive
        assert server.asked == ["GET /-/healthy HTTP/1.1"]


async def test_an_address_without_a_path_means_the_health_page():
    async with Server(say(200)) as server:
        assert await is_healthy(f"http://127.0.0.1:{server.port}")
        assert server.asked == ["GET /-/healthy HTTP/1.1"]


async def test_a_certificate_for_another_name_from_an_unknown_authority_is_taken():
    async with Server(say(200), context=behind_tls()) as server:
        assert await is_healthy(f"https://127.0.0.1:{server.port}/-/healthy")


async def test_an_exporter_that_wants_a_client_certificate_is_alive():
    async with Server(say(200), context=behind_tls(certificate_wanted=True)) as server:
        assert await is_healthy(f"https://127.0.0.1:{server.port}/-/healthy")
        assert server.asked == []


@pytest.mark.parametrize("answer", [b"", b"\0\0\0", b"220 mail.example\r\n\r\n"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_what_speaks_no_http_is_not_healthy(answer, scheme):
    async with Server(answer) as server:
        assert not await is_healthy(f"{scheme}://127.0.0.1:{server.port}/-/healthy", timeout=0.3)


async def test_plain_http_to_a_port_with_tls_is_not_healthy():
    async with Server(say(200), context=behind_tls()) as server:
        assert not await is_healthy(f"http://127.0.0.1:{server.port}/-/healthy")


async def test_nobody_listening_is_not_healthy():
    async with Server(say(200)) as server:
        gone = server.port
    assert not await is_healthy(f"http://127.0.0.1:{gone}/-/healthy")


async def test_an_exporter_that_hangs_is_not_healthy_within_the_time_given():
    async with Server(None) as server:
        began = time.monotonic()
        assert not await is_healthy(f"http://127.0.0.1:{server.port}/-/healthy", timeout=0.2)
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (":10880", "http://127.0.0.1:10880/-/healthy"),
        ("0.0.0.0:80", "http://127.0.0.1:80/-/healthy"),
        ("[::]:10880", "http://[::1]:10880/-/healthy"),
        ("[::1]:10880", "http://[::1]:10880/-/healthy"),
        ("10.1.2.3:9000", "http://10.1.2.3:9000/-/healthy"),
        ("exporter:9000", "http://exporter:9000/-/healthy"),
    ],
)
def test_the_exporter_is_asked_where_it_listens(address, url):
    assert default_url(address) == url
    assert default_url(address, tls=True) == url.replace("http:", "https:")
