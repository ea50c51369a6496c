"""The kustomizations: valid, restricted, and the same as what the chart renders."""

from functools import cache
from pathlib import Path

import pytest
import yaml

from exporter.settings import load
from exporter.sharding import SHARDS, Shard
from tests.deploy.test_helm import egress, objects_of
from tests.deploy.tools import (
    ROOT,
    VERSIONS,
    all_of,
    assert_restricted,
    container,
    environment,
    identity,
    ids,
    only,
    pod,
    rendered,
    validate,
)

HERE = ROOT / "deploy/kubernetes"
OVERLAYS = ("single", "sharded", "operator")


@cache
def text_of(directory):
    return yaml.safe_dump_all(
        rendered("kustomize", "build", "--load-restrictor=LoadRestrictionsNone", directory)
    )


def overlay(name):
    return list(yaml.safe_load_all(text_of(HERE / "overlays" / name)))


@pytest.fixture
def with_component(tmp_path):
    """Return a way to render the single exporter with a component."""

    def render(name):
        directory = tmp_path / name
        directory.mkdir()
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [relative(HERE / "overlays/single", directory)],
            "components": [relative(HERE / "components" / name, directory)],
        }
        (directory / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        return list(yaml.safe_load_all(text_of(directory)))

    return render


def relative(path, start):
    """Return a path from one directory to another: kustomize accepts no absolute ones."""
    common = next(parent for parent in start.parents if path.is_relative_to(parent))
    up = len(start.relative_to(common).parts)
    return "/".join([".."] * up) + f"/{path.relative_to(common)}"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", OVERLAYS)
def test_every_object_is_valid(name, version):
    objects = overlay(name)
    assert len({identity(one) for one in objects}) == len(objects)
    for one in objects:
        validate(one, version)


@pytest.mark.parametrize("name", ["single", "sharded"])
def test_the_pod_is_restricted_and_fixes_no_id(name):
    assert_restricted(overlay(name))
    assert ids(overlay(name)) == {}
    assert pod(overlay(name))["spec"]["automountServiceAccountToken"] is False


def test_the_image_has_a_user_that_is_not_root():
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "USER 10001:" in dockerfile


OF_THE_CHART = {"imagePullPolicy"}
"""Fields of the container that only the chart sets."""


@pytest.mark.parametrize(("name", "values"), [("single", ()), ("sharded", ("--set=shards=3",))])
def test_the_container_is_that_of_the_chart(name, values):
    chart, kustomize = container(objects_of("kustomize", *values)), container(overlay(name))
    chart = {key: value for key, value in chart.items() if key not in OF_THE_CHART}

    def by_name(found):
        return {
            **found,
            "env": sorted(found["env"], key=lambda one: one["name"]),
            "args": sorted(found["args"]),
            "volumeMounts": sorted(found["volumeMounts"], key=lambda one: one["name"]),
        }

    assert by_name(chart) == by_name(kustomize)


def test_the_pod_is_that_of_the_chart():
    chart, kustomize = pod(objects_of("kustomize"))["spec"], pod(overlay("single"))["spec"]
    only_chart = {"serviceAccountName", "terminationGracePeriodSeconds", "containers"}
    for one in (chart, kustomize):
        one["volumes"] = sorted(one["volumes"], key=lambda volume: volume["name"])
    assert {key: value for key, value in chart.items() if key not in only_chart} == {
        key: value for key, value in kustomize.items() if key != "containers"
    }


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("StatefulSet", "replicas"),
        ("StatefulSet", "serviceName"),
        ("StatefulSet", "podManagementPolicy"),
        ("Service", "ports"),
        ("Service", "clusterIP"),
        ("Service", "publishNotReadyAddresses"),
        ("NetworkPolicy", "policyTypes"),
        ("NetworkPolicy", "ingress"),
        ("NetworkPolicy", "egress"),
        ("PodDisruptionBudget", "maxUnavailable"),
    ],
)
def test_a_spec_is_that_of_the_chart(kind, name):
    chart, kustomize = only(objects_of("kustomize"), kind), only(overlay("single"), kind)
    assert chart["metadata"]["name"] == kustomize["metadata"]["name"]
    assert chart["spec"][name] == kustomize["spec"][name]


def test_the_configuration_is_that_of_the_chart():
    chart = only(objects_of("kustomize"), "ConfigMap")["data"]["iblai.yml"]
    kustomize = only(overlay("single"), "ConfigMap")["data"]["iblai.yml"]
    assert yaml.safe_load(chart) == yaml.safe_load(kustomize)


