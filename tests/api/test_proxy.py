import asyncio
import contextlib
import ssl
from ipaddress import IPv4Address, IPv4Network

import httpx
import pytest
import trustme
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.errors import BadResponseError, Kind, UnavailableError, error_label
from exporter.api.proxy import NoProxy, Proxies, check_proxies
from exporter.api.responses import ErrorContext
from exporter.api.transport import ExactTransport
from exporter.api.transport_errors import TransportError, api_error_of
from exporter.problems import ConfigError
from tests.api.conftest import BODY, KEY, FakeOrg, FixedTrust, Server, call, say
from tests.api.forward_proxy import ForwardProxy, send

PROXY = "http://proxy.example:3128"


def chosen(environ, url):
    proxy = Proxies(environ).proxy_for(httpx.URL(url))
    return None if proxy is None else str(proxy.url)


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({}, "https://api.example", None),
        ({"HTTPS_PROXY": PROXY}, "https://api.example", PROXY),
        ({"https_proxy": PROXY}, "https://api.example", PROXY),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other:1"}, "https://api.example", PROXY),
        ({"https_proxy": "", "HTTPS_PROXY": PROXY}, "https://api.example", PROXY),
        ({"HTTPS_PROXY": PROXY}, "http://api.example", None),
        ({"HTTP_PROXY": PROXY}, "http://api.example", PROXY),
        ({"http_proxy": PROXY}, "https://api.example", None),
        ({"ALL_PROXY": PROXY}, "http://api.example", PROXY),
        ({"all_proxy": PROXY}, "https://api.example", PROXY),
        ({"ALL_PROXY": "http://other:1", "https_proxy": PROXY}, "https://api.example", PROXY),
        ({"https_proxy": " proxy.example:3128 "}, "https://api.example", PROXY),
        ({"https_proxy": f"{PROXY}/"}, "https://api.example", PROXY),
        ({"https_proxy": "HTTP://Proxy.Example:3128"}, "https://api.example", PROXY),
        ({"https_proxy": "proxy"}, "https://api.example", "http://proxy"),
        ({"https_proxy": "https://proxy"}, "https://api.example", "https://proxy"),
        ({"https_proxy": "http://[fd00::1]:3128"}, "https://api.example", "http://[fd00::1]:3128"),
        ({"https_proxy": "10.1.2.3:3128"}, "https://api.example", "http://10.1.2.3:3128"),
        ({"https_proxy": "http://user:pw@proxy"}, "https://api.example", "http://proxy"),
        ({"https_proxy": "user:pw@proxy:3128"}, "https://api.example", "http://proxy:3128"),
        ({"ftp_proxy": "socks5://x", "no_proxy": "x"}, "https://api.example", None),
    ],
)
def test_the_variables_name_the_proxy_as_in_curl_and_go(environ, url, proxy):
    assert chosen(environ, url) == proxy
    assert Proxies(environ).problems == []


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8080",
        "http://LOCALHOST",
        "http://localhost.",
        "http://api.localhost",
        "http://127.0.0.1:8080",
        "https://127.255.255.254",
        "http://[::1]:8080",
        "http://[::ffff:127.0.0.1]",
    ],
)
def test_loopback_never_uses_a_proxy(url):
    assert chosen({"all_proxy": PROXY}, url) is None


@pytest.mark.parametrize(
    "url", ["http://localhost.example", "http://notlocalhost", "http://128.0.0.1", "http://[::2]"]
)
def test_names_and_addresses_like_those_of_loopback_use_the_proxy(url):
    assert chosen({"all_proxy": PROXY}, url) == PROXY


