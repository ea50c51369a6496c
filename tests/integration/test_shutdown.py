"""Start and end of the real process, with the API well, away or hanging."""

import os
import signal
import socket
import subprocess
import time
from itertools import pairwise

import pytest
import trustme

from exporter.demo.faults import Fault
from tests.integration.conftest import EXPORTER, fetch, free_port, until
from tests.integration.laboratory import FEW, configure, platform

SOON = 5.0
HANGS = Fault(kind="timeout")


@pytest.fixture
def site():
    with platform(orgs=2) as running:
        yield running


def raw_get(port, path="/metrics"):
    """Return a connection on which a page has been asked for and nothing has been read."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    return connection


def read_all(connection):
    connection.settimeout(10)
    chunks = []
    while chunk := connection.recv(1 << 16):
        chunks.append(chunk)
    return b"".join(chunks)


def end(process):
    """Send SIGTERM; return exit status and the seconds it took."""
    began = time.monotonic()
    return process.stop(within=SOON), time.monotonic() - began


def test_it_starts_with_the_api_down_and_comes_to_life_with_it(exporter, tmp_path):
    port = free_port()
    with platform(orgs=1) as site:
        site.url = f"http://127.0.0.1:{port}"
        path = configure(tmp_path / "c", site, interval="1s", api={"retries": 0})
    process = exporter("serve", "--config", path)
    text = process.metrics()
    assert 'iblai_up{org="acme"} 0' in text
    assert "iblai_active_users_today{" not in text
    with platform(orgs=1, port=port):
        until(lambda: 'iblai_active_users_today{org="acme"}' in process.metrics(), what="life")
        assert process.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_within_5_seconds_also_while_the_api_hangs(exporter, site, tmp_path, number):
    site.plan.add(HANGS)
    process = exporter("serve", "--config", configure(tmp_path / "c", site), wait="/-/healthy")
    until(lambda: site.recorder.under_way, what="a request that hangs")
    began = time.monotonic()
    process.signal(number)
    assert process.process.wait(SOON) == 0
    assert time.monotonic() - began < SOON
    assert "Traceback" not in process.said()
    assert "stopped" in process.said()


def test_a_scrape_in_flight_is_answered_whole(exporter, tmp_path):
    with platform(orgs=20, courses=200, learners=20) as site:
        path = configure(tmp_path / "c", site, interval="1h", collectors=FEW)
        process = exporter("serve", "--config", path)
        size = len(process.metrics())
        assert size > 2_000_000  # more than the buffers of a connection hold
        site.plan.add(HANGS)
        silent = socket.create_connection(("127.0.0.1", process.port))
        with raw_get(process.port) as connection, silent:
            answer = connection.recv(1)
            process.signal(signal.SIGTERM)
            assert read_all(silent) == b""  # the end has begun
            answer += read_all(connection)
        assert process.process.wait(SOON) == 0
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        length = next(v for v in head.lower().split(b"\r\n") if v.startswith(b"content-length"))
        assert len(body) == int(length.partition(b":")[2])
        assert abs(len(body) - size) < 10_000


def test_a_reader_that_never_reads_does_not_hold_up_the_end(exporter, tmp_path):
    with platform(orgs=20, courses=200, learners=20) as site:
        path = configure(tmp_path / "c", site, interval="1h", collectors=FEW)
        process = exporter("serve", "--config", path)
        site.plan.add(HANGS)
        silent = socket.create_connection(("127.0.0.1", process.port))
        with raw_get(process.port) as connection, silent:
            connection.recv(1)
            status, took = end(process)
        assert (status, took < SOON) == (0, True)


def fails(*arguments, env=None):
    """Run a command that must not start; return its exit status and the lines of its errors."""
    done = subprocess.run(
        [EXPORTER, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(env or {})},
    )
    assert "Traceback" not in done.stderr
    assert done.returncode not in (0, -signal.SIGTERM)
    lines = done.stderr.strip().splitlines()
    return done.returncode, [line for line in lines if not line.startswith("warning: ")]


def test_a_port_in_use_is_one_line(site, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = configure(tmp_path / "c", site)
        _, lines = fails("serve", "--config", path, "--listen-address", f"127.0.0.1:{port}")
    (line,) = lines
    assert f"127.0.0.1:{port}" in line
    assert "in use" in line.lower()


MISTAKES = {
    "no such file": lambda path: None,
    "a directory": lambda path: path.mkdir(),
    "not YAML": lambda path: path.write_text("orgs: [}"),
    "a list": lambda path: path.write_text("- orgs"),
    "empty": lambda path: path.write_text(""),
    "bytes": lambda path: path.write_bytes(bytes(range(256))),
    "an unknown key": lambda path: path.write_text("orgz: []"),
    "deep": lambda path: path.write_text("[" * 5000),
    "anchors without end": lambda path: path.write_text(
        "a: &a [x, x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}]\n" for p, c in pairwise("abcdefghi"))
    ),
}


@pytest.mark.parametrize("make", MISTAKES.values(), ids=MISTAKES)
def test_a_configuration_that_cannot_be_used_is_reported_with_its_place(tmp_path, make):
    path = tmp_path / "iblai.yml"
    make(path)
    _, lines = fails("serve", "--config", path)
    assert str(path) in lines[0]
    assert len(lines) <= 12


def test_an_unreadable_key_file_of_the_only_org_is_one_line_at_the_start(site, tmp_path):
    missing = tmp_path / "no-such-key"
    path = configure(tmp_path / "c", site, orgs={"acme": {"api_key_file": str(missing)}})
    _, lines = fails("serve", "--config", path)
    (line,) = lines
    assert str(missing) in line


WEB = {
    "no such file": None,
    "not YAML": "a: [",
    "an unknown key": "tls: {}",
    "a certificate that is none": "tls_server_config: {cert_file: cert.pem, key_file: key.pem}",
    "a key of another": "tls_server_config: {cert_file: good.pem, key_file: other.key}",
    "a password that is not hashed": "basic_auth_users: {anna: secret-password}",
}


@pytest.mark.parametrize("content", WEB.values(), ids=WEB)
def test_a_bad_web_configuration_is_one_line_and_never_ignored(site, tmp_path, content):
    (tmp_path / "cert.pem").write_text("no certificate")
    (tmp_path / "key.pem").write_text("no key")
    authority = trustme.CA()
    one, other = authority.issue_cert("a"), authority.issue_cert("b")
    one.cert_chain_pems[0].write_to_path(tmp_path / "good.pem")
    other.private_key_pem.write_to_path(tmp_path / "other.key")
    web = tmp_path / "web.yml"
    if content is not None:
        web.write_text(content)
    path = configure(tmp_path / "c", site)
    address = f"127.0.0.1:{free_port()}"
    _, lines = fails(
        "serve", "--config", path, "--web.config.file", web, "--listen-address", address
    )
    (line,) = lines
    assert str(web) in line
    assert "secret-password" not in line


def test_after_a_storm_of_hang_ups_the_last_configuration_is_in_use(exporter, site, tmp_path):
    path = configure(tmp_path / "iblai.yml", site, orgs={"acme": {}})
    process = exporter("serve", "--config", path)
    for _ in range(300):
        process.signal(signal.SIGHUP)
        time.sleep(0.001)
    configure(path, site, orgs={"globex": {}})
    process.signal(signal.SIGHUP)
    until(lambda: 'iblai_up{org="globex"} 1' in process.metrics(), what="the last reload")
    assert 'org="acme"' not in process.metrics()
    assert fetch(f"{process.url}/-/healthy")[0] == 200
    assert process.stop() == 0
