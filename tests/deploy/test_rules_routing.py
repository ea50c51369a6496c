"""The example for Alertmanager, as amtool reads it."""

import subprocess

import pytest
import yaml

from deploy.prometheus import build

CONFIG = build.ROOT / "deploy" / "alertmanager" / "alertmanager.yml"


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


def test_amtool_finds_no_fault():
    assert "SUCCESS" in amtool("check-config", CONFIG)


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (("alertname=IblaiActiveUsersDrop", "severity=warning", "org=acme"), "iblai"),
        (("alertname=IblaiActiveUsersCollapse", "severity=critical"), "iblai-critical"),
        (("alertname=IblaiPayloadErrors", "severity=info"), "iblai-info"),
        (("alertname=DiskFull", "severity=critical"), "default"),
    ],
)
def test_alerts_go_to_those_who_want_them(labels, receiver):
    assert amtool("config", "routes", "test", f"--config.file={CONFIG}", *labels) == receiver


def test_inhibitions_speak_of_alerts_that_exist():
    names = {alert.name for alert in build.alerts()}
    for rule in yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            label, _, pattern = matcher.partition("=")
            wanted = pattern.lstrip("~").strip('"')
            if label == "alertname" and ".+" not in wanted:
                assert set(wanted.split("|")) <= names
