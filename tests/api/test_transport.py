import asyncio
import contextlib
import random
import socket
import ssl
from datetime import UTC, datetime

import pytest
import trustme

from exporter.api.errors import Kind
from exporter.api.proxy import Proxies
from exporter.api.responses import ErrorContext
from exporter.api.transport import ExactTransport
from exporter.api.transport_errors import TransportError, api_error_of
from tests.api.conftest import (
    BODY,
    KEY,
    FakeOrg,
    FixedTrust,
    Server,
    become_true,
    call,
    failure,
    say,
    slowly,
)
from tests.api.forward_proxy import ForwardProxy, send


@pytest.fixture
async def tls_port(server):
    """The same server again, behind TLS."""
    server.authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.authority.issue_cert("127.0.0.1").configure_cert(context)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    yield listener.sockets[0].getsockname()[1]
    listener.close()


async def test_a_certificate_of_a_known_authority_is_trusted(make_client, server, tls_port):
    context = ssl.create_default_context()
    server.authority.configure_trust(context)
    server.answers = [say(BODY)]
    org = FakeOrg(f"https://127.0.0.1:{tls_port}")
    assert await make_client(context=context).get(org, call()) == BODY


async def test_a_certificate_of_an_unknown_authority_is_rejected_and_named(
    make_client, tls_port, observer
):
    error = await failure(make_client(retries=0), FakeOrg(f"https://127.0.0.1:{tls_port}"))
    assert error.kind == Kind.TLS
    assert "127.0.0.1: its certificate is not trusted: unable to get" in str(error)
    assert observer.codes == ["tls"]


