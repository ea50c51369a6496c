"""What users of Prometheus exporters expect of the web pages, with real processes."""

import gzip
import json
import re
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import bcrypt
import pytest
import trustme
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as parsed

from exporter.demo.background import Background
from exporter.demo.platform import build_platform
from exporter.demo.university import University
from exporter.sharding import Shard
from tests.integration.conftest import EXPORTER, Exporter, fetch, until

PAGES = ("/", "/metrics", "/metrics/", "/sd", "/sd/", "/-/healthy", "/-/ready/", "/orgs/acme")
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
def config(tmp_path):
    """Return a way to write a configuration for orgs of a simulated platform."""
    university = University(orgs=2, courses=2)
    with Background(build_platform(university)) as platform:

        def write(*, wrong_key=(), **more):
            orgs = [
                {
                    "key": org.key,
                    "user_id": org.user_id,
                    "api_key": "wrong" if org.key in wrong_key else org.api_key,
                }
                for org in university.orgs
            ]
            path = tmp_path / "iblai.yml"
            common = {"base_url": platform.url, "api": {"rate_limit": 500}}
            path.write_text(yaml.safe_dump({**common, **more, "orgs": orgs}))
            return path

        yield write


def raw(url, path):
    """Return status and headers of a response, redirects not followed."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    try:
        with urllib.request.build_opener(Stay).open(url + path, timeout=10) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers


def test_a_slash_at_the_end_is_served_without_a_redirect(exporter):
    process = exporter("demo")
    for path in PAGES:
        assert raw(process.url, path)[0] == 200, path
    assert "iblai_up" in fetch(f"{process.url}/metrics/")[2]
    assert raw(process.url, "/metrics/nil")[0] == 404


@pytest.mark.parametrize(
    "web",
    [
        {"external_url": "https://metrics.example/iblai/"},
        {"route_prefix": "/iblai"},
        {"external_url": "https://metrics.example/other", "route_prefix": "/iblai/"},
    ],
    ids=["external_url", "route_prefix", "both"],
)
def test_all_pages_are_served_below_the_prefix_too(exporter, config, web):
    process = exporter("serve", "--config", config(web=web))
    for path in PAGES:
        for prefix in ("", "/iblai"):
            assert raw(process.url, prefix + path)[0] == 200, prefix + path
    assert raw(process.url, "/iblaix/metrics")[0] == 404
    assert raw(process.url, "/iblai/iblai/metrics")[0] == 404
    status, headers = raw(process.url, "/iblai")
    assert (status, headers["Location"]) == (307, "iblai/")
    for page in ("/", "/iblai/", "/iblai/orgs/acme"):
        links = re.findall('href="([^"#]+)"', fetch(process.url + page)[2])
        assert links
        for link in links:
            target = urllib.parse.urljoin(process.url + page, link.replace("&amp;", "&"))
            assert fetch(target)[0] == 200, target
            assert urllib.parse.urlsplit(target).path.startswith("/iblai") == page.startswith("/i")


def test_discovery_below_a_prefix_names_targets_below_it(exporter, config):
    process = exporter("serve", "--config", config(web={"route_prefix": "/iblai"}))
    (acme, _) = json.loads(fetch(f"{process.url}/iblai/sd")[2])
    assert acme["labels"]["__metrics_path__"] == "/iblai/probe"
    assert fetch(f"{process.url}/iblai/probe?target=acme")[0] == 200


def test_each_org_is_an_instance_with_an_up_of_its_own(exporter, config, prometheus):
    process = exporter("serve", "--config", config())
    server = prometheus(
        f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: iblai
    http_sd_configs: [{{url: "{process.url}/sd", refresh_interval: 1s}}]
"""
    )

    def instances(metric):
        return {dict(key)["instance"]: value for key, value in server.query(metric).items()}

    until(lambda: instances("up") == {"acme": 1, "globex": 1}, what="an up for each org")
    until(lambda: instances("probe_success") == {"acme": 1, "globex": 1}, what="success of both")


