"""TLS over real sockets, with every kind of valid example of the exporter-toolkit."""

import datetime as dt
import ssl
import textwrap

import pytest
import trustme
import yaml

from exporter.problems import ConfigError
from exporter.web.server import WebConfigFile

AUTHORITY, STRANGER = trustme.CA(), trustme.CA()
TOMORROW = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
SERVER = AUTHORITY.issue_cert("127.0.0.1", not_after=TOMORROW)
ONE = AUTHORITY.issue_cert("one.example", not_after=TOMORROW)
TWO = AUTHORITY.issue_cert("two@example.org", "10.1.2.3", "2001:db8::1", not_after=TOMORROW)
OTHER = STRANGER.issue_cert("one.example", not_after=TOMORROW)

HASH = "$2y$10$abcdefghijklmnopqrstuuAbCdEfGhIjKlMnOpQrStUvWxYz01234"
FILES = "{cert_file: server.pem, key_file: server.key"
VALID = {
    "empty": "",
    "verify if given": f"tls_server_config: {FILES}, client_auth_type: VerifyClientCertIfGiven}}",
    "verify by the authorities of the system": (
        f"tls_server_config: {FILES}, client_auth_type: RequireAndVerifyClientCert}}"
    ),
    "verify by an authority": f"""
        tls_server_config: {FILES}, client_auth_type: RequireAndVerifyClientCert,
          client_ca_file: ca.pem}}""",
    "any certificate": f"tls_server_config: {FILES}, client_auth_type: RequireAnyClientCert}}",
    "names": f"""
        tls_server_config: {FILES}, client_auth_type: RequireAndVerifyClientCert,
          client_ca_file: ca.pem, client_allowed_sans: [zero, one.example, two]}}""",
    "headers": """
        http_server_config:
          headers:
            X-Frame-Options: deny
            Strict-Transport-Security: max-age=31536000; includeSubDomains
            X-Content-Type-Options: nosniff
            X-XSS-Protection: 1
            Content-Security-Policy: "default-src 'self'\"""",
    "all ciphers": f"""
        tls_server_config: {FILES}, client_auth_type: VerifyClientCertIfGiven, cipher_suites: [
          TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
          TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
          TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
          TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256,
          TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256,
          TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
          TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA]}}""",
    "all curves": f"""
        tls_server_config: {FILES}, curve_preferences: [CurveP256, CurveP384, CurveP521, X25519]}}
        """,
    "one curve": f"""
        tls_server_config: {FILES}, min_version: TLS13, curve_preferences: [CurveP521]}}""",
    "no http2": f"""
        tls_server_config: {FILES}, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384],
          max_version: TLS12}}
        http_server_config: {{http2: false}}""",
    "some ciphers": f"""
        tls_server_config: {FILES}, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
          TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384], min_version: TLS12, max_version: TLS12}}""",
    "the order of the client": f"""
        tls_server_config: {FILES}, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
          TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256], prefer_server_cipher_suites: false,
          min_version: TLS12, max_version: TLS12}}""",
    "users": f"""
        tls_server_config: {FILES}}}
        basic_auth_users: {{alice: {HASH}, bob: {HASH}}}""",
    "users without tls": f"basic_auth_users: {{alice: {HASH}}}",
    "no rate limit": "rate_limit: {interval: 0, burst: 0}",
    "a rate limit": 'rate_limit: {interval: "1s", burst: 0}',
}


def pem(blobs):
    return b"".join(blob.bytes() for blob in blobs)


@pytest.fixture
def write(tmp_path):
    """Return a way to write a web configuration, beside certificates that it may name."""
    (tmp_path / "server.pem").write_bytes(pem(SERVER.cert_chain_pems))
    SERVER.private_key_pem.write_to_path(tmp_path / "server.key")
    AUTHORITY.cert_pem.write_to_path(tmp_path / "ca.pem")

    def write(text):
        path = tmp_path / "web.yml"
        path.write_text(textwrap.dedent(text) if isinstance(text, str) else yaml.dump(text))
        return path

    return write


def client(certificate=None, **more):
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    if certificate is not None:
        certificate.configure_cert(context)
    for name, value in more.items():
        setattr(context, name, value)
    return context


