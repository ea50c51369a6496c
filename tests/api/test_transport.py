import asyncio
import ssl

import httpx
import pytest
import trustme

from exporter.api.client import Limits
from exporter.api.errors import Kind
from exporter.api.transport import environment_proxy
from tests.api.conftest import BODY, KEY, FakeAccount, call, failure, say


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
    account = FakeAccount(f"https://127.0.0.1:{tls_port}")
    assert await make_client(context=context).get(account, call()) == BODY


async def test_a_certificate_nobody_vouches_for_is_refused_and_named(make_client, tls_port, ledger):
    error = await failure(make_client(retries=0), FakeAccount(f"https://127.0.0.1:{tls_port}"))
    assert error.kind == Kind.TLS
    assert "127.0.0.1: its certificate is not to be trusted: unable to get" in str(error)
    assert ledger.codes == ["tls"]


async def test_tls_spoken_to_a_server_without_it_fails_as_tls(make_client, ledger):
    async def answer_in_plain(reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(answer_in_plain, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    error = await failure(make_client(retries=0), FakeAccount(f"https://127.0.0.1:{port}"))
    listener.close()
    assert error.kind == Kind.TLS
    assert "127.0.0.1: TLS failed" in str(error)
    assert ledger.codes == ["tls"]


@pytest.fixture
def environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch.setenv


@pytest.mark.parametrize(
    ("settings", "url", "proxy"),
    [
        ({}, "https://api.example", None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "https://api.example", "http://proxy:3128"),
        ({"https_proxy": "proxy:3128"}, "https://api.example", "http://proxy:3128"),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "http://api.example", None),
        ({"ALL_PROXY": "http://proxy:3128"}, "http://api.example", "http://proxy:3128"),
        (
            {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "other, .example"},
            "https://api.example",
            None,
        ),
        (
            {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "api.example:8443"},
            "https://api.example:8443",
            None,
        ),
    ],
)
def test_the_environment_names_the_proxy(environment, settings, url, proxy):
    for name, value in settings.items():
        environment(name, value)
    assert environment_proxy(httpx.URL(url)) == proxy


async def test_requests_go_through_the_proxy_with_its_own_credentials(
    make_client, server, environment
):
    environment("http_proxy", server.url.replace("//", "//user:pass@"))
    environment("no_proxy", "")
    server.answers = [say(BODY)]
    await make_client().get(FakeAccount("http://api.example/dm"), call())
    assert server.asked[0].target == (
        "http://api.example/dm/api/ai-analytics/audience/orgs/acme/enrollments/over-time"
    )
    assert server.asked[0].headers["host"] == "api.example"
    assert server.asked[0].headers["proxy-authorization"].startswith("Basic ")
    assert server.asked[0].headers["authorization"] == f"Api-Token {KEY}"


async def test_a_proxy_out_of_reach_is_told_without_its_password(
    make_client, environment, unused_tcp_port
):
    environment("https_proxy", f"http://user:pass@127.0.0.1:{unused_tcp_port}")
    error = await failure(make_client(retries=0), FakeAccount("https://api.example"))
    assert error.kind == Kind.CONNECTION
    assert "the proxy cannot be reached: Connection refused" in str(error)
    assert "pass" not in str(error)


async def test_a_proxy_that_refuses_to_connect_is_told(make_client, server, environment):
    environment("https_proxy", server.url)
    server.answers = [say({}, status=407)]
    error = await failure(make_client(retries=0), FakeAccount("https://api.example"))
    assert error.kind == Kind.CONNECTION
    assert "the proxy answered 407" in str(error)
    assert KEY not in str(server.asked)


def test_limits_are_those_of_the_reference_unless_set():
    assert Limits() == Limits(30.0, 8, 20.0, 3, 16 * 1024 * 1024)
