"""TLS, client certificates, passwords and headers, with curl and a real Prometheus."""

import datetime as dt
import json
import re
import subprocess
import textwrap
import time

import bcrypt
import pytest
import trustme

from tests.integration.conftest import Exporter, until

PASSWORD = "open sesame"  # of a test
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


class Certificates:
    """An authority, a server certificate of it, and client certificates of it and of another."""

    def __init__(self, place):
        self.place = place
        self.authority, stranger = trustme.CA(), trustme.CA()
        self.ca = self.write("ca.pem", self.authority.cert_pem)
        self.client, self.client_key = self.issue(self.authority, "client", "ops@example.org")
        self.other, self.other_key = self.issue(stranger, "other", "eve@example.org")
        self.renew()

    def renew(self):
        """Write a new server certificate in place of the old."""
        self.server, self.server_key = self.issue(self.authority, "server", "127.0.0.1")

    def issue(self, authority, name, identity):
        made = authority.issue_cert(
            identity, not_after=dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
        )
        chain = b"".join(blob.bytes() for blob in made.cert_chain_pems)
        path = self.place / f"{name}.pem"
        path.write_bytes(chain)
        return path, self.write(f"{name}-key.pem", made.private_key_pem)

    def write(self, name, blob):
        path = self.place / name
        path.write_bytes(blob.bytes())
        return path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def secured(tmp_path):
    """Return a way to start the demo with a web configuration."""
    started = []

    def start(text):
        config = tmp_path / "web.yml"
        config.write_text(textwrap.dedent(text))
        process = Exporter("demo", "--web.config.file", config, cwd=tmp_path)
        process.__enter__()
        started.append(process)
        process.config = config
        until(lambda: "Try next" in process.said(), what="the start")
        return process

    yield start
    for process in started:
        process.stop()