@pytest.mark.parametrize(
    ("no_proxy", "direct", "through"),
    [
        ("", [], ["http://api.example", "http://10.0.0.1"]),
        ("*", ["http://api.example", "http://10.0.0.1", "http://[fd00::1]"], []),
        ("other, *", ["http://api.example"], []),
        (
            "10.0.0.0/8",
            ["http://10.0.0.1", "https://10.255.255.255:8443", "http://[::ffff:10.1.2.3]"],
            ["http://11.0.0.1", "http://9.255.255.255", "http://10.example"],
        ),
        ("10.1.2.3/8", ["http://10.200.0.1"], ["http://11.1.2.3"]),
        ("192.168.1.0/25", ["http://192.168.1.127"], ["http://192.168.1.128"]),
        ("0.0.0.0/0", ["http://8.8.8.8"], ["http://[fd00::1]", "http://api.example"]),
        ("fd00::/8", ["http://[fd12:3456::1]"], ["http://[fe00::1]", "http://10.0.0.1"]),
        ("[fd00::/8]", ["http://[fd12:3456::1]"], ["http://[fe00::1]"]),
        ("10.1.2.3", ["http://10.1.2.3", "http://10.1.2.3:81"], ["http://10.1.2.30"]),
        ("10.1.2.3:81", ["http://10.1.2.3:81"], ["http://10.1.2.3", "http://10.1.2.3:8"]),
        ("fd00::1", ["http://[fd00::1]", "http://[fd00:0::1]:81"], ["http://[fd00::2]"]),
        ("[fd00::1]", ["http://[fd00::1]", "https://[fd00::1]:8443"], ["http://[fd00::2]"]),
        ("[fd00::1]:81", ["http://[fd00::1]:81"], ["http://[fd00::1]"]),
        (
            "corp.example",
            ["http://corp.example", "http://a.corp.example", "http://a.b.CORP.example:81"],
            ["http://notcorp.example", "http://corp.example.org", "http://example"],
        ),
        (
            ".corp.example",
            ["http://a.corp.example", "http://corp.example"],
            ["http://notcorp.example"],
        ),
        (
            "*.corp.example",
            ["http://a.corp.example", "http://a.b.corp.example"],
            ["http://notcorp.example", "http://corp.example"],
        ),
        ("CORP.Example.", ["http://corp.example", "http://a.corp.example."], []),
        ("corp.example:8443", ["https://corp.example:8443"], ["https://corp.example"]),
        ("corp.example:", ["https://corp.example:8443", "http://a.corp.example"], []),
        ("*corp.example", [], ["http://corp.example", "http://a.corp.example"]),
        ("corp.*, 10.*", [], ["http://corp.example", "http://10.0.0.1"]),
        ("corp.example:443", ["https://corp.example"], ["http://corp.example"]),
        ("*.corp.example:80", ["http://a.corp.example"], ["https://a.corp.example"]),
        ("a.example,b.example", ["http://a.example", "http://b.example"], ["http://c.example"]),
        (" a.example , b.example ", ["http://a.example", "http://b.example"], []),
        ("a.example b.example", ["http://a.example", "http://b.example"], ["http://c.example"]),
        ("bücher.example", ["http://xn--bcher-kva.example", "http://bücher.example"], []),
        (",,:80,[,/8,10.0.0.0/99,.,*.", [], ["http://api.example", "http://10.0.0.1"]),
    ],
)
def test_no_proxy_is_understood_as_in_curl_and_go(no_proxy, direct, through):
    for variable in ("no_proxy", "NO_PROXY"):
        environ = {"all_proxy": PROXY, variable: no_proxy}
        assert {url: chosen(environ, url) for url in direct} == dict.fromkeys(direct)
        assert {url: chosen(environ, url) for url in through} == dict.fromkeys(through, PROXY)


@given(st.integers(0, 2**32 - 1), st.integers(0, 32), st.integers(0, 2**32 - 1))
def test_a_network_covers_the_addresses_that_share_its_prefix(base, length, other):
    network = IPv4Network((base, length), strict=False)
    shared = base >> (32 - length) == other >> (32 - length)
    loopback = other >> 24 == 127
    assert NoProxy.parse(str(network)).covers(str(IPv4Address(other)), 80) == (shared or loopback)


@given(st.text(max_size=80), st.sampled_from(["api.example", "10.0.0.1", "fd00::1", "a b", ""]))
def test_whatever_no_proxy_holds_a_host_is_covered_or_not(text, host):
    assert NoProxy.parse(text).covers(host, 443) in {True, False}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("htp://x", "has an unknown scheme; it must begin with http:// or https://"),
        ("ftp://user:s3cret@x", "has an unknown scheme"),
        ("s3cret://x", "has an unknown scheme"),
        ("socks5://user:s3cret@x:1080", "names a SOCKS proxy, which is not supported"),
        ("socks5h://x", "names a SOCKS proxy"),
        ("SOCKS4://x", "names a SOCKS proxy"),
        ("http://", "is not the address of a proxy"),
        ("http://:3128", "is not the address of a proxy"),
        ("http://user:s3cret@", "is not the address of a proxy"),
        ("http://x:port", "is not the address of a proxy"),
        ("http://x:99999", "is not the address of a proxy"),
        ("http://x:0", "is not the address of a proxy"),
        ("http://x y:3128", "is not the address of a proxy"),
        ("http://[::1", "is not the address of a proxy"),
        ("http://fd00::1:3128", "is not the address of a proxy"),
        ("http:///proxy", "is not the address of a proxy"),
        ("://", "has an unknown scheme"),
        ("http://user:1/s3cret@proxy:3128", "has a special character in its password"),
        ("http://user:1#s3cret@proxy:3128", "has a special character in its password"),
        ("http://us%3Aer:s3cret@proxy", "has a user name with a colon"),
    ],
)
@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"])
def test_an_invalid_proxy_is_an_error_that_names_the_variable_and_no_credentials(
    variable, value, problem
):
    (found,) = Proxies({variable: value}).problems
    assert found.startswith(f"{variable}: {problem}")
    assert "s3cret" not in found
    assert "user:" not in found.partition(";")[0]
    with pytest.raises(ConfigError, match=problem):
        check_proxies({variable: value})


