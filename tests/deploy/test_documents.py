"""Commands and examples of docs/deployment.md and docs/scaling.md work on this repository."""

import re
import shutil
import subprocess

import pytest
import yaml

from tests.deploy.test_compose import VARIABLE
from tests.deploy.tools import ROOT, VERSIONS, all_of, environment, only, rendered, validate

DEPLOYMENT = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
SCALING = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
COMPATIBILITY = (ROOT / "docs/compatibility.md").read_text(encoding="utf-8")


def example(document, language, containing):
    """Return the one block of a document that contains a text."""
    blocks = re.findall(rf"^( *)```{language}\n(.*?)^ *```", document, re.MULTILINE | re.DOTALL)
    (found,) = [text for _, text in blocks if containing in text]
    return found


@pytest.mark.parametrize("document", [DEPLOYMENT, SCALING, COMPATIBILITY])
def test_every_path_and_page_exists(document):
    paths = re.findall(r"(?<![\w./-])((?:deploy|requirements|docs|tests)/[\w./-]*\w)", document)
    paths += [f"docs/{name}" for name in re.findall(r"\]\(([\w-]+\.md)\)", document)]
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_values_for_helm_are_valid(tmp_path):
    (tmp_path / "values.yaml").write_text(example(DEPLOYMENT, "yaml", "# values.yaml"))
    objects = rendered(
        *("helm", "template", "iblai", ROOT / "deploy/helm/iblai-exporter"),
        *(f"--values={tmp_path / 'values.yaml'}", "--kube-version=1.31.0"),
    )
    for one in objects:
        validate(one, VERSIONS[0])
    assert {"ServiceMonitor", "PrometheusRule", "ConfigMap"} <= {one["kind"] for one in objects}
    command = example(DEPLOYMENT, "sh", "helm install")
    secret = yaml.safe_load((tmp_path / "values.yaml").read_text())["existingSecret"]
    assert f"generic {secret} " in command


def test_an_overlay_of_ones_own_can_be_built(tmp_path):
    shutil.copytree(ROOT / "deploy/kubernetes", tmp_path / "kubernetes")
    directory = tmp_path / "kubernetes/overlays/own"
    directory.mkdir()
    text = example(DEPLOYMENT, "yaml", "components:")
    (directory / "kustomization.yaml").write_text(text)
    (directory / "iblai.yml").write_text("orgs: [{key: globex, user_id: ops}]\n")
    objects = rendered("kustomize", "build", directory)
    for one in objects:
        validate(one, VERSIONS[0])
    assert "globex" in only(objects, "ConfigMap")["data"]["iblai.yml"]
    assert "HTTPS_PROXY" in environment(objects)
    assert only(objects, "StatefulSet")["spec"]["volumeClaimTemplates"]
    assert all_of(objects, "Secret") == []


def test_every_variable_of_compose_is_documented_with_its_default():
    text = (ROOT / "deploy/compose/compose.yaml").read_text(encoding="utf-8")
    section = DEPLOYMENT.partition("## Docker Compose")[2].partition("\n## ")[0]
    for name, default in VARIABLE.findall(text):
        (row,) = [line for line in section.splitlines() if line.startswith("|") and name in line]
        assert default in row
    assert not re.findall(r"\bIBLAI_\w+", section)


def test_the_container_writes_where_the_image_lets_it():
    command = example(DEPLOYMENT, "sh", "docker run -d")
    (state,) = re.findall(r"IBLAI_STATE_DIR=(\S+)", command)
    assert f"-v iblai-state:{state} " in command
    assert f"COPY --from=build --chown=10001:0 /opt/state/ {state.rpartition('/')[0]}/" in (
        ROOT / "Dockerfile"
    ).read_text(encoding="utf-8")
    assert not re.findall(r"-v \S+\.yml:", command)


@pytest.mark.parametrize(
    ("document", "containing"),
    [(DEPLOYMENT, "rule_files"), (SCALING, "http_sd_configs"), (SCALING, "remote_write")],
)
def test_promtool_accepts_configurations_of_prometheus(document, containing, tmp_path):
    text = example(document, "yaml", containing)
    shutil.copy(ROOT / "deploy/prometheus/iblai-rules.yml", tmp_path)
    (tmp_path / "prometheus.yml").write_text(text)
    checked = subprocess.run(
        ["promtool", "check", "config", tmp_path / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_documents_name_the_systemd_that_the_unit_works_with():
    assert "Version 247 or newer" in DEPLOYMENT
    assert "systemd 247 to 250" in COMPATIBILITY


def test_documents_name_the_versions_that_are_tested():
    text = (ROOT / "scripts/go-tools").read_text(encoding="utf-8")
    versions = dict(re.findall(r"^([\w-]+) [\w./-]+ v(\S+)$", text, re.MULTILINE))
    versions["prometheus"] = re.sub(r"^0\.(\d)(\d\d)", r"\1.\2", versions["prometheus"])
    for name in ("prometheus", "victoria-metrics", "vmalert", "helm", "kustomize"):
        assert versions[name] in COMPATIBILITY, name


def test_nothing_links_into_the_namespace_of_the_platforms_owner():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    forbidden = "github.com" + "/iblai"
    files = [ROOT / name for name in listed if (ROOT / name).is_file()]
    found = [path for path in files if forbidden in path.read_text(errors="replace")]
    assert [str(path.relative_to(ROOT)) for path in found] == []
