import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.problems import ConfigError
from exporter.web import web_config
from exporter.web.rate_limit import RateLimit

PAIR = "tls_server_config:\n cert_file: c\n key_file: k"
HASH = "$2b$04$.qiMAWdSxoGcvrW/9BaQaeHhZKMDNSXW/yd1rBps5qmECol20yjUK"


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "web.yml"
        path.write_text(text)
        return path

    return write


def test_a_whole_file_is_read_with_paths_seen_from_its_directory(write, tmp_path):
    config = web_config.read(
        write(
            f"""
tls_server_config:
  cert_file: cert.pem
  key_file: /keys/key.pem
  client_ca_file: ca.pem
  client_auth_type: RequireAndVerifyClientCert
  min_version: TLS13
http_server_config:
  headers:
    X-Frame-Options: deny
    Strict-Transport-Security: max-age=31536000
basic_auth_users:
  alice: {HASH}
"""
        )
    )
    assert config.tls.cert.path == tmp_path / "cert.pem"
    assert str(config.tls.key.path) == "/keys/key.pem"
    assert config.tls.client_ca.path == tmp_path / "ca.pem"
    assert config.tls.files() == [config.tls.cert.path, config.tls.key.path, tmp_path / "ca.pem"]
    assert config.tls.client_auth_type == "RequireAndVerifyClientCert"
    assert config.tls.min_version == "TLS13"
    assert config.users == {"alice": HASH}
    assert config.headers == {
        "Strict-Transport-Security": "max-age=31536000",
        "X-Frame-Options": "deny",
    }
    assert HASH not in repr(config)


def test_an_empty_file_asks_for_nothing(write):
    assert web_config.read(write("")) == web_config.WebConfig()


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("basic_auth_user: {}", 1, "unknown key; did you mean basic_auth_users?"),
        ("tls_server_config: {cert_file: c}", 1, "key_file: is missing"),
        ("tls_server_config: {key_file: c}", 1, "cert_file: is missing"),
        ("tls_server_config: yes", 1, "must hold keys and values"),
        ("tls_server_config: {cert: c, cert_file: c, key_file: k}", 1, "keep one of the two"),
        ("tls_server_config: {cert: '', key_file: k}", 1, "cert_file: is missing"),
        ("tls_server_config: {cert_file: c, key: ''}", 1, "key_file: is missing"),
        ("tls_server_config: {min_version: TLS13}", 1, "cert_file: is missing"),
        (f"{PAIR}\n min_version: TLS9", 4, "one of TLS12"),
        (f"{PAIR}\n max_version: TLS11", 4, "broken"),
        (f"{PAIR}\n min_version: TLS13\n max_version: TLS12", 5, "below min_version"),
        (f"{PAIR}\n client_auth_type: x", 4, "must be one of"),
        (f"{PAIR}\n client_ca_file: a", 4, "needs a client_auth_type"),
        (f"{PAIR}\n client_ca: a", 4, "client_ca: needs a client_auth_type"),
        (f"{PAIR}\n client_allowed_sans: [a]", 4, "needs a client_auth_type"),
        (f"{PAIR}\n client_allowed_sans: a", 4, "must be a list"),
        (f"{PAIR}\n cipher_suites: [TLS_RSA_WITH_SHA2048]", 4, "unknown suite"),
        (
            f"{PAIR}\n max_version: TLS12\n cipher_suites: [TLS_AES_128_GCM_SHA256]",
            4,
            "has no cipher suite left",
        ),
        (f"{PAIR}\n curve_preferences: [CurveP257]", 4, "did you mean CurveP256?"),
        (f"{PAIR}\n curve_preferences: [CurveP256, X25519]", 4, "one curve or all of them"),
        (f"{PAIR}\n prefer_server_cipher_suites: maybe", 4, "true or false"),
        ("http_server_config: {http2: maybe}", 1, "true or false"),
        ("http_server_config: {headers: {X-Frame-Options: maybe}}", 1, "deny or sameorigin"),
        ("http_server_config: {headers: {X-Powered-By: us}}", 1, "unknown key"),
        ('http_server_config: {headers: {X-XSS-Protection: "a\\nb"}}', 1, "one line"),
        ("basic_auth_users: {alice: hunter2}", 1, "no bcrypt hash"),
        ("basic_auth_users: {alice: }", 1, "no bcrypt hash"),
        (f"basic_auth_users: {{alice: $2b$04${'z' * 53}}}", 1, "no bcrypt hash"),
        (f'basic_auth_users: {{"al:ice": {HASH}}}', 1, "colon"),
        ("rate_limit: {interval: fast}", 1, "is not a duration"),
        ("rate_limit: {interval: 1s, burst: many}", 1, "whole number"),
        ("rate_limit: {every: 1s}", 1, "unknown key"),
        ("a: 1\na: 2", 2, "twice"),
        ("tls_server_config:\n\tcert_file: x", 2, "tab"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(write, text, line, says):
    path = write(text)
    with pytest.raises(ConfigError) as caught:
        web_config.read(path)
    assert any(p.startswith(f"{path}:{line}:") and says in p for p in caught.value.problems)
    assert "hunter2" not in str(caught.value)


def test_all_mistakes_are_told_at_once(write):
    with pytest.raises(ConfigError) as caught:
        web_config.read(write("a: 1\nrate_limit: 2\nbasic_auth_users: {x: y}"))
    assert len(caught.value.problems) == 3


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"web\.yml: there is no such file"):
        web_config.read(tmp_path / "web.yml")


@pytest.mark.parametrize(
    "text",
    [
        "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\nrate_limit:",
        "tls_server_config: {cert_file: '', key_file: '', client_auth_type: ''}",
        "tls_server_config: {cert_file: , client_allowed_sans: [], cipher_suites: []}",
        "tls_server_config: {prefer_server_cipher_suites: true}",
        "http_server_config: {http2: true, headers: {}}",
        "http_server_config: {http2: , headers: {X-Frame-Options: ''}}",
        "rate_limit: {interval: 0, burst: 0}",
        "rate_limit: {interval: 0s}",
    ],
)
def test_empty_values_and_keys_without_effect_are_as_if_they_were_not_there(write, text):
    assert web_config.read(write(text)) == web_config.WebConfig()


def test_a_rate_limit_without_a_burst_is_warned_about(write):
    config = web_config.read(write("rate_limit: {interval: 1s, burst: 0}"))
    assert config.rate_limit == RateLimit(1, 0)
    (warning,) = config.warnings
    assert "web.yml:1: rate_limit.burst: is 0" in warning


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("min_version: TLS10", "TLS12 is used"),
        ("client_auth_type: RequireAnyClientCert", "verified"),
    ],
)
def test_where_the_exporter_is_stricter_than_the_toolkit_it_warns(write, line, says):
    config = web_config.read(write(f"{PAIR}\n {line}"))
    (warning,) = config.warnings
    assert "web.yml:4: tls_server_config." in warning
    assert says in warning


yaml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "tls_server_config",
                    "cert_file",
                    "headers",
                    "http_server_config",
                    "basic_auth_users",
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(value=yaml_values)
def test_whatever_the_file_holds_it_is_read_or_refused(value, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "web.yml"
    path.write_text(json.dumps(value))
    try:
        made = web_config.read(path)
    except ConfigError as error:
        made = error.problems
    assert made