def test_memory_is_bounded_and_processor_time_is_not_throttled():
    resources = container(overlay("single"))["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert set(resources["limits"]) == {"memory"}


def test_the_configuration_is_valid_with_the_mounted_keys(tmp_path):
    objects = overlay("single")
    mapping = only(objects, "ConfigMap")
    mounts = {one["name"]: Path(one["mountPath"]) for one in container(objects)["volumeMounts"]}
    (option,) = [one for one in container(objects)["args"] if one.startswith("--config=")]
    inside = Path(option.removeprefix("--config="))
    assert inside.parent == mounts["config"]
    assert Path(environment(objects)["IBLAI_SECRETS_DIR"]) == mounts["keys"]
    assert Path(environment(objects)["IBLAI_STATE_DIR"]) == mounts["state"]

    (tmp_path / "acme").write_text("a1b2c3")
    (tmp_path / "acme").chmod(0o400)
    (tmp_path / "iblai.yml").write_text(mapping["data"][inside.name])
    environ = {**environment(objects), "IBLAI_SECRETS_DIR": str(tmp_path)}
    del environ["POD_NAME"]
    settings = load(tmp_path / "iblai.yml", environ=environ)
    assert [org.key for org in settings.orgs] == ["acme"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_no_secret_is_in_a_manifest(name):
    assert all_of(overlay(name), "Secret") == []
    for one in all_of(overlay(name), "StatefulSet"):
        assert "api_key" not in yaml.safe_dump(one)


@pytest.mark.parametrize("name", ["single", "sharded"])
def test_service_policies_and_budget_select_the_pods(name):
    objects = overlay(name)
    labels = pod(objects)["metadata"]["labels"].items()
    stateful = only(objects, "StatefulSet")
    service = only(objects, "Service")
    selectors = [
        stateful["spec"]["selector"]["matchLabels"],
        service["spec"]["selector"],
        only(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        only(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
    ]
    assert all(selector.items() <= labels for selector in selectors)
    assert stateful["spec"]["serviceName"] == service["metadata"]["name"]


def test_one_exporter_serves_all_orgs():
    assert SHARDS not in environment(overlay("single"))


def test_there_are_as_many_pods_as_shards_and_each_knows_its_own():
    objects = overlay("sharded")
    stateful = only(objects, "StatefulSet")
    replicas = stateful["spec"]["replicas"]
    shards = [
        Shard.from_environment(
            {**environment(objects), "POD_NAME": f"{stateful['metadata']['name']}-{ordinal}"}
        )
        for ordinal in range(replicas)
    ]
    assert shards == [Shard(ordinal, replicas) for ordinal in range(replicas)]
    assert replicas > 1


def test_a_proxy_can_be_reached_on_its_port(with_component):
    objects = with_component("proxy")
    for one in objects:
        validate(one, VERSIONS[0])
    port = int(environment(objects)["HTTPS_PROXY"].rpartition(":")[2])
    assert egress(objects) == egress(overlay("single")) | {port}


def test_the_state_can_be_on_a_persistent_volume(with_component):
    objects = with_component("persistent")
    for one in objects:
        validate(one, VERSIONS[0])
    (claim,) = only(objects, "StatefulSet")["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "state"
    assert "state" not in {volume["name"] for volume in pod(objects)["spec"]["volumes"]}
    assert ids(objects) == {"fsGroup": 10001}


def test_the_service_monitor_selects_the_service():
    monitor = only(overlay("operator"), "ServiceMonitor")["spec"]
    service = only(overlay("sharded"), "Service")
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert {endpoint["port"] for endpoint in monitor["endpoints"]} == {
        port["name"] for port in service["spec"]["ports"]
    }


def test_the_operator_gets_the_rules():
    groups = only(overlay("operator"), "PrometheusRule")["spec"]["groups"]
    rules = yaml.safe_load((ROOT / "deploy/prometheus/iblai-rules.yml").read_text(encoding="utf-8"))
    assert [group["name"] for group in groups] == [group["name"] for group in rules["groups"]]


def test_the_sidecar_gets_every_dashboard_in_a_map_of_its_own():
    maps = all_of(overlay("operator"), "ConfigMap")
    assert all(one["metadata"]["labels"]["grafana_dashboard"] == "1" for one in maps)
    shown = [name for one in maps for name in one["data"]]
    dashboards = {path.name for path in (ROOT / "grafana/dashboards").glob("*.json")}
    assert sorted(shown) == sorted(dashboards)
    assert max(len(text.encode()) for one in maps for text in one["data"].values()) < 1_000_000
