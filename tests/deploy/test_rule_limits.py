"""The rules fit into the default limits of hosted services.

| service | rules per group | groups | bytes of a file |
|---|---|---|---|
| Grafana Mimir (`ruler_max_rules_per_rule_group`, `ruler_max_rule_groups_per_tenant`) | 20 | 70 | |
| Grafana Cloud | 20 | 35 | |
| Amazon Managed Service for Prometheus | 20 | | 1 MB |
"""

import pytest
import yaml

from tests.deploy.tools import ROOT

RULES_PER_GROUP = 20
GROUPS = 35
BYTES = 1_000_000
FILES = sorted((ROOT / "deploy/prometheus").glob("iblai-rules*.yml"))


def groups(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]


def test_there_are_rules():
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_group_has_few_rules(path):
    sizes = {group["name"]: len(group["rules"]) for group in groups(path)}
    assert {name: size for name, size in sizes.items() if size > RULES_PER_GROUP} == {}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_there_are_few_groups_and_they_leave_room_for_others(path):
    assert len(groups(path)) <= GROUPS // 2


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_names_of_groups_are_unique(path):
    names = [group["name"] for group in groups(path)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_small(path):
    assert path.stat().st_size < BYTES
