"""The chart: what it renders is valid for Kubernetes, OpenShift and the Prometheus operator."""

import base64
import gzip
import json
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from deploy.helm import build
from exporter import __version__
from exporter.settings import load, options
from exporter.sharding import SHARDS, Shard
from grafana.links import RUNBOOK_URL
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
    run,
    validate,
)

CHART = ROOT / "deploy/helm/iblai-exporter"
VALUES = {path.stem: path for path in sorted((Path(__file__).parent / "values").glob("*.yaml"))}
OPENSHIFT = "--api-versions=security.openshift.io/v1"
RELEASE_LIMIT = 1024 * 1024
"""Bytes of the Secret in which Helm keeps a release."""


@cache
def text_of(name, *arguments):
    ended = run(
        *("helm", "template", "test", CHART, "--namespace=iblai", "--kube-version=1.31.0"),
        f"--values={VALUES[name]}",
        *arguments,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def objects_of(name, *arguments):
    return [one for one in yaml.safe_load_all(text_of(name, *arguments)) if one]


def refused(*arguments):
    """Return what Helm says about values that it does not accept."""
    ended = run("helm", "template", "test", CHART, "--kube-version=1.31.0", *arguments)
    assert ended.returncode != 0
    return ended.stderr


SHOWN = """
apiVersion: v1
kind: ConfigMap
metadata: {name: notes}
data:
  notes: {{ include "iblai-exporter.notes" . | toJson }}
"""


def notes(tmp_path, *arguments):
    """Return what Helm prints after an installation. It needs a cluster to print it itself."""
    path = tmp_path / "notes.yaml"
    path.write_text(yaml.safe_dump({"extraManifests": [SHOWN]}))
    objects = rendered(
        *("helm", "template", "test", CHART, "--kube-version=1.31.0"),
        *(*arguments, f"--values={path}"),
    )
    return next(one["data"]["notes"] for one in objects if one["metadata"]["name"] == "notes")


def mounts(objects):
    """Return where each volume is mounted, by its name."""
    return {mount["name"]: mount["mountPath"] for mount in container(objects)["volumeMounts"]}


def volumes(objects):
    return {volume["name"]: volume for volume in pod(objects)["spec"].get("volumes", ())}


def test_there_are_a_dozen_sets_of_values():
    assert len(VALUES) >= 12


@pytest.mark.parametrize("name", VALUES)
def test_helm_lint_accepts_the_chart(name):
    ended = run(
        *("helm", "lint", "--strict", "--kube-version=1.31.0", f"--values={VALUES[name]}", CHART)
    )
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("platform", [(), (OPENSHIFT,)], ids=["kubernetes", "openshift"])
@pytest.mark.parametrize("name", VALUES)
def test_every_object_is_valid_and_the_pod_is_restricted(name, platform):
    objects = objects_of(name, *platform)
    assert len({identity(one) for one in objects}) == len(objects)
    for one in objects:
        for version in VERSIONS:
            validate(one, version)
    assert_restricted(objects)


def test_a_misspelt_field_would_be_found():
    wrong = only(objects_of("operator"), "ServiceMonitor")
    wrong["spec"]["endpoints"][0]["intervall"] = "30s"
    with pytest.raises(AssertionError, match="intervall"):
        validate(wrong, VERSIONS[0])


@pytest.mark.parametrize("name", VALUES)
def test_openshift_may_choose_every_id(name):
    assert ids(objects_of(name, OPENSHIFT)) == {}


def test_a_volume_belongs_to_the_group_of_the_image_elsewhere():
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    user = re.search(r"^USER (\d+):", dockerfile, re.MULTILINE)[1]
    assert ids(objects_of("shards")) == {"fsGroup": int(user)}
    assert ids(objects_of("existing-secret")) == {}


@pytest.mark.parametrize("name", VALUES)
def test_service_policy_and_budget_select_the_pods(name):
    objects = objects_of(name)
    labels = pod(objects)["metadata"]["labels"].items()
    service = only(objects, "Service")
    selectors = [
        only(objects, "StatefulSet")["spec"]["selector"]["matchLabels"],
        service["spec"]["selector"],
        only(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        *(one["spec"]["podSelector"]["matchLabels"] for one in all_of(objects, "NetworkPolicy")),
        *(one["spec"]["selector"]["matchLabels"] for one in all_of(objects, "PodMonitor")),
    ]
    assert all(selector.items() <= labels for selector in selectors)
    for monitor in all_of(objects, "ServiceMonitor"):
        selector = monitor["spec"]["selector"]["matchLabels"]
        assert selector.items() <= service["metadata"]["labels"].items()
        assert {one["port"] for one in monitor["spec"]["endpoints"]} == {
            port["name"] for port in service["spec"]["ports"]
        }
    assert only(objects, "StatefulSet")["spec"]["serviceName"] == service["metadata"]["name"]


@pytest.mark.parametrize("name", VALUES)
def test_everything_mounted_is_a_volume(name):
    objects = objects_of(name)
    claims = only(objects, "StatefulSet")["spec"].get("volumeClaimTemplates", [])
    known = {*volumes(objects), *(one["metadata"]["name"] for one in claims)}
    assert set(mounts(objects)) == known
    assert environment(objects)["IBLAI_STATE_DIR"] == mounts(objects)["state"]


def test_each_shard_knows_its_number_and_keeps_its_state():
    objects = objects_of("shards")
    stateful = only(objects, "StatefulSet")
    replicas = stateful["spec"]["replicas"]
    shards = [
        Shard.from_environment(
            {**environment(objects), "POD_NAME": f"{stateful['metadata']['name']}-{ordinal}"}
        )
        for ordinal in range(replicas)
    ]
    assert shards == [Shard(ordinal, 3) for ordinal in range(3)]
    (claim,) = stateful["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "5Gi"
    assert claim["spec"]["storageClassName"] == "fast"
    assert SHARDS not in environment(objects_of("existing-secret"))


def test_the_configuration_is_the_one_of_the_values(tmp_path):
    objects = objects_of("existing-secret")
    config = only(objects, "ConfigMap")["data"]["iblai.yml"]
    assert yaml.safe_load(config) == yaml.safe_load(VALUES["existing-secret"].read_text())["config"]
    assert "10000000" in config
    assert volumes(objects)["keys"]["secret"]["secretName"] == "iblai-keys"
    assert environment(objects)["IBLAI_SECRETS_DIR"] == mounts(objects)["keys"]

    (tmp_path / "iblai.yml").write_text(config, encoding="utf-8")
    for org in ("acme", "zürich"):
        (tmp_path / org).write_text("a1b2c3")
        (tmp_path / org).chmod(0o400)
    environ = {**environment(objects), "IBLAI_SECRETS_DIR": str(tmp_path)}
    del environ["POD_NAME"]
    settings = load(tmp_path / "iblai.yml", environ=environ)
    assert [org.key for org in settings.orgs] == ["acme", "zürich"]
    assert settings.state_dir == Path(mounts(objects)["state"])
    assert {org.secret() for org in settings.orgs} == {"a1b2c3"}


def test_keys_of_the_values_are_in_a_secret_alone():
    objects = objects_of("api-keys")
    secret = only(objects, "Secret")
    assert secret["stringData"] == {"acme": "0123456789abcdef"}
    assert volumes(objects)["keys"]["secret"]["secretName"] == secret["metadata"]["name"]
    others = [one for one in objects if one is not secret]
    assert "0123456789abcdef" not in yaml.safe_dump_all(others)


def test_a_configuration_with_keys_can_be_a_secret():
    objects = objects_of("config-in-secret")
    assert all_of(objects, "ConfigMap") == []
    secret = only(objects, "Secret")
    assert volumes(objects)["config"]["secret"]["secretName"] == secret["metadata"]["name"]


@pytest.mark.parametrize(
    ("name", "volume"),
    [
        ("existing-config-map", {"configMap": {"name": "iblai-config"}}),
        (
            "existing-config-secret",
            {"secret": {"secretName": "iblai-config", "defaultMode": 0o444}},
        ),
    ],
)
def test_an_existing_configuration_is_mounted(name, volume):
    objects = objects_of(name)
    assert volumes(objects)["config"] == {"name": "config", **volume}
    assert "--config=/etc/iblai/iblai.yml" in container(objects)["args"]
    assert not [one for one in objects if one["kind"] in {"ConfigMap", "Secret"}]


def test_the_environment_alone_is_enough(tmp_path):
    objects = objects_of("environment")
    assert not [one for one in container(objects)["args"] if one.startswith("--config")]
    assert "WARNING" not in notes(tmp_path, f"--values={VALUES['environment']}")


def test_orgs_come_from_several_objects_in_one_directory():
    objects = objects_of("orgs-dir")
    sources = volumes(objects)["orgs"]["projected"]["sources"]
    assert [next(iter(one.values()))["name"] for one in sources] == [
        *("orgs-a-to-m", "orgs-n-to-z", "orgs-with-keys")
    ]
    assert environment(objects)["IBLAI_ORGS_DIR"] == mounts(objects)["orgs"]
    assert "IBLAI_ORGS_DIR" in {option.env for option in options()}


def test_authorities_for_the_api_are_mounted():
    objects = objects_of("openshift", OPENSHIFT)
    assert environment(objects)["SSL_CERT_FILE"] == f"{mounts(objects)['ca-bundle']}/ca-bundle.crt"


def test_tls_applies_to_probes_and_scrapes():
    objects = objects_of("tls")
    found = container(objects)
    assert "--web.config.file=/etc/iblai-web/web.yml" in found["args"]
    assert "--web.listen-address=:9443" in found["args"]
    assert found["ports"] == [{"name": "http-metrics", "containerPort": 9443}]
    assert "startupProbe" not in found
    assert found["readinessProbe"]["httpGet"]["scheme"] == "HTTPS"
    (endpoint,) = only(objects, "ServiceMonitor")["spec"]["endpoints"]
    assert endpoint["scheme"] == "https"


def egress(objects):
    """Return the TCP ports that a policy lets pods connect to."""
    return {
        port["port"]
        for rule in only(objects, "NetworkPolicy")["spec"]["egress"]
        for port in rule["ports"]
        if port["protocol"] == "TCP"
    }


def test_outgoing_ports_can_be_chosen():
    assert egress(objects_of("openshift")) == {53, 5353, 443}
    assert egress(objects_of("proxy")) == {53, 5353, 3128, 8080, 8443}
    rules = only(objects_of("proxy"), "NetworkPolicy")["spec"]["egress"]
    assert rules[1]["to"] == [{"ipBlock": {"cidr": "10.0.0.0/8"}}]
    spec = only(objects_of("ingress-only"), "NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress"]
    assert "egress" not in spec


def test_the_image_can_come_from_anywhere():
    objects = objects_of("everything")
    digest = "0123456789abcdef" * 4
    image = f"registry.corp.example/monitoring/iblai-exporter@sha256:{digest}"
    assert container(objects)["image"] == image
    assert pod(objects)["spec"]["imagePullSecrets"] == [{"name": "corp"}, {"name": "mine"}]
    assert container(objects_of("default"))["image"] == f"iblai-exporter:{__version__}"


def test_every_object_has_the_name_namespace_and_labels_of_the_values():
    objects = objects_of("everything")
    extra = {"learning-more", "test-text"}
    own = [one for one in objects if one["metadata"]["name"] not in extra]
    assert len(own) == len(objects) - len(extra)
    assert {one["metadata"]["namespace"] for one in own} == {"analytics"}
    assert {one["metadata"]["labels"]["cost-center"] for one in own} == {"4711"}
    assert {one["metadata"]["name"].split("-")[0] for one in own} == {"learning"}


def rules_of(objects):
    groups = only(objects, "PrometheusRule")["spec"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


def source_rules():
    groups = yaml.safe_load(build.RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


LINKS = ("runbook_url", "dashboard_url")


def without_links(rule):
    kept = {k: v for k, v in rule.get("annotations", {}).items() if k not in LINKS}
    return {**rule, "annotations": kept} if "annotations" in rule else rule


def test_the_rules_are_those_of_the_repository():
    found = [without_links(rule) for rule in rules_of(objects_of("pod-monitor"))]
    assert found == [without_links(rule) for rule in source_rules()]


def test_links_of_alerts_lead_to_the_operators_addresses_or_nowhere():
    for rule in rules_of(objects_of("pod-monitor")):
        assert not set(LINKS) & set(rule.get("annotations", {}))
    alerts = [rule for rule in rules_of(objects_of("operator")) if "alert" in rule]
    assert alerts
    for rule in alerts:
        anchor = rule["alert"].lower()
        runbook = f"https://wiki.example/iblai/runbooks#{anchor}"
        assert rule["annotations"]["runbook_url"] == runbook
        assert rule["labels"]["team"] == "learning"
    sources = [rule for rule in source_rules() if "alert" in rule]
    for rule, source in zip(alerts, sources, strict=True):
        if "dashboard_url" in source["annotations"]:
            path = source["annotations"]["dashboard_url"].partition("/d/")[2]
            assert rule["annotations"]["dashboard_url"] == f"https://grafana.example/d/{path}"


def test_alerts_can_be_left_out():
    (first, *_) = [rule["alert"] for rule in source_rules() if "alert" in rule]
    objects = objects_of("operator", f"--set=prometheusRule.disabledAlerts={{{first}}}")
    names = {rule["alert"] for rule in rules_of(objects) if "alert" in rule}
    assert names == {rule["alert"] for rule in source_rules() if "alert" in rule} - {first}


@pytest.mark.parametrize("name", ["operator", "pod-monitor"])
def test_promtool_accepts_the_rendered_rules(name, tmp_path):
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump(only(objects_of(name), "PrometheusRule")["spec"]))
    ended = run("promtool", "check", "rules", path)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_sidecar_gets_every_dashboard_as_it_is():
    shown = {
        name: json.loads(text)
        for one in all_of(objects_of("pod-monitor"), "ConfigMap")
        if one["metadata"]["labels"].get("grafana_dashboard") == "1"
        for name, text in one["data"].items()
    }
    source = {path.name: json.loads(path.read_text()) for path in build.DASHBOARDS.glob("*.json")}
    assert shown == source


def test_links_of_dashboards_lead_to_the_operators_runbooks():
    texts = "".join(
        text for one in all_of(objects_of("operator"), "ConfigMap") for text in one["data"].values()
    )
    unchanged = "".join(path.read_text() for path in build.DASHBOARDS.glob("*.json"))
    assert RUNBOOK_URL not in texts
    assert texts.count("https://wiki.example/iblai/runbooks") == unchanged.count(RUNBOOK_URL) > 0


def test_copied_files_are_current():
    found = {path for path in build.FILES.rglob("*") if path.is_file()}
    copies = build.files()
    assert found == set(copies), "run scripts/generate"
    for path, text in copies.items():
        assert path.read_text(encoding="utf-8") == text, "run scripts/generate"


def test_a_release_fits_into_its_secret():
    files = {
        path.name: base64.b64encode(path.read_bytes()).decode()
        for path in CHART.rglob("*")
        if path.is_file()
    }
    release = json.dumps({"chart": files, "manifest": text_of("operator")}).encode()
    assert len(base64.b64encode(gzip.compress(release))) < RELEASE_LIMIT


def test_the_chart_has_the_version_of_the_package():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["version"] == chart["appVersion"] == __version__


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("shard=3", "shard"),
        ("shards=0", "shards"),
        ("shards=two", "shards"),
        ("image.tagg=1", "tagg"),
        ("image.digest=0123", "digest"),
        ("serviceMonitor.interval=30", "interval"),
        ("serviceMonitor.scheme=HTTPS", "scheme"),
        ("networkPolicy.egress.ports={https}", "ports"),
        ("networkPolicy.egress.ports={70000}", "ports"),
        ("web.containerPort=0", "containerPort"),
        ("prometheusRule.runbookUrl=wiki", "runbookUrl"),
        ("persistence.size=large", "size"),
        ("podDisruptionBudget.maxUnavailable=0", "maxUnavailable"),
        ("existingSecrets=iblai", "existingSecrets"),
        ("orgsDir.configMaps=orgs", "configMaps"),
    ],
)
def test_a_wrong_value_is_refused_by_name(value, named):
    assert named in refused(f"--set={value}")


def test_the_schema_and_the_values_have_the_same_keys():
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))

    def compare(schema, values, path):
        known = set(schema["properties"]) - {"enabled" if path == () else None}
        # What defaults leave out on purpose: fields that have no neutral value.
        optional = {("resources", "claims")}
        optional |= {
            ("persistence", "retentionPolicy", name) for name in ("whenDeleted", "whenScaled")
        }
        assert {key for key in known if (*path, key) not in optional} == set(values), path
        for key, sub in schema["properties"].items():
            if "properties" in sub and key in values:
                compare(sub, values[key], (*path, key))

    compare(schema, values, ())


