import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.problems import ConfigError
from exporter.web import webconfig

HASH = "$2b$04$.qiMAWdSxoGcvrW/9BaQaeHhZKMDNSXW/yd1rBps5qmECol20yjUK"


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "web.yml"
        path.write_text(text)
        return path

    return write


def test_a_whole_file_is_read_with_paths_seen_from_its_directory(write, tmp_path):
    config = webconfig.read(
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
    assert config.tls.cert_file == tmp_path / "cert.pem"
    assert str(config.tls.key_file) == "/keys/key.pem"
    assert config.tls.client_ca_file == tmp_path / "ca.pem"
    assert config.tls.client_auth_type == "RequireAndVerifyClientCert"
    assert config.tls.min_version == "TLS13"
    assert config.users == {"alice": HASH}
    assert config.headers == {
        "Strict-Transport-Security": "max-age=31536000",
        "X-Frame-Options": "deny",
    }
    assert HASH not in repr(config)


def test_an_empty_file_asks_for_nothing(write):
    assert webconfig.read(write("")) == webconfig.WebConfig()


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("basic_auth_user: {}", 1, "unknown key; did you mean basic_auth_users?"),
        ("tls_server_config: {cert_file: c}", 1, "key_file: is missing"),
        ("tls_server_config: {key_file: c}", 1, "cert_file: is missing"),
        ("tls_server_config: yes", 1, "must hold keys and values"),
        ("tls_server_config: {cert_file: c, key_file: k, cert: x}", 1, "not supported"),
        ("tls_server_config: {cert_file: c, key_file: k, cipher_suites: []}", 1, "not supported"),
        (
            "\ntls_server_config:\n cert_file: c\n key_file: k\n min_version: TLS9",
            5,
            "one of TLS12",
        ),
        ("tls_server_config: {cert_file: c, key_file: k, min_version: TLS10}", 1, "broken"),
        (
            "tls_server_config:\n cert_file: c\n client_auth_type: RequireAnyClientCert",
            3,
            "use VerifyClientCertIfGiven",
        ),
        (
            "tls_server_config: {cert_file: c, key_file: k, client_ca_file: a}",
            1,
            "needs a client_auth_type",
        ),
        (
            "tls_server_config:\n client_auth_type: RequireAndVerifyClientCert",
            2,
            "needs a client_ca_file",
        ),
        ("http_server_config: {http2: true}", 1, "not supported"),
        ("http_server_config: {headers: {X-Frame-Options: maybe}}", 1, "deny or sameorigin"),
        ("http_server_config: {headers: {X-Powered-By: us}}", 1, "unknown key"),
        ('http_server_config: {headers: {X-XSS-Protection: "a\\nb"}}', 1, "one line"),
        ("basic_auth_users: {alice: hunter2}", 1, "no bcrypt hash"),
        ("basic_auth_users: {alice: }", 1, "no bcrypt hash"),
        (f'basic_auth_users: {{"al:ice": {HASH}}}', 1, "colon"),
        ("rate_limit: {interval: 1s}", 1, "not supported"),
        ("a: 1\na: 2", 2, "twice"),
        ("tls_server_config:\n\tcert_file: x", 2, "tab"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(write, text, line, says):
    path = write(text)
    with pytest.raises(ConfigError) as caught:
        webconfig.read(path)
    assert any(p.startswith(f"{path}:{line}:") and says in p for p in caught.value.problems)
    assert "hunter2" not in str(caught.value)


def test_all_mistakes_are_told_at_once(write):
    with pytest.raises(ConfigError) as caught:
        webconfig.read(write("a: 1\nrate_limit: 2\nbasic_auth_users: {x: y}"))
    assert len(caught.value.problems) == 3


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"web\.yml: there is no such file"):
        webconfig.read(tmp_path / "web.yml")


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
        made = webconfig.read(path)
    except ConfigError as error:
        made = error.problems
    assert made
