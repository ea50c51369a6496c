import asyncio
import contextlib
import os
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import httpx
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from exporter.api.proxy import Proxies
from exporter.api.transport import ExactTransport
from exporter.api.transport_errors import TransportError
from exporter.api.trust_store import RECHECK, Sources, TrustStore
from exporter.problems import ConfigError
from tests.api.conftest import BODY, become_true, drop, say
from tests.api.forward_proxy import send


@pytest.fixture
async def serve(server):
    """Serve the API with a certificate of an authority; return its URL."""
    server.answers = [say(BODY)]
    listeners = []

    async def start(authority):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
        listeners.append(listener)
        return f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.close()


@pytest.fixture
async def transport_of():
    async with contextlib.AsyncExitStack() as stack:

        def make(trust):
            transport = ExactTransport(trust, Proxies({}))
            stack.push_async_callback(transport.aclose)
            return transport

        yield make


@pytest.fixture
def nowhere(tmp_path):
    """Return an environment without any authority, to be added to."""
    (tmp_path / "none").mkdir()
    return {"SSL_CERT_DIR": str(tmp_path / "none")}


def write(authority, path):
    path.write_bytes(authority.cert_pem.bytes())
    return str(path)


def replace(path, text):
    """Put a file in place by a rename, as tools that rotate certificates do."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(text)
    fresh.replace(path)


async def test_the_file_and_the_directory_are_both_used(serve, transport_of, tmp_path):
    one, two, other = trustme.CA(), trustme.CA(), trustme.CA()
    directory = tmp_path / "certs"
    directory.mkdir()
    write(two, directory / "ca.crt")
    environ = {
        "SSL_CERT_FILE": write(one, tmp_path / "one.pem"),
        "SSL_CERT_DIR": os.pathsep.join([str(tmp_path / "missing"), str(directory)]),
    }
    transport = transport_of(TrustStore(environ=environ))
    assert await send(transport, await serve(one)) == (200, BODY)
    assert await send(transport, await serve(two)) == (200, BODY)
    with pytest.raises(TransportError):
        await send(transport, await serve(other))


async def test_names_given_by_openssl_s_rehash_are_found(serve, transport_of, tmp_path):
    authority = trustme.CA()
    directory = tmp_path / "certs"
    directory.mkdir()
    write(authority, directory / "ca.pem")
    process = await asyncio.create_subprocess_exec("openssl", "rehash", str(directory))
    assert await process.wait() == 0
    (directory / "ca.pem").rename(tmp_path / "ca.pem")
    for link in directory.iterdir():
        link.unlink()
        link.symlink_to(tmp_path / "ca.pem")
    transport = transport_of(TrustStore(environ={"SSL_CERT_DIR": str(directory)}))
    assert await send(transport, await serve(authority)) == (200, BODY)


def test_without_the_variables_the_authorities_of_the_system_and_of_certifi_are_used():
    sources = Sources.of({})
    system = ssl.get_default_verify_paths()
    assert str(sources.file) == system.openssl_cafile
    assert [str(path) for path in sources.directories] == system.openssl_capath.split(os.pathsep)
    known = {str(cert["subject"]) for cert in TrustStore(environ={}).context().get_ca_certs()}
    certifi = httpx.create_ssl_context(trust_env=False)
    assert {str(cert["subject"]) for cert in certifi.get_ca_certs()} <= known


def test_empty_variables_count_as_unset():
    assert Sources.of({"SSL_CERT_FILE": "", "SSL_CERT_DIR": ""}) == Sources.of({})


def test_the_file_replaces_that_of_the_system_and_leaves_its_directories(tmp_path):
    file = write(trustme.CA(), tmp_path / "ca.pem")
    sources = Sources.of({"SSL_CERT_FILE": file})
    assert str(sources.file) == file
    assert sources.directories == Sources.of({}).directories


async def test_after_a_rotation_new_connections_trust_the_new_authority(
    serve, transport_of, tmp_path, tick, nowhere
):
    old, new = trustme.CA(), trustme.CA()
    path = tmp_path / "ca.pem"
    environ = {**nowhere, "SSL_CERT_FILE": write(old, path)}
    transport = transport_of(TrustStore(environ=environ, monotonic=tick))
    before, after = await serve(old), await serve(new)
    assert await send(transport, before) == (200, BODY)
    with pytest.raises(TransportError):
        await send(transport, after)
    replace(path, new.cert_pem.bytes())
    tick.now += RECHECK
    assert await send(transport, after) == (200, BODY)
    with pytest.raises(TransportError):
        await send(transport, before)


async def test_a_response_under_way_during_a_rotation_is_read_to_its_end(
    server, serve, transport_of, tmp_path, tick, nowhere
):
    old, new = trustme.CA(), trustme.CA()
    path = tmp_path / "ca.pem"
    transport = transport_of(
        TrustStore(environ={**nowhere, "SSL_CERT_FILE": write(old, path)}, monotonic=tick)
    )
    before, after = await serve(old), await serve(new)
    go = asyncio.Event()

    async def slow(request, writer):
        await go.wait()
        writer.write(say(BODY))

    server.answers = [slow, say(BODY)]
    task = asyncio.create_task(send(transport, before))
    await become_true(lambda: server.received)
    replace(path, new.cert_pem.bytes())
    tick.now += RECHECK
    assert await send(transport, after) == (200, BODY)
    go.set()
    assert await task == (200, BODY)


@pytest.mark.parametrize("how", ["added", "rewritten"])
async def test_a_change_within_the_directory_is_noticed(serve, transport_of, tmp_path, tick, how):
    old, new = trustme.CA(), trustme.CA()
    directory = tmp_path / "certs"
    directory.mkdir()
    write(old, directory / "ca.crt")
    trust = TrustStore(environ={"SSL_CERT_DIR": str(directory)}, monotonic=tick)
    transport = transport_of(trust)
    url = await serve(new)
    with pytest.raises(TransportError):
        await send(transport, url)
    write(new, directory / ("new.crt" if how == "added" else "ca.crt"))
    tick.now += RECHECK
    assert await send(transport, url) == (200, BODY)


def test_a_mounted_secret_that_is_swapped_by_its_link_is_noticed(tmp_path, tick, nowhere):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write(trustme.CA(), tmp_path / name / "ca.crt")
    data = tmp_path / "..data"
    data.symlink_to(tmp_path / "one")
    trust = TrustStore(environ={**nowhere, "SSL_CERT_FILE": str(data / "ca.crt")}, monotonic=tick)
    first = trust.context()
    (tmp_path / "next").symlink_to(tmp_path / "two")
    (tmp_path / "next").rename(data)
    tick.now += RECHECK
    assert trust.context() is not first


def test_files_that_do_not_change_are_loaded_once_and_looked_at_once_a_second(
    tmp_path, tick, nowhere
):
    path = tmp_path / "ca.pem"
    trust = TrustStore(
        environ={**nowhere, "SSL_CERT_FILE": write(trustme.CA(), path)}, monotonic=tick
    )
    first = trust.context()
    tick.now += RECHECK
    assert trust.context() is first
    replace(path, trustme.CA().cert_pem.bytes())
    tick.now += RECHECK * 0.9
    assert trust.context() is first
    tick.now += RECHECK * 0.1
    assert trust.context() is not first


@pytest.mark.parametrize("how", ["gone", "cut", "empty"])
def test_a_file_that_became_unusable_keeps_the_old_authorities_and_warns_once(
    tmp_path, tick, nowhere, how
):
    path = tmp_path / "ca.pem"
    trust = TrustStore(
        environ={**nowhere, "SSL_CERT_FILE": write(trustme.CA(), path)}, monotonic=tick
    )
    first = trust.context()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(b"" if how == "empty" else trustme.CA().cert_pem.bytes()[:200])
    with capture_logs() as logs:
        for _ in range(5):
            tick.now += RECHECK
            assert trust.context() is first
    assert [entry["log_level"] for entry in logs] == ["warning"]
    assert logs[0]["problem"].startswith("SSL_CERT_FILE: ")
    write(trustme.CA(), path)
    tick.now += RECHECK
    with capture_logs() as logs:
        assert trust.context() is not first
    assert [entry["event"] for entry in logs] == ["certificates loaded again"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot read certificates from .*: No such file"),
        (b"", "contains no certificates in PEM form"),
        (b"hello", "contains no certificates in PEM form"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error_at_the_start(tmp_path, content, problem):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"SSL_CERT_FILE: .*{problem}"):
        TrustStore(environ={"SSL_CERT_FILE": str(path)})


def test_a_directory_that_does_not_exist_is_an_error_at_the_start(tmp_path):
    with pytest.raises(ConfigError, match=r"SSL_CERT_DIR: .*/missing is not a directory"):
        TrustStore(environ={"SSL_CERT_DIR": str(tmp_path / "missing")})


def test_other_files_in_the_directory_do_no_harm(tmp_path):
    authority = trustme.CA()
    write(authority, tmp_path / "ca.crt")
    file = write(trustme.CA(), tmp_path / "one.pem")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "broken.pem").write_bytes(authority.cert_pem.bytes()[:300])
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    trust = TrustStore(environ={"SSL_CERT_FILE": file, "SSL_CERT_DIR": str(tmp_path)})
    assert trust.context().cert_store_stats()["x509_ca"] == 2


class Lenient:
    """An authority as old tools make them: its basicConstraints are not critical."""

    def __init__(self):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Corporate CA")])
        self._certificate = self._sign(
            self._name,
            self._key,
            x509.BasicConstraints(ca=True, path_length=None),
            x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()),
        )
        self.cert_pem = trustme.Blob(self._pem(self._certificate))

    def issue_cert(self, host):
        key = ec.generate_private_key(ec.SECP256R1())
        address = x509.IPAddress(ip_address(host))
        certificate = self._sign(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]),
            key,
            x509.SubjectAlternativeName([address]),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
        )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        return trustme.LeafCert(private, self._pem(certificate), [])

    def _sign(self, name, key, *extensions):
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    @staticmethod
    def _pem(certificate):
        return certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def strict_by_default(monkeypatch):
    """Have contexts verify strictly, as from Python 3.13 on."""
    create = ssl.create_default_context

    def create_strict(*args, **kwargs):
        context = create(*args, **kwargs)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr("ssl.create_default_context", create_strict)


async def test_an_authority_whose_constraints_are_not_critical_is_accepted_by_default(
    serve, transport_of, tmp_path, nowhere, strict_by_default
):
    authority = Lenient()
    url = await serve(authority)
    file = write(authority, tmp_path / "ca.pem")
    transport = transport_of(TrustStore(environ={**nowhere, "SSL_CERT_FILE": file}))
    assert await send(transport, url) == (200, BODY)


async def test_it_is_rejected_if_verification_is_strict_and_the_setting_is_named(
    serve, transport_of, tmp_path, nowhere
):
    authority = Lenient()
    url = await serve(authority)
    file = write(authority, tmp_path / "ca.pem")
    trust = TrustStore(strict=True, environ={**nowhere, "SSL_CERT_FILE": file})
    transport = transport_of(trust)
    with pytest.raises(TransportError, match=r"not marked critical; .*api\.tls_strict to false"):
        await send(transport, url)
    trust.set_strict(strict=False)
    assert await send(transport, url) == (200, BODY)
    trust.set_strict(strict=True)
    with pytest.raises(TransportError):
        await send(transport, url)


@pytest.mark.parametrize("strict", [True, False])
def test_certificates_and_host_names_are_verified_in_any_case(strict):
    context = TrustStore(strict=strict).context()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert bool(context.verify_flags & ssl.VERIFY_X509_STRICT) == strict


async def test_a_certificate_that_is_trusted_itself_needs_no_authority(
    serve, transport_of, tmp_path, nowhere
):
    """As in Go: the file may hold the issuing authority below the root alone."""
    root = trustme.CA()
    issuing = root.create_child_ca()
    url = await serve(issuing)
    file = write(issuing, tmp_path / "issuing.pem")
    transport = transport_of(TrustStore(environ={**nowhere, "SSL_CERT_FILE": file}))
    assert await send(transport, url) == (200, BODY)


async def test_a_connection_that_is_cut_does_not_stop_the_next_one(
    server, serve, transport_of, tmp_path, nowhere
):
    authority = trustme.CA()
    url = await serve(authority)
    file = write(authority, tmp_path / "ca.pem")
    transport = transport_of(TrustStore(environ={**nowhere, "SSL_CERT_FILE": file}))
    server.answers = [drop(), say(BODY)]
    with pytest.raises(TransportError, match="closed without a response"):
        await send(transport, url)
    assert await send(transport, url) == (200, BODY)