async def answered(connect, context):
    """Return whether a request over TLS is answered."""
    try:
        return (await (await connect(ssl=context)).ask())[0] == 200
    except (OSError, EOFError):
        return False


@pytest.mark.parametrize("text", VALID.values(), ids=VALID)
def test_valid_examples_are_accepted(write, text):
    WebConfigFile(write(text))


async def test_certificate_key_and_authority_may_be_written_into_the_file(serving, write):
    section = {
        "cert": pem(SERVER.cert_chain_pems).decode(),
        "key": SERVER.private_key_pem.bytes().decode(),
        "client_ca": AUTHORITY.cert_pem.bytes().decode(),
        "client_auth_type": "RequireAndVerifyClientCert",
    }
    config = write({"tls_server_config": section})
    async with serving(config=config) as connect:
        assert await answered(connect, client(ONE))
        assert not await answered(connect, client())
        assert not await answered(connect, client(OTHER))
    assert "PRIVATE KEY" not in repr(WebConfigFile(config).config)


def test_a_key_in_the_file_that_is_none_is_rejected_without_being_shown(write):
    section = {"cert_file": "server.pem", "key": "hunter2"}
    with pytest.raises(ConfigError, match="not PEM") as caught:
        WebConfigFile(write({"tls_server_config": section}))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("allowed", "certificate", "admitted"),
    [
        ("one.example", ONE, True),
        ("two@example.org", TWO, True),
        ("10.1.2.3", TWO, True),
        ("2001:0db8:0::1", TWO, True),
        ("two.example", ONE, False),
        ("one.example", OTHER, False),
        ("one.example", None, False),
    ],
)
async def test_only_allowed_names_are_admitted(serving, write, allowed, certificate, admitted):
    config = write(
        f"""
        tls_server_config: {FILES}, client_auth_type: VerifyClientCertIfGiven,
          client_ca_file: ca.pem, client_allowed_sans: [nobody.example, "{allowed}"]}}
        """
    )
    async with serving(config=config) as connect:
        assert await answered(connect, client(certificate)) is admitted


@pytest.mark.parametrize("kind", ["RequireAnyClientCert", "RequireClientCert"])
async def test_a_required_certificate_is_verified_too(serving, write, kind):
    config = write(
        f"tls_server_config: {FILES}, client_auth_type: {kind}, client_ca_file: ca.pem}}"
    )
    async with serving(config=config) as connect:
        assert await answered(connect, client(ONE))
        assert not await answered(connect, client(OTHER))
        assert not await answered(connect, client())


async def test_a_certificate_that_is_only_asked_for_may_be_missing(serving, write):
    config = write(f"tls_server_config: {FILES}, client_auth_type: RequestClientCert}}")
    async with serving(config=config) as connect:
        assert await answered(connect, client())


async def test_versions_and_ciphers_are_those_configured(serving, write):
    twelve, thirteen = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    suite = "[TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]"
    config = write(f"tls_server_config: {FILES}, max_version: TLS12, cipher_suites: {suite}}}")
    async with serving(config=config) as connect:
        one = await connect(ssl=client())
        assert one.writer.get_extra_info("cipher")[0].endswith("AES256-GCM-SHA384")
        assert not await answered(connect, client(minimum_version=thirteen))
        other = client(maximum_version=twelve)
        other.set_ciphers("ECDHE+AES128")
        assert not await answered(connect, other)
    config = write(f"tls_server_config: {FILES}, cipher_suites: [TLS_AES_128_GCM_SHA256]}}")
    async with serving(config=config) as connect:
        assert await answered(connect, client())
        assert not await answered(connect, client(maximum_version=twelve))


async def test_the_curve_is_the_one_configured(serving, write):
    async with serving(config=write(VALID["one curve"])) as connect:
        other = client()
        other.set_ecdh_curve("prime256v1")
        assert not await answered(connect, other)
        other.set_ecdh_curve("secp521r1")
        assert await answered(connect, other)


async def test_requests_beyond_the_rate_limit_are_answered_429(serving, write):
    async with serving(config=write("rate_limit: {interval: 1h, burst: 2}")) as connect:
        one = await connect()
        assert [(await one.ask())[0] for _ in range(4)] == [200, 200, 429, 429]
