import base64
import os

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exporter.settings.keyfile import KeyFile, unfit

KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "key"


def test_a_key_is_read_without_the_line_end_that_editors_add(path):
    path.write_text(f"{KEY}\n")
    assert KeyFile(path).read() == KEY


def test_a_changed_file_is_read_again(path, tick):
    path.write_text("before0")
    file = KeyFile(path, monotonic=tick)
    assert file.read() == "before0"
    path.write_text("after-it")
    tick.now += 1
    assert file.read() == "after-it"


def test_a_key_of_the_same_length_put_in_place_by_a_rename_is_noticed(path, tick, tmp_path):
    path.write_text("before0")
    file = KeyFile(path, monotonic=tick)
    file.read()
    stat = path.stat()
    other = tmp_path / "other"
    other.write_text("behind0")
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(path)
    tick.now += 1
    assert file.read() == "behind0"


def test_the_file_is_looked_at_once_a_second_at_most(path, tick):
    path.write_text("before0")
    file = KeyFile(path, monotonic=tick)
    file.read()
    path.write_text("after-it")
    tick.now += 0.9
    assert file.read() == "before0"


def test_a_file_that_vanished_is_an_error_and_its_return_the_end_of_it(path, tick):
    path.write_text(KEY)
    file = KeyFile(path, monotonic=tick)
    file.read()
    path.unlink()
    tick.now += 1
    with pytest.raises(
        FileNotFoundError, match="does not exist; create it with the API key"
    ) as caught:
        file.read()
    assert caught.value.filename == str(path)
    path.write_text("new-key")
    assert file.read() == "new-key"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (f"{KEY}\n{KEY}\n".encode(), "several lines"),
        (f"Api-Token {KEY}".encode(), "contains spaces"),
        (b"CHANGEME", "is a placeholder"),
        (b"\xff\xfe" + KEY.encode(), "is not text"),
        (KEY.encode() * 3000, "larger than 64 KiB"),
        (f"{KEY}\x00".encode(), "characters that keys do not have"),
    ],
)
def test_a_file_without_a_usable_key_is_an_error_that_names_it_and_not_the_content(
    path, content, reason
):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=reason) as caught:
        KeyFile(path).read()
    assert str(path) in str(caught.value)
    assert KEY[:8] not in str(caught.value)


def test_a_directory_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="is a directory; name the file with the key"):
        KeyFile(tmp_path).read()


def test_a_pipe_is_refused_rather_than_waited_for(path):
    os.mkfifo(path)
    with pytest.raises(ValueError, match="is not a file"):
        KeyFile(path).read()


def test_an_unreadable_file_is_an_error_with_a_remedy(path, unprivileged):
    path.write_text(KEY)
    path.chmod(0)
    remedy = "let the user of the exporter read it"
    with unprivileged(), pytest.raises(PermissionError, match=remedy):
        KeyFile(path).read()


EMPTY, AROUND, WITHIN = "is empty", "spaces or line breaks around it", "contains spaces"
PLACEHOLDER, QUOTES, NAME = "is a placeholder", "has quotes around it", "begins with a name"
MARKS, PATH, OTHER = "other marks that keys", "an address or a path", "characters that keys"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", EMPTY),
        (" key", AROUND),
        ("key\n", AROUND),
        ("…", PLACEHOLDER),
        ("...", PLACEHOLDER),
        ('"…"', PLACEHOLDER),
        ("<your key>", PLACEHOLDER),
        ("your-api-key-here", PLACEHOLDER),
        ("YOUR_API_KEY", PLACEHOLDER),
        ("your.token", PLACEHOLDER),
        ("<api-key>", PLACEHOLDER),
        ("my-api-key", PLACEHOLDER),
        ("insert your key here", PLACEHOLDER),
        ("paste-key-here", PLACEHOLDER),
        ("secret-key-goes-here", PLACEHOLDER),
        ("Api-Token", PLACEHOLDER),
        ("changeme", PLACEHOLDER),
        ("CHANGEME", PLACEHOLDER),
        ("change-me", PLACEHOLDER),
        ("replace_this", PLACEHOLDER),
        ("TODO", PLACEHOLDER),
        ("null", PLACEHOLDER),
        ("xxx", PLACEHOLDER),
        ("XXXX-XXXX-XXXX", PLACEHOLDER),
        ("sk-xxxxxxxxxxxx", PLACEHOLDER),
        ("0f1e2d3c****", PLACEHOLDER),
        ("------", PLACEHOLDER),
        ("${KEY}", PLACEHOLDER),
        ("${KEY:-}", PLACEHOLDER),
        ("$KEY", PLACEHOLDER),
        ("%KEY%", PLACEHOLDER),
        ("{{ key }}", PLACEHOLDER),
        ('"0f1e2d3c"', QUOTES),
        ("'0f1e2d3c'", QUOTES),
        ("`0f1e2d3c`", QUOTES),
        ("“0f1e2d3c”", QUOTES),
        ('0f1e2d3c"', QUOTES),
        ('"Token 0f1e2d3c"', QUOTES),
        ("api_key=0f1e2d3c", NAME),
        ("API_KEY = 0f1e2d3c", WITHIN),
        ("api_key: 0f1e2d3c", NAME),
        ("api-key:0f1e2d3c", NAME),
        ("apikey=0f1e2d3c", NAME),
        ("KEY: x", NAME),
        ("Token:0f1e2d3c", NAME),
        ("IBLAI_ORGS__0__API_KEY=0f1e2d3c", NAME),
        ("Authorization: Api-Token 0f1e2d3c", NAME),
        ("Token 0f1e2d3c", WITHIN),
        ("Api-Token 0f1e2d3c", WITHIN),
        ("export KEY=0f1e2d3c", WITHIN),
        ("a b", WITHIN),
        ("a\u00a0b", WITHIN),
        ("{0f1e2d3c}", MARKS),
        ("[0f1e2d3c]", MARKS),
        ("(0f1e2d3c)", MARKS),
        ('{"key":"0f1e2d3c"}', MARKS),
        ("0f1e2d3c,", MARKS),
        ("0f1e2d3c;", MARKS),
        ("0f1e2d3c\\n", MARKS),
        ("https://api.example/0f1e2d3c", PATH),
        ("/run/secrets/acme", PATH),
        ("./acme.key", PATH),
        ("~/acme.key", PATH),
        ("k" * 9000, OTHER),
        ("schlüssel", OTHER),
        ("key\x7f", OTHER),
    ],
)
def test_a_text_that_cannot_be_a_key_is_rejected_with_its_reason_and_without_quoting_it(
    text, reason
):
    assert reason in unfit(text)
    assert "0f1e2d3c" not in unfit(text)


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        "k3y",
        "x",
        "secret",
        "test-key",
        "a.b-c_d~e+f/g=",
        "sk:1234",
        "/ab/cd+==",
        "Key==",
        "$a%b",
    ],
)
def test_a_text_that_can_be_a_key_is_accepted(text):
    assert unfit(text) is None


@given(
    st.binary(min_size=16, max_size=48),
    st.sampled_from([bytes.hex, base64.b64encode, base64.urlsafe_b64encode, base64.b32encode]),
)
def test_random_keys_in_the_usual_encodings_are_accepted(secret, encode):
    assume(len(set(secret)) > 8)
    key = encode(secret)
    assert unfit(key if isinstance(key, str) else key.decode()) is None


@given(
    st.text(max_size=60),
    st.sampled_from(['"{}"', "'{}'", "api_key={}", "{{{}}}", "key: {}", "{} "]),
)
def test_whatever_the_key_what_is_careless_about_it_is_noticed(key, form):
    assert unfit(form.format(key))
