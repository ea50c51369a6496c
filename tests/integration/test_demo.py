"""The demo, as a person who has just arrived sees it, and as Prometheus does."""

import gzip
import subprocess
import urllib.request
from collections import Counter

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from exporter import catalog
from tests.integration.conftest import Exporter, fetch, until

ORGS = {"acme", "globex", "initech"}
OF_ORG = [m.name for m in catalog.METRICS if m.area is not catalog.Area.EXPORTER]
ALWAYS = [name for name in OF_ORG if "_today" not in name and "_expected" not in name]
"""Metrics that every org has, whatever the time: by night there may be no value of today yet."""

EXPECTED = [name for name in OF_ORG if "_expected" in name]
"""Expected ranges, which an org lacks where its volume is too low."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with Exporter("demo", cwd=tmp_path_factory.mktemp("demo")) as process:
        yield process.wait()


def samples(text, read=read_text):
    return [sample for family in read(text) for sample in family.samples]


def test_every_gauge_exists_soon_after_the_start(tmp_path):
    with Exporter("demo", cwd=tmp_path) as process:

        def complete():
            found = {(s.name, s.labels.get("org")) for s in samples(process.metrics())}
            missing = [(name, org) for name in ALWAYS for org in ORGS if (name, org) not in found]
            missing += [name for name in EXPECTED if not any((name, org) in found for org in ORGS)]
            return not missing

        until(complete, within=120.0, what="every gauge")
        assert "Try next" in process.said()
        assert process.stop() == 0


def test_promtool_finds_no_problem(demo):
    lint = subprocess.run(
        ["promtool", "check", "metrics"],
        input=demo.metrics(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (lint.returncode, lint.stdout, lint.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("accept", "read"),
    [("", read_text), ("application/openmetrics-text;version=1.0.0", read_openmetrics)],
)
def test_no_series_stands_twice_in_any_format(demo, accept, read):
    keys = Counter(
        (s.name, tuple(sorted(s.labels.items()))) for s in samples(demo.metrics(accept), read)
    )
    assert keys
    assert [key for key, count in keys.items() if count > 1] == []


def test_the_page_is_compressed_for_those_who_accept_it(demo):
    request = urllib.request.Request(f"{demo.url}/metrics", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request) as answer:
        body = answer.read()
        assert answer.headers["Content-Encoding"] == "gzip"
    assert b"iblai_active_users_7d{" in gzip.decompress(body)


def test_health_and_landing_pages_answer(demo):
    assert fetch(f"{demo.url}/-/healthy")[0] == 200
    assert fetch(f"{demo.url}/-/ready")[0] == 200
    status, headers, page = fetch(f"{demo.url}/")
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    assert "acme" in page
    assert fetch(f"{demo.url}/nothing-here")[0] == 404


def test_a_real_prometheus_scrapes_it_and_answers_with_the_same_values(demo, prometheus):
    server = prometheus(
        f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: iblai
    static_configs: [{{targets: ["127.0.0.1:{demo.port}"]}}]
"""
    )
    until(lambda: set(server.query("up").values()) == {1.0}, what="a scrape")
    shown = {
        (s.name, s.labels["org"]): s.value
        for s in samples(demo.metrics())
        if s.name.startswith("iblai_active_users_") and "today" not in s.name
    }
    assert len(shown) == 7 * len(ORGS)
    scraped = server.query('{__name__=~"iblai_active_users_.*",__name__!~".*today"}')
    assert {(dict(key)["__name__"], dict(key)["org"]): v for key, v in scraped.items()} == shown
    named = server.query(
        "iblai_course_active_users_7d"
        " * on (org, course_id) group_left (course_name) iblai_course_info"
    )
    assert len(named) == len(server.query("iblai_course_active_users_7d")) > 0
