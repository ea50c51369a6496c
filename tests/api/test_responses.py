import pytest

from exporter.api.endpoints import MESSAGES_PER_SESSION
from exporter.api.errors import BadResponseError, Kind, RejectedError, UnavailableError
from tests.api.conftest import HTML, KEY, FakeOrg, call, failure, say, squeeze


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (
            say(HTML, content_type="text/html; charset=utf-8"),
            Kind.CONTENT,
            "sent an HTML page instead",
        ),
        (
            say(HTML, content_type=None),
            Kind.CONTENT,
            "sent an HTML page instead",
        ),
        (say(b"hello", content_type=None), Kind.CONTENT, "sent something instead of JSON"),
        (say(b"a,b", content_type="text/csv"), Kind.CONTENT, "sent text/csv instead of JSON"),
        (say(b""), Kind.CONTENT, "sent an empty body (status 200)"),
        (say(b" \n"), Kind.CONTENT, "sent an empty body (status 200)"),
        (say(b"", status=204, content_type=None), Kind.CONTENT, "sent an empty body (status 204)"),
        (say(b"x", content_type=f"text/{KEY}"), Kind.CONTENT, "sent something instead of JSON"),
        (say(b"x", content_encoding="br"), Kind.ENCODING, "that was not accepted (br)"),
        (say(b"x", content_encoding=KEY), Kind.ENCODING, "that was not accepted (unknown)"),
        (say(b"plain", content_encoding="gzip"), Kind.ENCODING, "sent invalid gzip"),
        (say(b" " * 2001), Kind.TOO_LARGE, "sent more than 2000 bytes"),
        (squeeze(b" " * 2001), Kind.TOO_LARGE, "sent more than 2000 bytes"),
        (say({"detail": "bad dates"}, status=400), Kind.BAD_REQUEST, "400"),
        (say({}, status=418), Kind.BAD_REQUEST, "418"),
        (say(b"", status=304), Kind.REDIRECT, "304"),
    ],
)
async def test_a_bad_response_is_not_retried(make_client, server, org, sleeps, answer, kind, says):
    server.answers = [answer]
    error = await failure(make_client(max_body=2000), org)
    assert isinstance(error, BadResponseError)
    assert error.kind == kind
    assert error.sent
    assert says in str(error)
    assert len(server.received) == 1
    assert sleeps.taken == []


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "application/problem+json", None],
)
async def test_every_content_type_of_json_is_accepted(client, server, org, content_type):
    server.answers = [say(b"\n [1]", content_type=content_type)]
    assert await client.get(org, call()) == b"\n [1]"


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("https://user:pass@login.example/in?next=secret#x", "https://login.example/in;"),
        ("/elsewhere/?token=secret", "http://127.0.0.1:{port}/elsewhere/;"),
        ("//other.example", "http://other.example;"),
        ("http://[", "an invalid address;"),
        ("https://x.example/" + KEY, "https://x.example/…;"),
        ("/login/jane.roe@acme.org/0123456789abcdef/", "http://127.0.0.1:{port}/login/…/…/;"),
        ("https://x.example:99999/a\x7fb", "https://x.example:99999/ab;"),
    ],
)
async def test_a_redirect_is_reported_and_never_followed(client, server, org, location, place):
    server.answers = [say(b"", status=302, location=location)]
    error = await failure(client, org)
    assert isinstance(error, BadResponseError)
    assert error.kind == "redirect"
    assert f"302, redirected to {place.format(port=server.port)}" in str(error)
    assert "secret" not in str(error)
    assert "pass" not in str(error)
    assert len(server.received) == 1


async def test_a_redirect_does_not_show_the_user_in_the_path(client, server):
    org = FakeOrg(server.url, user_id="jane roe")
    location = f"https://127.0.0.1{MESSAGES_PER_SESSION.path(org='acme', user_id='jane roe')}"
    server.answers = [say(b"", status=301, location=location)]
    text = str(await failure(client, org, call(MESSAGES_PER_SESSION)))
    assert "redirected to https://127.0.0.1/api/ai-analytics/orgs/acme/users/…/" in text
    assert "jane" not in text


DJANGO = b"<!doctype html><h1>Not Found</h1><p>The requested resource was not found on this server."
HTML_TYPE = "text/html; charset=utf-8"
PAGE = "an HTML page instead of the API's JSON; a proxy, a firewall or the platform's front end"


