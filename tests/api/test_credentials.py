# fixtures and cases are arguments


import pytest

from exporter.api.errors import ApiError
from tests.api.conftest import call, failure, say


@pytest.mark.parametrize("key", ["line\nbreak", "kë", "", " ", "nul\0"])
async def test_a_key_that_cannot_be_sent_is_an_error_without_the_key(client, server, org, key):
    org.api_key = key
    with pytest.raises(ApiError) as caught:
        await client.get(org, call())
    assert caught.value.kind == "bad_key"
    assert not caught.value.sent
    assert str(caught.value) == (
        "acme: the API key is empty, or contains a line break or another character that cannot be "
        "sent"
    )
    assert server.received == []


async def test_a_key_file_that_cannot_be_read_is_named(client, server, org, observer):
    org.api_key = FileNotFoundError(2, "No such file or directory", "/run/secrets/acme")
    error = await failure(client, org)
    assert (error.kind, error.sent) == ("no_key", False)
    assert str(error) == (
        "acme: the API key cannot be read: /run/secrets/acme: No such file or directory"
    )
    assert observer.requests == []


async def test_a_key_file_that_is_no_text_does_not_appear_in_the_error(client, org):
    org.api_key = UnicodeDecodeError("utf-8", b"secret\xff", 6, 7, "invalid start byte")
    error = await failure(client, org)
    assert str(error) == "acme: the API key cannot be read: UnicodeDecodeError"


async def test_neither_an_echoed_key_nor_a_person_reaches_the_error(client, server, org):
    org.api_key = "short-key"
    server.answers = [say({"detail": "Token short-key of Jane Roe is unknown"}, status=401)]
    error = await failure(client, org)
    assert "short-key" not in str(error)
    assert "Jane" not in str(error)
    assert "the reason is not shown" in str(error)