async def test_tls_to_a_server_without_it_is_a_tls_error(make_client, observer):
    async def answer_in_plain(reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(answer_in_plain, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    error = await failure(make_client(retries=0), FakeOrg(f"https://127.0.0.1:{port}"))
    listener.close()
    assert error.kind == Kind.TLS
    assert "127.0.0.1: TLS failed" in str(error)
    assert observer.codes == ["tls"]


@pytest.fixture
def environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch.setenv


async def test_requests_go_through_the_proxy_with_its_own_credentials(
    make_client, server, environment
):
    environment("http_proxy", server.url.replace("//", "//user:pass@"))
    environment("no_proxy", "")
    server.answers = [say(BODY)]
    await make_client().get(FakeOrg("http://api.example/dm"), call())
    assert server.received[0].target == (
        "http://api.example/dm/api/ai-analytics/audience/orgs/acme/enrollments/over-time"
    )
    assert server.received[0].headers["host"] == "api.example"
    assert server.received[0].headers["proxy-authorization"].startswith("Basic ")
    assert server.received[0].headers["authorization"] == f"Api-Token {KEY}"


async def test_with_a_proxy_set_loopback_is_reached_directly_and_the_key_stays_here(
    make_client, server, environment
):
    trap = Server([say(status=502)])
    listener = await asyncio.start_server(trap.serve, "127.0.0.1", 0)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        environment(name, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    server.answers = [say(BODY)]
    client = make_client()
    assert await client.get(FakeOrg(server.url), call()) == BODY
    assert await client.get(FakeOrg(f"http://localhost:{server.port}"), call()) == BODY
    listener.close()
    assert trap.accepted == 0


def api_error(error):
    return api_error_of(error, context=ErrorContext("acme", "/api/x", "", KEY), host="api.example")


async def handshake(context, url):
    """Return the error that a connection ends in."""
    transport = ExactTransport(FixedTrust(context), Proxies({}))
    with pytest.raises(TransportError) as caught:
        await send(transport, url)
    await transport.aclose()
    return api_error(caught.value)


async def listening(context):
    async def serve(reader, writer):
        with contextlib.suppress(OSError):
            await reader.read(1)
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    return listener, listener.sockets[0].getsockname()[1]


async def test_an_unknown_authority_names_the_remedy(tls_port):
    error = await handshake(ssl.create_default_context(), f"https://127.0.0.1:{tls_port}")
    assert error.kind is Kind.TLS
    assert "name its certificates in SSL_CERT_FILE" in str(error)


async def test_a_certificate_of_another_name_names_the_remedy(server, tls_port):
    context = ssl.create_default_context()
    server.authority.configure_trust(context)
    error = await handshake(context, f"https://localhost:{tls_port}")
    assert "certificate is not valid for 'localhost'.; check the host name in base_url" in str(
        error
    )


async def test_an_expired_certificate_names_the_remedy(server):
    authority = trustme.CA()
    past = datetime(2020, 1, 1, tzinfo=UTC)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_after=past).configure_cert(served)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    listener, port = await listening(served)
    error = await handshake(context, f"https://127.0.0.1:{port}")
    listener.close()
    assert "certificate has expired; check the clock of this machine" in str(error)


PROTOCOL_VERSION = bytes((21, 3, 1, 0, 2, 2, 70))
"""An alert of TLS."""


@pytest.mark.parametrize(
    ("record", "kind", "says"),
    [
        (PROTOCOL_VERSION, Kind.TLS, "TLS failed: tlsv1 alert protocol version"),
        (b"HTTP/1.1 400 No\r\n\r\n", Kind.TLS, "; the port may not be one for https"),
        (b"", Kind.CONNECTION, "cannot connect: Connection reset by peer"),
    ],
)
async def test_a_failed_handshake_gives_the_reason(record, kind, says):
    async def serve(reader, writer):
        await reader.read(1)
        writer.write(record)
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    error = await handshake(ssl.create_default_context(), f"https://127.0.0.1:{port}")
    listener.close()
    assert error.kind is kind
    assert says in str(error)


async def test_an_ipv6_address_in_brackets_is_reached(server):
    listener = await asyncio.start_server(server.serve, "::1", 0)
    port = listener.sockets[0].getsockname()[1]
    transport = ExactTransport(FixedTrust(ssl.create_default_context()), Proxies({}))
    assert (await send(transport, f"http://[::1]:{port}"))[0] == 200
    await transport.aclose()
    listener.close()
    assert server.received[0].headers["host"] == f"[::1]:{port}"


async def test_a_host_with_an_ipv6_address_alone_is_reached(server, monkeypatch):
    """The system hides it with AI_ADDRCONFIG if the machine's only IPv6 address is ::1."""
    system = socket.getaddrinfo

    def only_six(host, port, family=0, kind=0, proto=0, flags=0):
        if host != "six.example":
            return system(host, port, family, kind, proto, flags)
        if flags & socket.AI_ADDRCONFIG or family == socket.AF_INET:
            raise socket.gaierror(socket.EAI_NODATA, "No address associated with hostname")
        return system("::1", port, socket.AF_INET6, kind, proto, flags)

    monkeypatch.setattr("socket.getaddrinfo", only_six)
    listener = await asyncio.start_server(server.serve, "::1", 0)
    port = listener.sockets[0].getsockname()[1]
    transport = ExactTransport(FixedTrust(ssl.create_default_context()), Proxies({}))
    assert (await send(transport, f"http://six.example:{port}"))[0] == 200
    await transport.aclose()
    listener.close()


@pytest.mark.parametrize("way", ["plain", "tls", "tunnel"])
async def test_requests_cancelled_at_any_moment_leave_no_connection_behind(server, tls_port, way):
    server.answers = [slowly(0.02, say(b"[" + b" " * 300_000 + b"]"))]
    proxy = ForwardProxy(target=tls_port)
    front = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    environ = {"https_proxy": f"http://127.0.0.1:{front.sockets[0].getsockname()[1]}"}
    context = ssl.create_default_context()
    server.authority.configure_trust(context)
    context.check_hostname = False
    transport = ExactTransport(FixedTrust(context), Proxies(environ if way == "tunnel" else {}))
    url = {
        "plain": server.url,
        "tls": f"https://127.0.0.1:{tls_port}",
        "tunnel": "https://x.example",
    }
    rng = random.Random(7)
    loop = asyncio.get_running_loop()
    outcomes = []
    for _ in range(20):
        tasks = [asyncio.create_task(send(transport, url[way])) for _ in range(20)]
        for task in tasks[4:]:
            loop.call_later(rng.uniform(0, 0.03), task.cancel)
        outcomes += await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes) >= 100
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert (await send(transport, url[way]))[0] == 200
    # Those of requests that were not cancelled may be kept for the next ones.
    await become_true(lambda: server.open <= 20 and proxy.open <= 20)
    await transport.aclose()
    await become_true(lambda: server.open == proxy.open == 0)
    front.close()