def test_each_group_of_values_is_documented_or_speaks_for_itself():
    lines = (CHART / "values.yaml").read_text(encoding="utf-8").splitlines()
    comments = [line for line in lines if line.lstrip().startswith("# --")]
    assert len(comments) > 40
    assert all(line.strip() != "# --" for line in comments)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("", "no orgs are configured"),
        ("config.orgs[0].key=acme", "no API keys are configured"),
        ("demo.enabled=true,serviceMonitor.enabled=true,podMonitor.enabled=true", "scraped twice"),
    ],
)
def test_notes_warn_about_what_is_missing(values, said, tmp_path):
    assert said in notes(tmp_path, f"--set={values}")


@pytest.mark.parametrize("name", ["demo", "existing-secret", "config-in-secret", "openshift"])
def test_notes_warn_about_nothing_else(name, tmp_path):
    assert "WARNING" not in notes(tmp_path, f"--values={VALUES[name]}")


def test_the_chart_can_be_packaged(tmp_path):
    ended = run("helm", "package", CHART, f"--destination={tmp_path}")
    assert ended.returncode == 0, ended.stderr
    (package,) = tmp_path.glob("*.tgz")
    objects = rendered("helm", "template", "test", package, "--kube-version=1.31.0")
    assert only(objects, "StatefulSet")
