"""The example for Alertmanager: amtool checks it, and a real Alertmanager applies it."""

import itertools
import json
import shutil
import subprocess
import urllib.request

import pytest
import yaml

from deploy.prometheus import build
from tests.integration.conftest import Process, fetch, free_port, until

CONFIG = build.ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
RULES = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["inhibit_rules"]
INSTALLATION = ("cluster", "environment", "env", "prometheus")
"""Labels that no inhibition may cross."""

ORG = {"org": "acme", "job": "iblai", "namespace": "monitoring"}
DROP = {"alertname": "IblaiEngagementDrop", "figure": "active_users", **ORG}
SILENT = {"alertname": "IblaiEngagementSilent", "figure": "active_users", **ORG}
CHAT = {"collector": "chat", **ORG}
INSTANCE = {"instance": "a:10880", "job": "iblai", "namespace": "monitoring"}
PAIRS = [
    (SILENT, {**DROP, "window": "1d"}),
    ({**DROP, "window": "1d"}, {**DROP, "window": "7d"}),
    *(
        ({"alertname": "IblaiKeyRejected", **ORG}, {"alertname": name, **labels})
        for name, labels in (
            ("IblaiOrgDown", ORG),
            ("IblaiCollectorFailing", CHAT),
            ("IblaiItemsFailing", CHAT),
            ("IblaiDataStale", CHAT),
        )
    ),
    ({"alertname": "IblaiOrgDown", **ORG}, {"alertname": "IblaiCollectorFailing", **CHAT}),
    ({"alertname": "IblaiCollectorFailing", **CHAT}, {"alertname": "IblaiDataStale", **CHAT}),
    (
        {"alertname": "IblaiSpendCapExceeded", **ORG},
        {"alertname": "IblaiSpendCapNear", **ORG},
    ),
    (
        {"alertname": "IblaiShardMissing", "job": "iblai", "namespace": "monitoring"},
        {"alertname": "IblaiOrgUnserved", **ORG},
    ),
    (
        {"alertname": "IblaiExporterDown"},
        {"alertname": "IblaiExporterInstanceDown", **INSTANCE},
    ),
]
"""Causes and what follows from them."""


def amtool(*arguments):
    ended = subprocess.run(
        ["amtool", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": "/nowhere"},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout.strip()


def test_amtool_accepts_the_example():
    assert "SUCCESS" in amtool("check-config", CONFIG)


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (("alertname=IblaiEngagementDrop", "severity=warning", "org=acme"), "iblai"),
        (("alertname=IblaiEngagementSilent", "severity=critical"), "iblai-critical"),
        (("alertname=IblaiPayloadErrors", "severity=info"), "iblai-info"),
        (("alertname=DiskFull", "severity=critical"), "default"),
    ],
)
def test_alerts_go_to_the_receiver_of_their_severity(labels, receiver):
    assert amtool("config", "routes", "test", f"--config.file={CONFIG}", *labels) == receiver


def test_inhibitions_name_alerts_that_exist():
    names = {alert.name for alert in build.alerts()}
    for rule in RULES:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            label, _, pattern = matcher.partition("=")
            if label == "alertname":
                assert set(pattern.lstrip("~").strip('"').split("|")) <= names


def test_no_inhibition_crosses_installations():
    for rule in RULES:
        assert set(INSTALLATION) <= set(rule["equal"]), rule


@pytest.fixture(scope="module")
def post(tmp_path_factory):
    """Return a way to post alerts to an Alertmanager, which returns them as it shows them."""
    directory = tmp_path_factory.mktemp("alertmanager")
    port = free_port()
    running = Process(
        shutil.which("prometheus-alertmanager"),
        f"--config.file={CONFIG}",
        f"--storage.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        cwd=directory,
    )
    address = f"http://127.0.0.1:{port}"

    def posted(*alerts, suppressed):
        """Post alerts and return their states, once those at the indexes `suppressed` are so.

        Alertmanager takes a moment to apply an inhibition.
        """
        body = json.dumps([{"labels": labels} for labels in alerts]).encode()
        request = urllib.request.Request(
            f"{address}/api/v2/alerts", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30):
            pass

        def states():
            found = json.loads(fetch(f"{address}/api/v2/alerts")[2])
            by_labels = {frozenset(one["labels"].items()): one["status"]["state"] for one in found}
            now = [by_labels.get(frozenset(labels.items())) for labels in alerts]
            waiting = None in now or any(now[index] != "suppressed" for index in suppressed)
            return None if waiting else now

        return until(states, what="the alerts in Alertmanager")

    with running:
        until(lambda: fetch(f"{address}/-/ready")[0] == 200, what="Alertmanager")
        posted.address = address
        yield posted


_ENVIRONMENTS = (f"test-{number}" for number in itertools.count())


def in_one_environment(*alerts):
    """Give alerts an environment that no other test uses."""
    own = next(_ENVIRONMENTS)
    return [{**labels, "env": own} for labels in alerts]


def names(pair):
    return f"{pair[0]['alertname']}-{pair[1]['alertname']}"


@pytest.mark.parametrize("pair", PAIRS, ids=names)
def test_a_cause_silences_what_follows_from_it(pair, post):
    states = post(*in_one_environment(*pair), suppressed=[1])
    assert states == ["active", "suppressed"]


@pytest.mark.parametrize("label", INSTALLATION)
@pytest.mark.parametrize("pair", PAIRS, ids=names)
def test_a_cause_silences_nothing_in_another_installation(pair, label, post):
    cause, effect = in_one_environment(*pair)
    own, other = ({label: f"{cause['env']}-{which}"} for which in ("own", "other"))
    states = post(cause | own, effect | own, effect | other, suppressed=[1])
    assert states == ["active", "suppressed", "active"]


def test_a_cause_silences_nothing_of_another_org_or_measure(post):
    drop = {**DROP, "window": "1d"}
    others = ({**drop, "org": "globex"}, {**drop, "figure": "enrollments"})
    states = post(*in_one_environment(SILENT, drop, *others), suppressed=[1])
    assert states == ["active", "suppressed", "active", "active"]


def test_measures_of_an_org_are_one_group_and_two_clusters_are_two(post):
    alerts = in_one_environment(
        *(
            {**DROP, "window": "1d", "figure": figure, "cluster": cluster}
            for figure in ("active_users", "enrollments", "chat_sessions")
            for cluster in ("a", "b")
        )
    )
    post(*alerts, suppressed=[])
    env = alerts[0]["env"]

    def sizes():
        groups = json.loads(fetch(f"{post.address}/api/v2/alerts/groups")[2])
        found = [group for group in groups if group["labels"].get("env") == env]
        return sorted((group["labels"]["cluster"], len(group["alerts"])) for group in found)

    until(lambda: sizes() == [("a", 3), ("b", 3)], what="a group for each cluster")
