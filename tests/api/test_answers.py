import pytest

from exporter.api.errors import BadAnswer, Kind
from tests.api.conftest import HTML, KEY, call, failure, say, squeeze


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (say(HTML, content_type="text/html; charset=utf-8"), Kind.CONTENT, "sent a web page"),
        (say(HTML, content_type=None), Kind.CONTENT, "sent a web page"),
        (say(b"hello", content_type=None), Kind.CONTENT, "sent something instead of JSON"),
        (say(b"a,b", content_type="text/csv"), Kind.CONTENT, "sent text/csv instead of JSON"),
        (say(b""), Kind.CONTENT, "sent nothing (status 200)"),
        (say(b" \n"), Kind.CONTENT, "sent nothing (status 200)"),
        (say(b"", status=204, content_type=None), Kind.CONTENT, "sent nothing (status 204)"),
        (say(b"x", content_type=f"text/{KEY}"), Kind.CONTENT, "sent something instead of JSON"),
        (say(b"x", content_encoding="br"), Kind.ENCODING, "that was not asked for (br)"),
        (say(b"x", content_encoding=KEY), Kind.ENCODING, "that was not asked for (of its own)"),
        (say(b"plain", content_encoding="gzip"), Kind.ENCODING, "sent gzip, which it is not"),
        (say(b" " * 2001), Kind.TOO_LARGE, "sent more than 2000 bytes"),
        (squeeze(b" " * 2001), Kind.TOO_LARGE, "sent more than 2000 bytes"),
        (say({"detail": "bad dates"}, status=400), Kind.BAD_REQUEST, "400"),
        (say({}, status=418), Kind.BAD_REQUEST, "418"),
        (say(b"", status=304), Kind.REDIRECT, "304"),
    ],
)
async def test_an_answer_that_another_try_would_not_mend_is_asked_for_once(
    make_client, server, account, naps, answer, kind, says
):
    server.answers = [answer]
    error = await failure(make_client(max_body=2000), account)
    assert isinstance(error, BadAnswer)
    assert error.kind == kind
    assert error.asked
    assert says in str(error)
    assert len(server.asked) == 1
    assert naps.taken == []


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "application/problem+json", None],
)
async def test_json_by_any_of_its_names_is_taken(client, server, account, content_type):
    server.answers = [say(b"\n [1]", content_type=content_type)]
    assert await client.get(account, call()) == b"\n [1]"


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("https://user:pass@login.example/in?next=secret#x", "https://login.example/in;"),
        ("/elsewhere/?token=secret", "http://127.0.0.1:{port}/elsewhere/;"),
        ("//other.example", "http://other.example;"),
        ("http://[", "an address that cannot be read;"),
        ("https://x.example/" + KEY, "https://x.example/…;"),
        ("/login/jane.roe@acme.org/0123456789abcdef/", "http://127.0.0.1:{port}/login/…/…/;"),
        ("https://x.example:99999/a\x7fb", "https://x.example:99999/ab;"),
    ],
)
async def test_a_redirect_is_never_followed_and_told(client, server, account, location, place):
    server.answers = [say(b"", status=302, location=location)]
    error = await failure(client, account)
    assert isinstance(error, BadAnswer)
    assert error.kind == "redirect"
    assert f"302, redirected to {place.format(port=server.port)}" in str(error)
    assert "secret" not in str(error)
    assert "pass" not in str(error)
    assert len(server.asked) == 1
