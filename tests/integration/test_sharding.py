"""Several exporters with one configuration, and a Prometheus that must see every org once."""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from exporter import catalog
from exporter.sharding import shard_of
from tests.integration.conftest import EXPORTER, Exporter, Process, Prometheus, free_port, until

ORGS = 7
SHARDS = 3
ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus/iblai-rules.yml"


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Serve a simulated platform, and return the configuration that it prints."""
    directory = tmp_path_factory.mktemp("platform")
    address = f"127.0.0.1:{free_port()}"
    options = ("--listen-address", address, f"--orgs={ORGS}", "--courses=2")
    with Process(EXPORTER, "simulate", *options, cwd=directory) as platform:
        until(lambda: platform.said().count("- key:") == ORGS, what="the configuration")
        path = directory / "iblai.yml"
        path.write_text(platform.said() + "\nlearner_indexes: true\napi: {rate_limit: 500}\n")
        path.chmod(0o600)
        yield path


@pytest.fixture
def orgs(config):
    return {org["key"] for org in yaml.safe_load(config.read_text())["orgs"]}


@pytest.fixture
def start(config, tmp_path):
    """Return a way to start an exporter with that configuration, in a directory of its own."""
    with ExitStack() as stack:

        def started(name, *options, env=None, port=None):
            directory = tmp_path / name
            directory.mkdir()
            exporter = Exporter(
                "serve", "--config", config, *options, cwd=directory, env=env, port=port
            )
            return stack.enter_context(exporter)

        yield started


def scraping(exporters):
    return yaml.safe_dump(
        {
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [
                {
                    "job_name": "iblai",
                    "static_configs": [{"targets": [f"127.0.0.1:{one.port}" for one in exporters]}],
                }
            ],
        }
    )


def by_org(vector):
    return {dict(labels)["org"]: value for labels, value in vector.items()}


def firing(server, alert):
    """Return what the expression of an alert finds now."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    (rule,) = [rule for group in groups for rule in group["rules"] if rule.get("alert") == alert]
    return server.query(rule["expr"])


def steps(server, expression, begin, end):
    """Return the values of a query at every second of a time, by org."""
    rows = server.get("query_range", query=expression, start=begin, end=end, step=1)["result"]
    return {row["metric"]["org"]: [float(value) for _, value in row["values"]] for row in rows}


def test_prometheus_sees_every_org_once_also_while_a_shard_is_replaced(start, prometheus, orgs):
    shards = [start(f"shard-{n}", f"--shard={n}/{SHARDS}") for n in range(SHARDS)]
    for shard in shards:
        shard.wait()
    server = prometheus(scraping(shards))
    until(lambda: server.query("count by (org) (iblai_up)").keys(), what="a scrape")
    until(lambda: sum(server.query("up").values()) == SHARDS, what="a scrape of each")
    until(lambda: server.query("count(iblai_up)") == {frozenset(): ORGS}, what="every org")
    assert by_org(server.query("count by (org) (iblai_up)")) == dict.fromkeys(orgs, 1)
    placed = by_org(server.query("iblai_up * 0 + on (instance) group_left () iblai_exporter_shard"))
    assert placed == {org: shard_of(org, SHARDS) for org in orgs}
    assert set(placed.values()) == set(range(SHARDS))
    assert set(server.query("iblai_exporter_shards").values()) == {SHARDS}
    assert firing(server, "IblaiShardMissing") == {}
    assert firing(server, "IblaiOrgServedTwice") == {}

    begin = time.time()
    replaced = shards[1]
    assert replaced.stop() == 0
    until(lambda: sum(server.query("up").values()) == SHARDS - 1, what="the lack of a shard")
    pod = {"IBLAI_EXPORTER_SHARDS": str(SHARDS), "POD_NAME": "iblai-exporter-1"}
    start("again", env=pod, port=replaced.port)
    until(lambda: server.query("count(iblai_up)") == {frozenset(): ORGS}, what="every org again")
    end = time.time()
    assert firing(server, "IblaiShardMissing") == {}
    assert firing(server, "IblaiOrgServedTwice") == {}

    seen = steps(server, "count by (org) (iblai_up)", begin, end)
    assert seen.keys() == orgs
    assert {value for values in seen.values() for value in values} == {1}
    length = max(len(values) for values in seen.values())
    whole = {org for org, values in seen.items() if len(values) == length}
    assert whole == {org for org in orgs if shard_of(org, SHARDS) != 1}
    # What the rules look at has no gap: a replacement is shorter than what they look back.
    remembered = steps(server, "count by (org) (last_over_time(iblai_up[5m]))", begin, end)
    assert remembered == {org: [1] * length for org in orgs}


OF_COMPLETE_DAYS = {
    measure.at(window).name
    for measure in (catalog.ACTIVE_USERS, catalog.ENROLLMENTS, catalog.CHAT_SESSIONS)
    for window in catalog.COMPLETE
}


def values(exporter, orgs):
    """Return every value of complete days that an exporter serves, once it shows all."""
    families = list(text_string_to_metric_families(exporter.metrics()))
    samples = [
        sample
        for family in families
        if family.name in OF_COMPLETE_DAYS
        for sample in family.samples
    ]
    there = {(sample.name, sample.labels["org"]) for sample in samples}
    if not there >= {(name, org) for name in OF_COMPLETE_DAYS for org in orgs}:
        return None
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def test_two_replicas_serve_the_same_values_and_count_once_in_the_rules(start, prometheus, orgs):
    replicas = [start(f"replica-{number}") for number in range(2)]
    for replica in replicas:
        replica.wait()
    one = until(lambda: values(replicas[0], orgs), what="every value")
    other = until(lambda: values(replicas[1], orgs), what="every value")
    assert one == other
    server = prometheus(scraping(replicas))
    both = dict.fromkeys(orgs, 2)
    until(lambda: by_org(server.query("count by (org) (iblai_up)")) == both, what="both replicas")
    recorded = server.query("max by (org) (iblai_active_users_7d)")
    assert by_org(recorded) == {
        dict(labels)["org"]: value
        for (name, labels), value in one.items()
        if name == "iblai_active_users_7d"
    }
    assert firing(server, "IblaiOrgServedTwice") == {}


def test_two_prometheus_servers_share_the_orgs_as_the_guide_says(start, orgs, tmp_path):
    guide = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
    (example,) = [part for part in guide.split("```") if "hashmod" in part and "yaml" in part]
    exporter = start("exporter").wait()
    config = example.removeprefix("yaml").replace("exporter:10880", f"127.0.0.1:{exporter.port}")
    with ExitStack() as stack:
        servers = []
        for number in range(2):
            directory = tmp_path / f"server-{number}"
            directory.mkdir()
            own = config.replace('regex: "0"', f'regex: "{number}"')
            assert f'regex: "{number}"' in own
            text = f"global: {{scrape_interval: 1s}}\n{own}"
            servers.append(stack.enter_context(Prometheus(text, cwd=directory)).wait())

        def seen():
            return [list(by_org(server.query("iblai_up"))) for server in servers]

        until(lambda: sum(map(len, seen())) >= ORGS, what="a scrape of every org")
        assert all(seen())
        assert sorted(org for half in seen() for org in half) == sorted(orgs)
        for server in servers:
            found = until(lambda server=server: server.query("iblai_exporter_build_info"))
            assert [dict(labels)["job"] for labels in found] == ["iblai"]
