"""Whatever stands in a configuration file, it is taken or refused in words."""

import copy

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter import collectors
from exporter.problems import ConfigError
from exporter.settings import load
from exporter.web import web_config

KEY = "0123456789abcdef" * 4
GOOD = {
    "base_url": "https://base.manager.iblai.app/dm",
    "timezone": "Europe/Berlin",
    "interval": "5m",
    "percentages": "ratio",
    "max_staleness": None,
    "series_limit": 100,
    "labels": {"campus": "north"},
    "courses": {"include": ".*", "exclude": "", "enrollments": True},
    "api": {"timeout": "30s", "concurrency": 8, "rate_limit": 20, "max_body": "16MiB"},
    "web": {"listen_address": ":10880", "enable_reload": False},
    "log": {"level": "info", "format": "json"},
    "alerts": {"sensitivity": 0.5},
    "quiet_days": ["2026-12-24/2027-01-02"],
    "orgs": [{"key": "acme", "user_id": "ops", "api_key": KEY, "mentors": ["m"]}],
}
WEB = {
    "tls_server_config": {"cert_file": "c.pem", "key_file": "k.pem", "min_version": "TLS12"},
    "basic_auth_users": {"anna": "$2b$10$" + "a" * 21 + "u" + "a" * 31},
    "http_server_config": {"headers": {"X-Frame-Options": "deny"}},
}
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.dates(),
    st.sampled_from(["5m", "-1s", "0s", "1e9d", "UTC", "../..", "Mars/Base", "[", "*", "${KEY}"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
known = collectors.COLLECTORS


@st.composite
def changed(draw, good):
    """Return a good configuration in which up to three things are others."""
    tree = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, 3))):
        node = tree
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(node[key], dict | list) and draw(st.booleans()):
                node = node[key]
                continue
            if isinstance(node, dict) and draw(st.booleans()):
                node[draw(st.text(max_size=8))] = draw(values)
            else:
                node[key] = draw(values)
            break
    return yaml.safe_dump(tree, allow_unicode=True)


def fuzz(good):
    return given(
        content=st.one_of(
            changed(good).map(str.encode),
            st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass")),
            st.binary(max_size=80),
            st.text(st.sampled_from("{}[]&*!|>-:?,#\"'%@ \n\ta1"), max_size=40).map(str.encode),
        )
    )


once = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def file(tmp_path):
    return tmp_path / "file.yml"


@once
@fuzz(GOOD)
def test_a_configuration_is_taken_or_refused_in_words(file, content):
    file.write_bytes(content)
    try:
        load(file, environ={}, known_collectors=frozenset(c.name for c in known))
    except ConfigError as error:
        told(error, file)


@once
@fuzz(WEB)
def test_a_web_configuration_is_taken_or_refused_in_words(file, content):
    file.write_bytes(content)
    try:
        web_config.read(file)
    except ConfigError as error:
        told(error, file)


def told(error, file):
    assert error.problems
    for problem in error.problems:
        assert str(file) in problem
        assert KEY not in problem
        assert "\n" not in problem
        assert len(problem) < 500 + len(str(file))


@once
@given(
    environ=st.dictionaries(
        st.sampled_from(
            [
                "IBLAI_ORGS",
                "IBLAI_USER_ID",
                "IBLAI_API_KEY",
                "IBLAI_INTERVAL",
                "IBLAI_API__TIMEOUT",
                "IBLAI_LABELS",
                "IBLAI_ORGS__0__KEY",
                "IBLAI_ORGS__0__MENTORS",
                "IBLAI_ORGS__1__API_KEY_FILE",
                "IBLAI_NOTHING",
                "IBLAI_COURSES__INCLUDE",
                "IBLAI_BASE_URL",
                "IBLAI_SECRETS_DIR",
            ]
        ),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
        | st.sampled_from(["acme,globex", '["acme"]', "{", KEY, "5m", "(", "~nobody/x"]),
    )
)
def test_an_environment_is_taken_or_refused_in_words(environ):
    try:
        load(None, environ=environ, known_collectors=frozenset(c.name for c in known))
    except ConfigError as error:
        for problem in error.problems:
            assert KEY not in problem
            assert "\n" not in problem


def test_the_good_configurations_are_good(file):
    file.write_text(yaml.safe_dump(GOOD))
    (org,) = load(file, environ={}).orgs
    assert (org.key, org.secret()) == ("acme", KEY)
    file.write_text(yaml.safe_dump(WEB))
    assert web_config.read(file).users == WEB["basic_auth_users"]
