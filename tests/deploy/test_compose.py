"""The compose file: valid, hardened, and consistent with the files and ports that it connects."""

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from compose_spec import PyCompose

from exporter.settings import load
from exporter.settings.schema import Web
from tests.integration.conftest import EXPORTER, Prometheus, free_port, until

HERE = Path(__file__).parents[2] / "deploy/compose"
TEXT = (HERE / "compose.yaml").read_text(encoding="utf-8")
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def composed(**environ):
    """Return the file as compose reads it, with variables replaced."""
    text = VARIABLE.sub(lambda match: environ.get(match[1]) or match[2], TEXT)
    assert "${" not in text
    return yaml.safe_load(text)


SERVICES = composed()["services"]
LONG_RUNNING = ("exporter", "prometheus", "alertmanager", "grafana")
ONCE = ("history", "blocks")


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
    assert set(read.service_names()) == {*LONG_RUNNING, *ONCE}


def test_no_variable_of_the_file_is_one_of_the_exporters_settings():
    names = {name for name, _ in VARIABLE.findall(TEXT)}
    assert "EXPORTER_COMMAND" in names
    assert not [name for name in names if name.startswith("IBLAI_")]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_runs_with_as_few_rights_as_it_needs(service):
    settings = SERVICES[service]
    assert settings["read_only"] is True
    assert settings["cap_drop"] == ["ALL"]
    assert settings["security_opt"] == ["no-new-privileges:true"]
    assert settings["logging"] == {"driver": "json-file", "options": {"max-size": "10m"}}
    assert all(port.startswith("127.0.0.1:") for port in settings.get("ports", ()))
    for volume in settings["volumes"]:
        if isinstance(volume, dict):
            assert (volume["type"], volume["read_only"]) == ("bind", True)
            # `z` labels the files for SELinux, shared between containers.
            assert volume["bind"] == {"create_host_path": False, "selinux": "z"}


@pytest.mark.parametrize("service", SERVICES)
def test_directories_are_mounted_because_editors_replace_files(service):
    assert all(source.is_dir() for source in binds(service).values())


@pytest.mark.parametrize("service", SERVICES)
def test_every_image_has_its_version(service):
    name, version = SERVICES[service]["image"].split(":")
    # podman does not guess the registry.
    assert name == "iblai-exporter" or name.startswith("docker.io/")
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", version)


@pytest.mark.parametrize("service", SERVICES)
def test_everything_mounted_exists_and_every_volume_is_declared(service):
    assert [source for source in binds(service).values() if not source.exists()] == []
    named = [volume for volume in SERVICES[service]["volumes"] if isinstance(volume, str)]
    assert {volume.split(":")[0] for volume in named} <= set(composed()["volumes"])


@pytest.mark.parametrize("service", LONG_RUNNING)
def test_every_service_has_a_health_check_on_the_port_it_publishes(service):
    (port,) = {mapping.rsplit(":", 1)[1] for mapping in SERVICES[service]["ports"]}
    if service == "exporter":  # that of the image asks where the exporter listens
        assert Web().listen_address == f":{port}"
    else:
        assert f"//127.0.0.1:{port}/" in SERVICES[service]["healthcheck"]["test"][-1]


def test_the_exporter_shows_the_demo_unless_it_is_configured_to_serve():
    assert SERVICES["exporter"]["command"] == ["demo"]
    assert composed(EXPORTER_COMMAND="serve")["services"]["exporter"]["command"] == ["serve"]


@pytest.mark.parametrize("service", ["exporter", "history"])
def test_any_user_may_write_the_state_as_the_owner_of_the_keys_or_of_a_rootless_engine(service):
    assert SERVICES[service]["user"] == "10001:0"
    assert composed(EXPORTER_USER="1000")["services"][service]["user"] == "1000:0"
    state = Path("/var/lib/iblai-exporter")
    dockerfile = (HERE.parents[1] / "Dockerfile").read_text(encoding="utf-8")
    assert f"COPY --from=build --chown=10001:0 /opt/state/ {state.parent}/\n" in dockerfile
    assert f"os.chmod('/opt/state/{state.name}', 0o770)" in dockerfile
    assert any(
        isinstance(volume, str) and volume.endswith(f":{state}")
        for volume in SERVICES[service]["volumes"]
    )


