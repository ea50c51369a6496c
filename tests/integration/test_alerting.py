"""A drop from the platform to a webhook: exporter, Prometheus, Alertmanager."""

import json
import re
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from deploy.prometheus import build
from tests.integration.conftest import Process, fetch, free_port, until

EXAMPLE = build.ROOT / "deploy" / "alertmanager" / "alertmanager.yml"

TIME_SCALE = 0.0001
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
    """Receives notifications and keeps them: the path and the alerts of each."""

    def __init__(self):
        notifications = self.notifications = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                notifications.append((self.path, body["alerts"]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                """Log nothing."""

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

    def received(self, name, status, *, figures):
        """Return the path and the alerts of a notification on all of `figures`, if it came."""
        for path, alerts in list(self.notifications):
            found = {
                alert["labels"].get("figure"): alert
                for alert in alerts
                if alert["labels"]["alertname"] == name and alert["status"] == status
            }
            if figures <= found.keys():
                return path, found
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


def scrape(directory: Path, exporter):
    """Make an exporter the one that is scraped."""
    path = directory / "targets.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps([{"targets": [f"127.0.0.1:{exporter.port}"]}]), encoding="utf-8")
    new.replace(path)


def test_a_webhook_receives_one_notification_of_a_drop_and_its_resolution(
    tmp_path, exporter, prometheus, alertmanager, webhook
):
    rules = build.rules_file(build.Options(time_scale=TIME_SCALE))
    (tmp_path / "iblai-rules.yml").write_text(rules, encoding="utf-8")
    dropped = exporter("demo", "--courses", "4", "--drop", "acme:7:0.6")
    scrape(tmp_path, dropped)
    prometheus(SCRAPING % alertmanager)

    name, figures = "IblaiEngagementDrop", {"active_users", "chat_sessions", "video_completions"}
    path, alerts = until(
        lambda: webhook.received(name, "firing", figures=figures), within=90, what="the alert"
    )
    assert path == "/iblai"
    alert = alerts["active_users"]
    assert alert["labels"] == {
        "alertname": name,
        "severity": "warning",
        "org": "acme",
        "job": "iblai",
        "figure": "active_users",
        "window": "7d",
    }
    annotations = alert["annotations"]
    assert annotations["summary"] == "Engagement is below the expected range."
    assert re.fullmatch(
        r"acme: active users in the last 7 days: \d+, which is below the expected range\. "
        r"Expected: \d+\.",
        annotations["description"],
    )
    assert annotations["runbook_url"].endswith("#iblaiengagementdrop")
    assert annotations["dashboard_url"].endswith(
        "/d/iblai-org?var-org=acme&var-figure=active_users&var-window=7d"
    )

    dropped.stop()
    scrape(tmp_path, exporter("demo", "--courses", "4"))
    path, _ = until(
        lambda: webhook.received(name, "resolved", figures={"active_users"}),
        within=90,
        what="the resolution",
    )
    assert path == "/iblai"

    everything = [alert["labels"] for _, alerts in webhook.notifications for alert in alerts]
    assert {labels["org"] for labels in everything if "figure" in labels} == {"acme"}