def test_a_variable_that_is_not_used_is_not_checked():
    environ = {"http_proxy": PROXY, "https_proxy": PROXY, "all_proxy": "socks5://x"}
    assert Proxies(environ).problems == []


@given(st.text(max_size=40))
def test_whatever_a_proxy_variable_holds_it_names_a_proxy_or_has_a_problem(text):
    environ = {"https_proxy": text}
    if not text.strip():
        assert chosen(environ, "https://api.example") is None
    elif Proxies(environ).problems:
        with pytest.raises(TransportError):
            chosen(environ, "https://api.example")
    else:
        assert chosen(environ, "https://api.example").startswith("http")


async def test_an_invalid_proxy_fails_the_requests_that_need_it_and_no_others(server):
    server.answers = [say(BODY)]
    proxies = Proxies({"https_proxy": "htp://x", "http_proxy": "htp://x"})
    transport = ExactTransport(FixedTrust(ssl.create_default_context()), proxies)
    with pytest.raises(TransportError, match=r"https_proxy: has an unknown scheme"):
        await send(transport, "https://api.example")
    assert await send(transport, server.url) == (200, BODY)
    await transport.aclose()


def test_credentials_are_not_in_the_text_of_a_proxy():
    proxy = Proxies({"all_proxy": "http://user:s3cret@proxy"}).proxy_for(httpx.URL("http://x"))
    assert "s3cret" not in f"{proxy} {proxy!r} {proxy.url}"
    assert proxy.headers == {"Proxy-Authorization": "Basic dXNlcjpzM2NyZXQ="}


AUTHORITY = trustme.CA()


def tls_of(*names):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(*names).configure_cert(context)
    return context


def trusting():
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return FixedTrust(context)


@pytest.fixture
async def listen():
    """Start listeners on loopback; return their ports."""
    listeners = []

    async def start(serve, context=None):
        listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        listeners.append(listener)
        return listener.sockets[0].getsockname()[1]

    yield start
    for listener in listeners:
        listener.close()


@pytest.fixture
async def office(server, listen):
    """Return the API at https://api.example, reached through a proxy only."""
    server.answers = [say(BODY)]
    proxy = ForwardProxy(target=await listen(server.serve, tls_of("api.example", "10.9.8.7")))
    proxy.port = await listen(proxy.serve)
    return proxy


@pytest.fixture
async def behind():
    """Return what makes transports that trust the test's authority, behind a proxy."""
    async with contextlib.AsyncExitStack() as stack:

        def make(url, **environ):
            transport = ExactTransport(trusting(), Proxies({"all_proxy": url, **environ}))
            stack.push_async_callback(transport.aclose)
            return transport

        yield make


async def test_https_is_tunneled_and_the_proxy_never_sees_the_key(
    make_client, server, office, monkeypatch
):
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{office.port}")
    monkeypatch.setenv("no_proxy", "")
    org = FakeOrg("https://api.example")
    assert await make_client(context=trusting().context()).get(org, call()) == BODY
    assert office.methods == ["CONNECT"]
    assert office.heads[0].startswith("CONNECT api.example:443 HTTP/1.1\r\n")
    assert KEY not in office.heads[0]
    assert KEY in server.received[0].headers["authorization"]


@pytest.mark.parametrize("host", ["https://api.example", "https://10.9.8.7"])
async def test_credentials_in_the_url_of_the_proxy_are_sent_to_it_alone(
    behind, server, office, host
):
    office.credentials = "jörg@corp:p:ä/ss%"
    login = "j%C3%B6rg%40corp:p%3A%C3%A4%2Fss%25"
    transport = behind(f"http://{login}@127.0.0.1:{office.port}")
    assert await send(transport, host) == (200, BODY)
    assert "proxy-authorization" not in server.received[0].headers


