"""The compose file: valid, hardened, and at one with the files and ports that it connects."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from compose_spec import PyCompose

from exporter.settings import load
from exporter.settings.schema import Web

HERE = Path(__file__).parents[2] / "deploy/compose"
TEXT = (HERE / "compose.yaml").read_text(encoding="utf-8")
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def composed(**environ):
    """Return the file as compose reads it, with variables replaced."""
    text = VARIABLE.sub(lambda match: environ.get(match[1]) or match[2], TEXT)
    assert "${" not in text
    return yaml.safe_load(text)


SERVICES = composed()["services"]


def binds(service):
    """Return what of this repository a service sees, by its path inside."""
    return {
        Path(volume["target"]): HERE / volume["source"]
        for volume in SERVICES[service]["volumes"]
        if isinstance(volume, dict)
    }


def option(service, name):
    (value,) = [
        argument.removeprefix(f"--{name}=")
        for argument in SERVICES[service]["command"]
        if argument.startswith(f"--{name}=")
    ]
    return value


def test_it_is_what_the_compose_specification_allows():
    read = PyCompose.from_yaml(yaml.safe_dump(composed()))
    assert set(read.service_names()) == {"exporter", "prometheus", "alertmanager", "grafana"}


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_runs_with_as_few_rights_as_it_needs(service):
    settings = SERVICES[service]
    assert settings["read_only"] is True
    assert settings["cap_drop"] == ["ALL"]
    assert settings["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in settings["ports"])
    for volume in settings["volumes"]:
        if isinstance(volume, dict):
            assert (volume["type"], volume["read_only"]) == ("bind", True)
            assert volume["bind"] == {"create_host_path": False}


@pytest.mark.parametrize("service", SERVICES)
def test_every_image_has_its_version(service):
    name, version = SERVICES[service]["image"].split(":")
    assert name
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", version)


@pytest.mark.parametrize("service", SERVICES)
def test_everything_mounted_exists_and_every_volume_is_declared(service):
    assert [source for source in binds(service).values() if not source.exists()] == []
    named = [volume for volume in SERVICES[service]["volumes"] if isinstance(volume, str)]
    assert {volume.split(":")[0] for volume in named} <= set(composed()["volumes"])


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_a_health_check_on_the_port_it_publishes(service):
    (port,) = {mapping.rsplit(":", 1)[1] for mapping in SERVICES[service]["ports"]}
    if service == "exporter":  # that of the image asks where the exporter listens
        assert Web().listen_address == f":{port}"
    else:
        assert f"//127.0.0.1:{port}/" in SERVICES[service]["healthcheck"]["test"][-1]


def test_the_exporter_shows_the_demo_unless_told_to_serve():
    assert SERVICES["exporter"]["command"] == ["demo"]
    assert composed(IBLAI_COMMAND="serve")["services"]["exporter"]["command"] == ["serve"]


def test_the_example_configuration_finds_its_keys_beside_it(tmp_path):
    inside = Path(SERVICES["exporter"]["environment"]["IBLAI_CONFIG"])
    assert inside.parent in binds("exporter")
    shutil.copy(HERE / "config/iblai.example.yml", tmp_path / inside.name)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/acme").write_text("a1b2c3\n")
    (tmp_path / "secrets/acme").chmod(0o400)
    settings = load(tmp_path / inside.name, environ={})
    assert [org.key for org in settings.orgs] == ["acme"]
    assert settings.warnings == ()


def test_no_configuration_or_key_beside_the_example_can_be_committed():
    ignored = (HERE / "config/.gitignore").read_text().split()
    assert ignored == ["*", "!.gitignore", "!iblai.example.yml"]


@pytest.fixture
def prometheus_directory(tmp_path):
    """Return /etc/prometheus as the service sees it."""
    for inside, source in binds("prometheus").items():
        target = tmp_path / inside.relative_to("/etc/prometheus")
        target.parent.mkdir(exist_ok=True)
        shutil.copy(source, target)
    return tmp_path


def test_promtool_accepts_the_configuration_with_all_its_rules(prometheus_directory):
    checked = subprocess.run(
        ["promtool", "check", "config", prometheus_directory / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert re.search(r"iblai-rules.yml\s+SUCCESS: \d+ rules found", checked.stdout)


def test_prometheus_asks_and_tells_services_where_they_listen(prometheus_directory):
    inside = Path(option("prometheus", "config.file"))
    config = yaml.safe_load((prometheus_directory / inside.name).read_text())
    scraped = {
        target: job["job_name"]
        for job in config["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
    }
    (told,) = config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    for target in {*scraped, told} - {"localhost:9090"}:
        service, port = target.split(":")
        assert SERVICES[service]["ports"][0].endswith(f":{port}")
    assert scraped["exporter:10880"] == "iblai"


def test_amtool_accepts_what_alertmanager_is_given():
    source = binds("alertmanager")[Path(option("alertmanager", "config.file"))]
    subprocess.run(["amtool", "check-config", source], capture_output=True, check=True)


def test_grafana_finds_its_data_source_and_dashboards():
    mounted = binds("grafana")
    provisioning = mounted[Path("/etc/grafana/provisioning")]
    (provider,) = yaml.safe_load((provisioning / "dashboards/iblai.yml").read_text())["providers"]
    dashboards = mounted[Path(provider["options"]["path"])]
    assert list(dashboards.glob("*.json"))
    environment = SERVICES["grafana"]["environment"]
    home = Path(environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (dashboards / home.name).exists()
    assert home.parent == Path(provider["options"]["path"])
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert source["url"] == "$PROMETHEUS_URL"
    assert environment["PROMETHEUS_URL"] == "http://prometheus:9090"
