"""A drop, from the platform to the person: exporter, Prometheus, Alertmanager, webhook."""

import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from deploy.prometheus import build
from tests.integration.conftest import Process, fetch, free_port, until

EXAMPLE = build.ROOT / "deploy" / "alertmanager" / "alertmanager.yml"

PACE = 0.0001
"""Three hours become a second."""

SCRAPING = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [iblai-rules.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ["127.0.0.1:%d"]}]}]}
scrape_configs:
  - job_name: iblai
    file_sd_configs: [{files: [targets.json], refresh_interval: 1s}]
"""


class Webhook:
    """Somebody who is told of alerts, and remembers."""

    def __init__(self):
        told = self.told = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told.extend((self.path, alert) for alert in body["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def heard(self, name, status):
        """Return the first message of an alert, with the path it came to."""
        for path, alert in list(self.told):
            if alert["labels"]["alertname"] == name and alert["status"] == status:
                return path, alert
        return None


@pytest.fixture
def webhook():
    with Webhook() as listening:
        yield listening


@pytest.fixture
def alertmanager(tmp_path, webhook):
    config = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    ours = config["route"]["routes"][0]
    for route in (ours, *ours["routes"]):
        route |= {"group_wait": "3s", "group_interval": "1s"}
    for receiver in config["receivers"]:
        for hook in receiver.get("webhook_configs", []):
            hook["url"] = hook["url"].replace("http://127.0.0.1:9099", webhook.url)
    path = tmp_path / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    port = free_port()
    running = Process(
        shutil.which("prometheus-alertmanager"),
        f"--config.file={path}",
        f"--storage.path={tmp_path / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        cwd=tmp_path,
    )
    with running:
        until(lambda: fetch(f"http://127.0.0.1:{port}/-/ready")[0] == 200, what="Alertmanager")
        yield port


def aim(at: Path, exporter):
    path = at / "targets.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps([{"targets": [f"127.0.0.1:{exporter.port}"]}]), encoding="utf-8")
    new.replace(path)


def test_a_person_hears_of_a_drop_and_of_its_end(
    tmp_path, exporter, prometheus, alertmanager, webhook
):
    rules = build.rules_file(build.Options(pace=PACE))
    (tmp_path / "iblai-rules.yml").write_text(rules, encoding="utf-8")
    dropped = exporter("demo", "--courses", "4", "--drop", "acme:1:0.95")
    aim(tmp_path, dropped)
    prometheus(SCRAPING % alertmanager)

    name = "IblaiActiveUsersCollapse"
    path, alert = until(lambda: webhook.heard(name, "firing"), what="the alert")
    assert path == "/iblai/critical"
    assert alert["labels"] == {
        "alertname": name,
        "severity": "critical",
        "org": "acme",
        "figure": "active_users",
        "window": "1d",
    }
    about = alert["annotations"]
    assert about["summary"] == "Active users collapsed."
    assert about["description"].startswith("acme had ")
    assert "active users yesterday" in about["description"]
    assert about["runbook_url"].endswith("/runbooks.md#iblaiactiveuserscollapse")
    assert about["dashboard_url"].endswith("/d/iblai-org?var-org=acme")

    dropped.stop()
    aim(tmp_path, exporter("demo", "--courses", "4"))
    path, alert = until(lambda: webhook.heard(name, "resolved"), what="the resolution")
    assert path == "/iblai/critical"
    assert alert["labels"]["org"] == "acme"

    engagement = [alert["labels"] for _, alert in webhook.told if "figure" in alert["labels"]]
    assert {labels["org"] for labels in engagement} == {"acme"}
    assert not [one for one in engagement if one["alertname"] == "IblaiActiveUsersDrop"]