@pytest.mark.parametrize("login", ["", "user:s3cret@"])
async def test_a_tunnel_is_used_for_several_requests(behind, office, login):
    transport = behind(f"http://{login}127.0.0.1:{office.port}")
    for _ in range(3):
        assert await send(transport, "https://api.example") == (200, BODY)
    assert office.methods == ["CONNECT"]


async def use_a_proxy_behind_tls():
    api = Server([say(BODY)])
    listener = await asyncio.start_server(api.serve, "127.0.0.1", 0, ssl=tls_of("api.example"))
    proxy = ForwardProxy(target=listener.sockets[0].getsockname()[1])
    front = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, ssl=tls_of("127.0.0.1"))
    port = front.sockets[0].getsockname()[1]
    transport = ExactTransport(trusting(), Proxies({"https_proxy": f"https://127.0.0.1:{port}"}))
    answer = await send(transport, "https://api.example")
    await transport.aclose()
    front.close()
    listener.close()
    return answer, proxy.methods


@pytest.mark.parametrize("loop", [None, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_the_proxy_itself_may_be_behind_tls(loop):
    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(use_a_proxy_behind_tls()) == ((200, BODY), ["CONNECT"])


async def test_a_host_in_no_proxy_is_reached_directly(behind, office):
    transport = behind(
        f"http://127.0.0.1:{office.port}", no_proxy="*.corp.example,10.0.0.0/8,.invalid"
    )
    with pytest.raises(TransportError, match="the name is not known"):
        await send(transport, "https://api.invalid")
    assert office.heads == []


CONTEXT = ErrorContext("acme", "/api/x", "", KEY)


async def failure(transport, url="https://api.example"):
    with pytest.raises(TransportError) as caught:
        await send(transport, url)
    return api_error_of(caught.value, context=CONTEXT, host="api.example")


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (
            407,
            BadResponseError,
            "the proxy answered 407: it requires a login; put user and password in",
        ),
        (
            403,
            BadResponseError,
            "the proxy answered 403: it does not allow connections to this host",
        ),
        (502, UnavailableError, "the proxy answered 502"),
        (511, UnavailableError, "the proxy answered 511"),
    ],
)
async def test_a_proxy_that_opens_no_tunnel_is_named_as_the_cause(
    behind, office, status, kind, says
):
    page = b"<html>blocked</html>"
    office.answer = (
        f"HTTP/1.1 {status} No\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\n\r\n"
    ).encode() + page
    error = await failure(behind(f"http://user:s3cret@127.0.0.1:{office.port}"))
    assert isinstance(error, kind)
    assert error.kind is Kind.PROXY
    assert not error.from_api
    assert error_label(error) == "proxy"
    assert says in str(error)
    assert "s3cret" not in str(error)


async def test_a_login_that_the_proxy_rejects_is_not_tried_again_at_once(behind, office):
    office.credentials = "user:other"
    error = await failure(behind(f"http://user:s3cret@127.0.0.1:{office.port}"))
    assert isinstance(error, BadResponseError)
    assert len(office.heads) == 1
    assert "s3cret" not in str(error)


async def test_a_proxy_out_of_reach_is_named_as_the_cause(behind, unused_tcp_port):
    error = await failure(behind(f"http://user:s3cret@127.0.0.1:{unused_tcp_port}"))
    assert isinstance(error, UnavailableError)
    assert error.kind is Kind.PROXY
    assert "the proxy cannot be reached: Connection refused" in str(error)
    assert "s3cret" not in str(error)


async def test_a_proxy_whose_name_is_not_known_is_named_as_the_cause(behind):
    error = await failure(behind("http://no-proxy.invalid:3128"))
    assert error.kind is Kind.PROXY
    assert "the name of the proxy is not known" in str(error)


async def test_a_proxy_whose_certificate_is_not_trusted_is_named_as_the_cause(server, listen):
    proxy = ForwardProxy(target=server.port)
    port = await listen(proxy.serve, tls_of("127.0.0.1"))
    proxies = Proxies({"https_proxy": f"https://127.0.0.1:{port}"})
    transport = ExactTransport(FixedTrust(ssl.create_default_context()), proxies)
    error = await failure(transport)
    await transport.aclose()
    assert error.kind is Kind.TLS
    assert "the proxy's certificate is not trusted: " in str(error)


async def test_something_that_is_no_proxy_is_reported_and_breaks_nothing_else(behind, office):
    office.answer = b"SSH-2.0-OpenSSH_9.2\r\n"
    error = await failure(behind(f"http://127.0.0.1:{office.port}"))
    assert error.kind in {Kind.PROTOCOL, Kind.CONNECTION}