def test_the_exporter_keeps_its_state_on_a_volume():
    volumes = [volume for volume in SERVICES["exporter"]["volumes"] if isinstance(volume, str)]
    assert volumes == [f"state:{SERVICES['exporter']['environment']['IBLAI_STATE_DIR']}"]


@pytest.mark.parametrize("service", ONCE)
def test_what_runs_once_ends_and_is_not_started_again(service):
    assert SERVICES[service]["restart"] == "no"
    assert SERVICES[service]["entrypoint"][0] == "sh"
    script = Path(SERVICES[service]["entrypoint"][1])
    assert (binds(service)[script.parent] / script.name).exists()


def history(tmp_path, command="demo"):
    """Run the script that writes the history as its service does, for three days."""
    (tmp_path / "history").mkdir(exist_ok=True)
    script = HERE / "history/backfill.sh"
    environ = {
        **os.environ,
        "PATH": f"{EXPORTER.parent}:{os.environ['PATH']}",
        "DAYS": "3",
        "PLATFORM_ADDRESS": f"127.0.0.1:{free_port()}",
        "TMPDIR": str(tmp_path),
    }
    subprocess.run(
        ["sh", script, command, tmp_path / "history"], env=environ, check=True, capture_output=True
    )
    return sorted((tmp_path / "history").glob("*.om"))


def blocks(tmp_path):
    """Run the script that makes blocks, with Debian's promtool; return what it printed."""
    (tmp_path / "tsdb").mkdir(exist_ok=True)
    script = HERE / "history/blocks.sh"
    return subprocess.run(
        ["sh", script, tmp_path / "history", tmp_path / "tsdb"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_the_demos_past_becomes_history_of_prometheus(tmp_path):
    files = history(tmp_path)
    assert 3 <= len(files) <= 5
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in files)
    assert blocks(tmp_path)
    lookback = f"--query.lookback-delta={option('prometheus', 'query.lookback-delta')}"
    retention = (
        f"--storage.tsdb.retention.time={option('prometheus', 'storage.tsdb.retention.time')}"
    )
    with Prometheus("{}", cwd=tmp_path, flags=(lookback, retention)) as prometheus:
        prometheus.wait()
        then = datetime.now(UTC) - timedelta(days=1, minutes=40)

        def series():
            answer = prometheus.get("query", query="iblai_active_users_7d", time=then.timestamp())
            return answer["result"]

        found = until(series, what="the history")
    assert {one["metric"]["org"] for one in found} == {"acme", "globex", "initech"}
    assert {one["metric"]["job"] for one in found} == {"iblai"}
    assert {one["metric"]["instance"] for one in found} == {"exporter:10880"}


def test_history_is_written_once_and_for_the_demo_alone(tmp_path):
    assert history(tmp_path, command="serve") == []
    assert blocks(tmp_path) == ""
    (tmp_path / "history/done").touch()
    assert history(tmp_path) == []
    (tmp_path / "tsdb/history-done").touch()
    assert blocks(tmp_path) == ""


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
def prometheus_config(tmp_path):
    """Return the configuration of Prometheus, with the paths of this repository."""
    text = (binds("prometheus")[Path("/etc/prometheus")] / "prometheus.yml").read_text()
    for inside, source in binds("prometheus").items():
        text = text.replace(f"{inside}/", f"{source}/")
    path = tmp_path / "prometheus.yml"
    path.write_text(text)
    return path


def test_promtool_accepts_the_configuration_with_all_its_rules(prometheus_config):
    checked = subprocess.run(
        ["promtool", "check", "config", prometheus_config],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert re.search(r"iblai-rules.yml\s+SUCCESS: \d+ rules found", checked.stdout)


def test_prometheus_scrapes_and_notifies_services_where_they_listen(prometheus_config):
    config = yaml.safe_load(prometheus_config.read_text())
    scraped = {
        target: job["job_name"]
        for job in config["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
    }
    (notified,) = config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    for target in {*scraped, notified} - {"localhost:9090"}:
        service, port = target.split(":")
        assert SERVICES[service]["ports"][0].endswith(f":{port}")
    assert scraped["exporter:10880"] == "iblai"


def test_amtool_accepts_what_alertmanager_is_given():
    inside = Path(option("alertmanager", "config.file"))
    source = binds("alertmanager")[inside.parent] / inside.name
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
