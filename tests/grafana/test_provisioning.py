import re

import yaml

from grafana import build

PROVISIONING = build.DIRECTORY.parent / "provisioning"
COMPOSE = build.DIRECTORY.parent.parent / "deploy" / "compose" / "prometheus" / "prometheus.yml"
DOCS = build.DIRECTORY.parent.parent / "docs" / "dashboards.md"


def read(path):
    return yaml.safe_load((PROVISIONING / path).read_text())


def test_the_data_source_is_a_prometheus_whose_address_the_operator_sets():
    (source,) = read("datasources/prometheus.yml")["datasources"]
    assert source["type"] == "prometheus"
    assert source["url"] == "$PROMETHEUS_URL"
    assert "PROMETHEUS_URL=" in DOCS.read_text()


def test_the_data_source_has_the_scrape_interval_of_the_compose_setup():
    (source,) = read("datasources/prometheus.yml")["datasources"]
    scraped = yaml.safe_load(COMPOSE.read_text())["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scraped


def test_the_dashboards_are_looked_for_where_the_docs_mount_them():
    (provider,) = read("dashboards/iblai.yml")["providers"]
    mounted = re.search(r"grafana/dashboards:(\S+):ro", DOCS.read_text())
    assert provider["options"]["path"] == mounted[1]
    assert not provider["allowUiUpdates"]
