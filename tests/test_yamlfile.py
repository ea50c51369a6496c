import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.problems import ConfigError
from exporter.yamlfile import Unquoted, read, read_any


@pytest.fixture
def path(tmp_path):
    return tmp_path / "config.yml"


def problem(path):
    with pytest.raises(ConfigError) as caught:
        read(path)
    (only,) = caught.value.problems
    return only


def test_every_value_has_its_line(path):
    path.write_text("interval: 5m\n\norgs:\n  - key: acme\n    mentors:\n      - a\n      - b\n")
    document = read(path)
    assert document.tree == {"interval": "5m", "orgs": [{"key": "acme", "mentors": ["a", "b"]}]}
    assert document.lines["interval",] == 1
    assert document.lines["orgs", 0, "mentors"] == 5
    assert document.lines["orgs", 0, "mentors", 1] == 7


@pytest.mark.parametrize("text", ["no", "Yes", "on", "off", "true", "123", "0123", "1:30", "1.5"])
def test_a_word_that_yaml_takes_for_something_else_keeps_its_text_and_a_mark(path, text):
    path.write_text(f"plain: {text}\nquoted: '{text}'\n")
    tree = read(path).tree
    assert tree == {"plain": text, "quoted": text}
    assert isinstance(tree["plain"], Unquoted)
    assert not isinstance(tree["quoted"], Unquoted)


def test_dates_are_text_and_null_is_none(path):
    path.write_text("day: 2026-12-24\nnone: null\ntilde: ~\nblank:\n")
    assert read(path).tree == {"day": "2026-12-24", "none": None, "tilde": None, "blank": None}


@pytest.mark.parametrize(
    "content", [b"", b"# only a comment\n", b"---\n", b"null\n", b"\xef\xbb\xbf"]
)
def test_an_empty_file_says_nothing_and_is_fine(path, content):
    path.write_bytes(content)
    assert read(path).tree == {}


def test_merged_keys_yield_to_the_own_ones_and_the_first_mapping_to_none(path):
    path.write_text(
        "a: &a {x: 1a, y: 1a}\nb: &b {<<: *a, y: 1b, z: 1b}\nc: {<<: [*b, *a], z: 1c}\n"
    )
    assert read(path).tree["c"] == {"x": "1a", "y": "1b", "z": "1c"}


def test_a_value_that_came_with_a_merge_has_the_line_where_it_is_written(path):
    path.write_text("a: &a\n  x: y\nb:\n  <<: *a\n")
    assert read(path).lines["b", "x"] == 2


def test_what_is_no_file_is_told_in_plain_words(path, tmp_path):
    assert problem(path) == f"{path}: there is no such file; check the path"
    assert problem(tmp_path) == f"{tmp_path}: is a directory; name a file in it"


def test_a_file_that_may_not_be_read_is_told_in_plain_words(path, unprivileged):
    path.write_text("a: b")
    path.chmod(0)
    with unprivileged():
        assert "permission denied; let the user of the exporter read it" in problem(path)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a: b\nc: \xff\n", "2: is not UTF-8 text; save it as UTF-8"),
        ("a: ü\n".encode("utf-16"), "1: is not UTF-8 text; save it as UTF-8"),
        (b"a: b\n\x07\n", " contains control characters; remove them"),
        (b"#" * (16 << 20) + b"#", " is larger than 16 MiB; check the path"),
        (b"[" * 100_000, "1: is nested more than 20 levels deep; write less"),
        (b"- " * 100_000, "1: is nested more than 20 levels deep; write less"),
    ],
)
def test_a_strange_file_is_told_in_plain_words(path, content, text):
    path.write_bytes(content)
    assert problem(path) == f"{path}:{text}"


def test_a_file_may_have_as_many_values_as_it_likes_but_aliases_add_few(path):
    path.write_text(f"# {'x' * (1 << 20)}\n[{'a, ' * 260_000}]\n")
    assert len(read_any(path).tree) == 260_000
    path.write_text(f"- &a [{'a, ' * 10_000}]\n" + "- *a\n" * 30)
    with pytest.raises(ConfigError, match="aliases"):
        read_any(path)


def test_a_syntax_error_never_quotes_the_file(path):
    for text in (
        "k: *hunter2\n",
        "k: &hunter2\n&hunter2 : x\n",
        "k: %hunter2\n",
        "hunter2\nk: v\n",
    ):
        path.write_text(text)
        assert "hunter2" not in problem(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text("ab:-[]{}&*!|>'\"%@`#?, \t\n<0.1", max_size=60))
def test_any_file_is_read_or_a_config_error(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        tree = read(path).tree
    except ConfigError as error:
        assert str(error).startswith(str(path))  # noqa: PT017 - either outcome is right
    else:
        assert isinstance(tree, dict)
