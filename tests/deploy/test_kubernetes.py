"""The manifests: what each overlay comes to, held to the schemas of Kubernetes and to the image.

The overlays use a small part of kustomize, which is done here too; what else a kustomization
says is refused.
"""

import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from exporter.settings import load
from exporter.sharding import SHARDS, Shard

ROOT = Path(__file__).parents[2]
HERE = ROOT / "deploy/kubernetes"
OVERLAYS = ("single", "sharded", "operator")
VERSIONS = ("1.29.0", kubernetes_validate.latest_version())
OF_OPERATOR = {"monitoring.coreos.com/v1"}


def render(directory):
    """Return the objects of a kustomization."""
    said = yaml.safe_load((directory / "kustomization.yaml").read_text(encoding="utf-8"))
    assert (said.pop("apiVersion"), said.pop("kind")) == (
        "kustomize.config.k8s.io/v1beta1",
        "Kustomization",
    )
    objects = []
    for resource in said.pop("resources"):
        path = directory / resource
        if path.is_dir():
            objects += render(path)
        else:
            objects += yaml.safe_load_all(path.read_text(encoding="utf-8"))
    common = said.pop("generatorOptions", {})
    for generator in said.pop("configMapGenerator", ()):
        objects.append(config_map(directory, common=common, **generator))
    for patch in said.pop("patches", ()):
        change = yaml.safe_load((directory / patch["path"]).read_text(encoding="utf-8"))
        (found,) = [one for one in objects if identity(one) == identity(change)]
        merge(found, change)
    for label in said.pop("labels", ()):
        for one in objects:
            one["metadata"].setdefault("labels", {}).update(label["pairs"])
    assert said == {}
    return objects