def curl(url, *arguments):
    """Return the exit status of curl, the HTTP status and the body with headers."""
    done = subprocess.run(
        ["curl", "-sS", "-i", "-w", "\n%{http_code}", *map(str, arguments), url],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    body, _, status = done.stdout.rpartition("\n")
    return done.returncode, int(status or 0), body


def https(process, path="/-/healthy"):
    return f"https://127.0.0.1:{process.port}{path}"


def test_passwords_keep_strangers_out_of_every_page_and_headers_are_on_every_answer(secured):
    process = secured(
        f"""
        basic_auth_users: {{alice: "{HASH}"}}
        http_server_config:
          headers: {{X-Frame-Options: deny, X-Content-Type-Options: nosniff}}
        """
    )
    for path in ("/", "/metrics", "/-/healthy", "/-/ready", "/sd", "/probe?target=acme", "/nil"):
        for who in ([], ["-u", "alice:wrong"], ["-u", f"bob:{PASSWORD}"], ["-u", "alice:"]):
            _, status, answer = curl(process.url + path, *who)
            assert status == 401
            assert "www-authenticate: basic" in answer.lower()
            assert "x-frame-options: deny" in answer.lower()
            assert "acme" not in answer
    _, status, answer = curl(f"{process.url}/metrics", "-u", f"alice:{PASSWORD}")
    assert status == 200
    assert "x-content-type-options: nosniff" in answer.lower()
    assert "iblai_up" in answer


def test_tls_is_spoken_and_nothing_older_than_asked_for(secured, certificates):
    process = secured(
        f"""
        tls_server_config:
          cert_file: {certificates.server}
          key_file: {certificates.server_key}
          min_version: TLS13
        """
    )
    good = ["--cacert", certificates.ca]
    assert curl(https(process), *good)[:2] == (0, 200)
    assert curl(https(process))[0] == 60  # the authority is not known
    assert curl(https(process), *good, "--tls-max", "1.2")[0] == 35
    assert curl(f"{process.url}/-/healthy")[1] != 200  # plain HTTP


def test_only_those_with_a_certificate_of_the_authority_come_in(secured, certificates):
    process = secured(
        f"""
        tls_server_config:
          cert_file: {certificates.server}
          key_file: {certificates.server_key}
          client_ca_file: {certificates.ca}
          client_auth_type: RequireAndVerifyClientCert
        """
    )
    good = ["--cacert", certificates.ca]
    own = ["--cert", certificates.client, "--key", certificates.client_key]
    other = ["--cert", certificates.other, "--key", certificates.other_key]
    assert curl(https(process), *good, *own)[:2] == (0, 200)
    assert curl(https(process), *good)[1] == 0
    assert curl(https(process), *good, *other)[1] == 0


def test_changed_users_and_certificates_hold_without_a_restart(secured, certificates):
    text = f"""
        tls_server_config:
          cert_file: {certificates.server}
          key_file: {certificates.server_key}
        basic_auth_users: {{alice: "{HASH}"}}
        """
    process = secured(text)

    def status(user):
        return curl(https(process), "--cacert", certificates.ca, "-u", f"{user}:{PASSWORD}")[1]

    def serial():
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{process.port}"],
            input="", capture_output=True, text=True, check=False, timeout=20,
        )  # fmt: skip
        shown = subprocess.run(
            ["openssl", "x509", "-noout", "-serial"],
            input=done.stdout, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return shown.stdout

    assert (status("alice"), status("bob")) == (200, 401)
    before = serial()
    process.config.write_text(textwrap.dedent(text).replace("alice", "bob"))
    until(lambda: status("bob") == 200, what="the new user")
    assert status("alice") == 401
    certificates.renew()
    until(lambda: serial() != before, what="the new certificate")
    assert status("bob") == 200
    process.config.write_text("basic_auth_users: {eve: hunter2}\n")
    until(lambda: "old one stays" in process.said(), what="the complaint")
    assert (status("bob"), status("eve")) == (200, 401)
    assert "hunter2" not in process.said()


def test_a_bad_file_that_is_not_in_use_is_told_until_it_is_mended(secured):
    process = secured("http_server_config: {headers: {X-Frame-Options: deny}}")

    def good():
        (line,) = re.findall(
            "(?m)^iblai_exporter_web_config_last_reload_successful (.*)", metrics()
        )
        return float(line)

    def metrics():
        return curl(f"{process.url}/metrics")[2]

    assert good() == 1
    process.config.write_text("rate_limits: {interval: 1s}")
    until(lambda: good() == 0, what="the gauge to tell")
    process.config.write_text("http_server_config: {headers: {X-Frame-Options: sameorigin}}")
    until(lambda: good() == 1, what="the gauge to tell")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rate_limits: {interval: 1s}", "rate_limits: unknown key; did you mean rate_limit?"),
        ("tls_server_config: {cert_file: no.pem, key_file: no.pem}", "No such file"),
        ("tls_server_config: {cert_file: web.yml, key_file: web.yml}", "not PEM"),
    ],
)
def test_a_bad_file_ends_the_start_with_a_line_and_a_status(tmp_path, text, says):
    config = tmp_path / "web.yml"
    config.write_text(text)
    with Exporter("demo", "--web.config.file", config, cwd=tmp_path) as process:
        assert process.process.wait(20) == 2
        said = process.said()
    assert says in said
    assert len(said.strip().splitlines()) == 1


def test_a_real_prometheus_comes_in_with_certificate_and_password(
    secured, certificates, prometheus, tmp_path
):
    process = secured(
        f"""
        tls_server_config:
          cert_file: {certificates.server}
          key_file: {certificates.server_key}
          client_ca_file: {certificates.ca}
          client_auth_type: RequireAndVerifyClientCert
        basic_auth_users: {{prometheus: "{HASH}"}}
        """
    )
    own = {"cert_file": str(certificates.client), "key_file": str(certificates.client_key)}
    other = {"cert_file": str(certificates.other), "key_file": str(certificates.other_key)}
    jobs = [
        ("good", own, PASSWORD),
        ("wrong_password", own, "wrong"),
        ("wrong_certificate", other, PASSWORD),
        ("no_certificate", {}, PASSWORD),
    ]
    server = prometheus(
        json.dumps(
            {
                "global": {"scrape_interval": "1s"},
                "scrape_configs": [
                    {
                        "job_name": name,
                        "scheme": "https",
                        "tls_config": {"ca_file": str(certificates.ca), **certificate},
                        "basic_auth": {"username": "prometheus", "password": password},
                        "static_configs": [{"targets": [f"127.0.0.1:{process.port}"]}],
                    }
                    for name, certificate, password in jobs
                ],
            }
        )
    )

    def up():
        return {dict(key)["job"]: value for key, value in server.query("up").items()}

    until(lambda: len(up()) == len(jobs) and up()["good"] == 1, what="scrapes of all jobs")
    time.sleep(1)
    assert up() == {"good": 1, "wrong_password": 0, "wrong_certificate": 0, "no_certificate": 0}