@pytest.mark.parametrize(
    ("answer", "error_type", "kind", "from_api", "says"),
    [
        (
            say({"detail": "Invalid token."}, status=401),
            RejectedError,
            "unauthorized",
            True,
            "the key is",
        ),
        (say({}, status=403), RejectedError, "forbidden", True, "the key may not read this"),
        (
            say({}, status=403, content_type=None),
            RejectedError,
            "forbidden",
            True,
            "may not read this",
        ),
        (
            say({"detail": "Not found."}, status=404),
            RejectedError,
            "not_found",
            True,
            "no such endpoint",
        ),
        (
            say({}, status=410),
            BadResponseError,
            "bad_request",
            True,
            "410, the request was rejected",
        ),
        (say({}, status=500), UnavailableError, "server_error", True, "500, the server failed"),
        (
            say(b"", status=403, content_type=None),
            RejectedError,
            "forbidden",
            True,
            "may not read this",
        ),
        (say(b"", status=404, content_type=HTML_TYPE), RejectedError, "not_found", True, "no such"),
        (
            say(DJANGO, status=404, content_type=HTML_TYPE),
            RejectedError,
            "not_found",
            True,
            "no such",
        ),
        (say(HTML, status=401, content_type=HTML_TYPE), RejectedError, "unauthorized", False, PAGE),
        (say(HTML, status=403, content_type=HTML_TYPE), RejectedError, "forbidden", False, PAGE),
        (say(HTML, status=404, content_type=HTML_TYPE), RejectedError, "not_found", False, PAGE),
        (say(HTML, status=404, content_type=None), RejectedError, "not_found", False, PAGE),
        (say(HTML, status=403, content_type="text/plain"), RejectedError, "forbidden", False, PAGE),
        (say(HTML, status=403), RejectedError, "forbidden", False, PAGE),
        (squeeze(HTML, status=403), RejectedError, "forbidden", False, PAGE),
        (
            say(HTML, status=410, content_type=HTML_TYPE),
            BadResponseError,
            "bad_request",
            False,
            PAGE,
        ),
        (
            say(HTML, status=502, content_type=HTML_TYPE),
            UnavailableError,
            "server_error",
            False,
            PAGE,
        ),
        (
            say(b"RBAC: access denied", status=403, content_type="text/plain"),
            RejectedError,
            "forbidden",
            False,
            "403, text/plain instead of the API's JSON; a proxy",
        ),
        (
            say(b"default backend - 404", status=404, content_type=None),
            RejectedError,
            "not_found",
            False,
            "404, something instead of the API's JSON; a proxy",
        ),
        (
            say(HTML * 5000, status=403, content_type=HTML_TYPE),
            RejectedError,
            "forbidden",
            False,
            PAGE,
        ),
        (say(HTML, status=407), BadResponseError, "proxy", False, "407, a proxy requires a login"),
        (say({}, status=407), BadResponseError, "proxy", False, "407, a proxy requires a login"),
        (
            say(HTML, status=511, content_type=HTML_TYPE),
            BadResponseError,
            "proxy",
            False,
            "511, the network requires a login",
        ),
        (
            say({}, status=403, X_Squid_Error="ERR_ACCESS_DENIED 0"),
            BadResponseError,
            "proxy",
            False,
            "403, an error page of a proxy or firewall on the way to the API",
        ),
        (
            say({}, status=401, Proxy_Authenticate="Basic"),
            BadResponseError,
            "proxy",
            False,
            "a proxy or",
        ),
        (
            say({}, status=403, cf_mitigated="challenge"),
            BadResponseError,
            "proxy",
            False,
            "a proxy or",
        ),
        (
            say({}, status=502, Proxy_Status="edge; error=connection_refused"),
            UnavailableError,
            "proxy",
            False,
            "502, an error page of a proxy or firewall on the way to the API",
        ),
        (
            say({}, status=404, Via="1.1 edge", Proxy_Status="edge; received-status=404"),
            RejectedError,
            "not_found",
            True,
            "no such endpoint",
        ),
    ],
)
async def test_an_error_page_of_a_proxy_differs_from_an_error_of_the_api(
    make_client, server, org, answer, error_type, kind, from_api, says
):
    server.answers = [answer]
    error = await failure(make_client(retries=0), org)
    assert type(error) is error_type
    assert error.kind == kind
    assert error.from_api is from_api
    assert says in str(error)
    assert from_api or "the key may not read this" not in str(error)


@pytest.mark.parametrize("status", [407, 511])
async def test_a_login_that_a_proxy_asks_for_is_not_tried_again_at_once(
    make_client, server, org, status
):
    server.answers = [say(HTML, status=status, content_type=HTML_TYPE)]
    await failure(make_client(retries=3), org)
    assert len(server.received) == 1


async def test_a_page_that_asks_to_wait_is_obeyed(make_client, server, org):
    server.answers = [say(HTML, status=503, content_type=HTML_TYPE, Retry_After="60")]
    error = await failure(make_client(retries=0), org)
    assert error.kind == "rate_limited"
    assert "(an HTML page)" in str(error)


async def test_a_redirect_to_another_host_may_be_the_login_of_a_proxy(client, server, org):
    server.answers = [say(b"", status=302, location="https://login.corp.example/")]
    error = await failure(client, org)
    assert "unless a proxy or firewall requires a login there" in str(error)
    assert not error.from_api