def config_map(directory, *, name, files, common, options=None):
    options = {**common, **(options or {})}
    assert options.pop("disableNameSuffixHash") is True
    data = {Path(file).name: (directory / file).read_text(encoding="utf-8") for file in files}
    metadata = {"name": name, **{key: dict(value) for key, value in options.items()}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def identity(one):
    return one["apiVersion"], one["kind"], one["metadata"]["name"]


def merge(into, change):
    """Lay one mapping over another; items of lists that have a name are found by it."""
    for key, value in change.items():
        if isinstance(value, dict) and key in into:
            merge(into[key], value)
        elif isinstance(value, list) and all("name" in item for item in value):
            there = {item["name"]: item for item in into.setdefault(key, [])}
            for item in value:
                if item["name"] in there:
                    merge(there[item["name"]], item)
                else:
                    into[key].append(item)
        else:
            into[key] = value


def all_of(overlay, kind):
    return [one for one in render(HERE / "overlays" / overlay) if one["kind"] == kind]


def only(overlay, kind):
    (one,) = all_of(overlay, kind)
    return one


def pod(overlay):
    return only(overlay, "StatefulSet")["spec"]["template"]


def container(overlay):
    (one,) = pod(overlay)["spec"]["containers"]
    return one


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_is_what_kubernetes_allows(overlay, version):
    objects = render(HERE / "overlays" / overlay)
    assert len({identity(one) for one in objects}) == len(objects)
    for one in objects:
        if one["apiVersion"] not in OF_OPERATOR:
            kubernetes_validate.validate(one, version, strict=True)


def test_a_misspelt_field_would_be_found():
    wrong = only("single", "StatefulSet")
    wrong["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


@pytest.mark.parametrize("overlay", ["single", "sharded"])
def test_pods_keep_to_the_restricted_security_standard(overlay):
    spec = pod(overlay)["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(overlay)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all(set(volume) <= {"name", "configMap", "secret"} for volume in spec["volumes"])


def test_the_pod_runs_as_the_user_of_the_image():
    context = pod("single")["spec"]["securityContext"]
    user = f"USER {context['runAsUser']}:{context['runAsGroup']}"
    assert user in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()


def test_probes_ask_the_paths_made_for_them():
    found = container("single")
    paths = {name: found[name]["httpGet"]["path"] for name in found if name.endswith("Probe")}
    assert paths == {
        "startupProbe": "/-/healthy",
        "livenessProbe": "/-/healthy",
        "readinessProbe": "/-/ready",
    }
    served = {port["name"] for port in found["ports"]}
    asked = {found[name]["httpGet"]["port"] for name in paths}
    assert asked == served


def test_memory_is_bounded_and_processor_time_is_not_throttled():
    resources = container("single")["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert set(resources["limits"]) == {"memory"}


def test_the_configuration_is_valid_and_reads_the_mounted_keys(tmp_path):
    (mapping,) = all_of("single", "ConfigMap")
    found = container("single")
    mounts = {mount["name"]: Path(mount["mountPath"]) for mount in found["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod("single")["spec"]["volumes"]}
    assert volumes["config"]["configMap"]["name"] == mapping["metadata"]["name"]
    (option,) = [one for one in found["args"] if one.startswith("--config=")]
    inside = Path(option.removeprefix("--config="))
    assert inside.parent == mounts["config"]
    config = yaml.safe_load(mapping["data"][inside.name])
    assert Path(config["secrets_dir"]) == mounts["keys"]

    (tmp_path / "acme").write_text("a1b2c3")
    (tmp_path / "acme").chmod(0o440)
    config["secrets_dir"] = str(tmp_path)
    (tmp_path / "iblai.yml").write_text(yaml.safe_dump(config))
    settings = load(tmp_path / "iblai.yml", environ={})
    assert [org.key for org in settings.orgs] == ["acme"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_secret_stands_in_a_manifest(overlay):
    assert all_of(overlay, "Secret") == []
    for one in all_of(overlay, "StatefulSet"):
        assert not re.search(r"api_key\b", yaml.safe_dump(one))


@pytest.mark.parametrize("overlay", ["single", "sharded"])
def test_service_policies_and_budget_mean_the_pods(overlay):
    labels = pod(overlay)["metadata"]["labels"].items()
    stateful = only(overlay, "StatefulSet")
    service = only(overlay, "Service")
    selectors = [
        stateful["spec"]["selector"]["matchLabels"],
        service["spec"]["selector"],
        only(overlay, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        only(overlay, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
    ]
    assert all(selector.items() <= labels for selector in selectors)
    assert stateful["spec"]["serviceName"] == service["metadata"]["name"]
    assert service["spec"]["clusterIP"] == "None"


def test_a_node_can_be_drained_even_where_there_is_one_pod():
    assert only("single", "StatefulSet")["spec"]["replicas"] == 1
    assert only("single", "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_one_exporter_serves_all_orgs():
    assert SHARDS not in {variable["name"] for variable in container("single")["env"]}


def test_there_are_as_many_pods_as_shards_and_each_knows_its_own():
    stateful = only("sharded", "StatefulSet")
    replicas = stateful["spec"]["replicas"]
    environ = {variable["name"]: variable.get("value") for variable in container("sharded")["env"]}
    shards = [
        Shard.from_environment({**environ, "POD_NAME": f"{stateful['metadata']['name']}-{ordinal}"})
        for ordinal in range(replicas)
    ]
    assert shards == [Shard(ordinal, replicas) for ordinal in range(replicas)]
    assert replicas > 1


def test_the_service_monitor_finds_the_service():
    monitor = only("operator", "ServiceMonitor")["spec"]
    service = only("sharded", "Service")
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert {endpoint["port"] for endpoint in monitor["endpoints"]} == {
        port["name"] for port in service["spec"]["ports"]
    }


def test_the_operator_gets_the_rules():
    groups = only("operator", "PrometheusRule")["spec"]["groups"]
    rules = yaml.safe_load((ROOT / "deploy/prometheus/iblai-rules.yml").read_text(encoding="utf-8"))
    assert [group["name"] for group in groups] == [group["name"] for group in rules["groups"]]


def test_the_sidecar_gets_every_dashboard_in_a_map_of_its_own():
    maps = all_of("operator", "ConfigMap")
    assert all(one["metadata"]["labels"]["grafana_dashboard"] == "1" for one in maps)
    shown = [name for one in maps for name in one["data"]]
    dashboards = {path.name for path in (ROOT / "grafana/dashboards").glob("*.json")}
    assert sorted(shown) == sorted(dashboards)
    assert max(len(text.encode()) for one in maps for text in one["data"].values()) < 1_000_000