def test_a_shard_without_orgs_has_no_targets_and_says_so(exporter, config):
    empty = next(
        shard
        for shard in (Shard.parse(f"{n}/9") for n in range(9))
        if not any(shard.keeps(key) for key in ("acme", "globex"))
    )
    process = exporter("serve", "--config", config(), "--shard", empty, wait="/-/healthy")
    status, headers, body = fetch(f"{process.url}/sd")
    assert (status, headers["Content-Type"], body) == (200, "application/json", "[]")
    assert fetch(f"{process.url}/probe?target=acme")[0] == 404


def success(body, parse=parsed):
    (family,) = [found for found in parse(body) if found.name == "probe_success"]
    assert (family.type, bool(family.documentation)) == ("gauge", True)
    return [(sample.labels, sample.value) for sample in family.samples]


def test_a_probe_tells_whether_the_org_is_up(exporter, config):
    process = exporter("serve", "--config", config(wrong_key={"globex"}))
    for org, up in (("acme", 1), ("globex", 0)):
        url = f"{process.url}/probe?target={org}"
        status, _, body = fetch(url)
        assert status == 200
        assert success(body) == [({}, up)]
        assert f'iblai_up{{org="{org}"}} {up}.0' in body
        _, headers, body = fetch(url, accept=OPENMETRICS)
        assert headers["Content-Type"].startswith(OPENMETRICS)
        assert success(body, openmetrics) == [({}, up)]
        request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert success(gzip.decompress(answer.read()).decode()) == [({}, up)]
    assert fetch(f"{process.url}/probe?target=nobody")[0] == 404


def test_a_kept_connection_works_again_after_longer_than_five_seconds(exporter):
    process = exporter("demo", wait="/-/healthy")
    with socket.create_connection(("127.0.0.1", process.port), timeout=10) as sock:
        for wait in (6, 0):
            sock.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while b"Healthy.\n" not in answer:
                received = sock.recv(1000)
                assert received, "closed"
                answer += received
            time.sleep(wait)


def test_scrapes_and_polls_work_with_256_descriptors_and_1000_connections(config, tmp_path):
    path = config(interval="1s", web={"max_connections": 1000})
    process = Exporter("serve", "--config", path, cwd=tmp_path)
    process.command = ["prlimit", "--nofile=256:256", *process.command]

    def attempt():
        pattern = r'(?m)^iblai_collector_last_success_timestamp_seconds\{.*"acme"\} (.*)'
        return max(map(float, re.findall(pattern, fetch(f"{process.url}/metrics")[2])))

    with process:
        process.wait()
        hostile = []
        for number in range(1000):
            hostile.append(socket.create_connection(("127.0.0.1", process.port), timeout=10))
            hostile[-1].sendall((b"", b"GET / HT", b"\r\n")[number % 3])
        before = attempt()
        until(lambda: attempt() > before, what="another poll")
        for sock in hostile:
            sock.close()
        assert "descriptor" not in process.said()


def test_the_health_check_works_with_tls_a_password_a_client_certificate_and_a_prefix(
    exporter, config, tmp_path
):
    made = trustme.CA()
    made.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "s.pem")
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    digest = bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode()
    pair = "cert_file: s.pem, key_file: s.pem"
    strict = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem"
    for section in (pair, f"{pair}, {strict}", f"{pair}, {strict}, client_allowed_sans: [a]"):
        (tmp_path / "web.yml").write_text(
            f"tls_server_config: {{{section}}}\nbasic_auth_users: {{a: {digest}}}\n"
        )
        path = config(web={"config_file": str(tmp_path / "web.yml"), "route_prefix": "/iblai"})
        process = exporter("serve", "--config", path, wait=None)
        command = [EXPORTER, "healthcheck"]
        env = {"IBLAI_WEB__LISTEN_ADDRESS": f"127.0.0.1:{process.port}", "PATH": ""}
        until(
            lambda command=command, env=env: (
                not subprocess.run(command, env=env, check=False, capture_output=True).returncode
            ),
            what="health",
        )
        process.stop()
