import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from exporter import __version__, catalog
from exporter.cli import main


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Return a way to call the command in an empty directory with an environment of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, env=None):
        return CliRunner().invoke(main, [str(a) for a in arguments], env=env)

    return call


@pytest.mark.parametrize(
    "name", ["serve", "demo", "simulate", "check", "metrics", "settings", "backfill", "healthcheck"]
)
def test_help_teaches(command, name):
    result = command(name, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output
    assert "\\b" not in result.output


def test_the_options_of_serve_name_their_variables_and_defaults(command):
    text = command("serve", "--help").output
    for name in ("IBLAI_CONFIG", "IBLAI_WEB__LISTEN_ADDRESS", "IBLAI_LOG__LEVEL"):
        assert name in text
    assert ":10880" in text


def test_the_version_is_reported(command):
    assert __version__ in command("--version").output


@pytest.mark.parametrize(
    ("name", "needless"),
    {
        "serve": {"exporter.demo", "exporter.check", "exporter.backfill"},
        "demo": {"exporter.check", "exporter.backfill"},
        "healthcheck": {"asyncio", "httpx", "aiohttp", "pydantic", "prometheus_client"},
    }.items(),
)
def test_a_command_imports_nothing_heavy_that_it_does_not_use(name, needless):
    code = f"""
import click, sys
from exporter.cli import main
main.get_command(click.Context(main), "{name}")
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not needless & set(done.stdout.split())


def test_after_a_service_was_loaded_terminals_are_served_again():
    code = """
import click
from exporter.cli import main
main.get_command(click.Context(main), "serve")
import rich.console
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_metrics_lists_the_whole_catalog_in_both_forms(command):
    listed = json.loads(command("metrics", "--format", "json").output)
    assert [metric["name"] for metric in listed] == [m.name for m in catalog.METRICS]
    markdown = command("metrics").output
    assert all(f"| `{metric.name}` |" in markdown for metric in catalog.METRICS)


@pytest.mark.parametrize(("name", "status"), [("serve", 2), ("check", 1)])
def test_an_invalid_configuration_is_reported_by_line(command, tmp_path, name, status):
    path = tmp_path / "iblai.yml"
    path.write_text("intervall: 5m\norgs: [{key: acme, user_id: ops, api_key: k3y}]\n")
    result = command(name, "--config", path)
    assert result.exit_code == status
    assert f"{path}:1: intervall: unknown key; did you mean interval?" in result.output


def test_without_any_org_it_says_what_a_configuration_looks_like(command):
    result = command("check")
    assert result.exit_code == 1
    assert "orgs" in result.output


def test_check_prints_what_a_configuration_costs(command):
    env = {"IBLAI_ORGS": "acme,globex", "IBLAI_USER_ID": "ops", "IBLAI_API_KEY": "5f3a9c"}
    result = command("check", env=env)
    assert result.exit_code == 0, result.output
    assert "acme" in result.output
    assert "2 orgs" in result.output
    assert "5f3a9c" not in result.output


def test_check_does_not_find_it_well_that_an_org_has_no_key_to_be_read(command, tmp_path):
    env = {"IBLAI_ORGS": "acme", "IBLAI_USER_ID": "ops", "IBLAI_API_KEY_FILE": f"{tmp_path}/key"}
    result = command("check", env=env | {"COLUMNS": None})
    assert result.exit_code == 1
    assert f"acme: {tmp_path}/key does not exist" in result.output
    assert "1 org has no API key that can be read." in result.output
    (tmp_path / "key").write_text("5f3a9c")
    assert command("check", env=env).exit_code == 0


def test_check_reads_the_web_configuration_too(command, tmp_path):
    path = tmp_path / "web.yml"
    path.write_text("rate_limits: {interval: 1s}\n")
    env = {"IBLAI_ORGS": "acme", "IBLAI_USER_ID": "ops", "IBLAI_API_KEY": "5f3a9c"}
    result = command("check", env=env | {"IBLAI_WEB__CONFIG_FILE": str(path)})
    assert result.exit_code == 1
    assert f"{path}:1: rate_limits: unknown key" in result.output


def test_what_is_not_read_on_a_screen_has_its_lines_whole(command):
    long = "x" * 150
    env = {"IBLAI_ORGS": long, "IBLAI_USER_ID": "ops", "IBLAI_API_KEY": "5f3a9c", "COLUMNS": None}
    assert f" {long} " in command("check", env=env).output


@pytest.mark.parametrize(("arguments", "status"), [(["serve"], 2), (["check", "--live"], 1)])
def test_unreadable_authorities_are_reported_in_a_line(command, tmp_path, arguments, status):
    broken = tmp_path / "ca.pem"
    env = {"IBLAI_ORGS": "acme", "IBLAI_USER_ID": "ops", "IBLAI_API_KEY": "5f3a9c"}
    for _ in range(2):
        result = command(*arguments, env=env | {"SSL_CERT_FILE": str(broken)})
        assert result.exit_code == status
        assert result.output.startswith("SSL_CERT_FILE: ")
        assert str(broken) in result.output
        broken.write_text("no certificate")


def test_check_fails_if_demand_exceeds_the_rate_limit(command):
    env = {
        "IBLAI_ORGS": ",".join(f"org-{i}" for i in range(2000)),
        "IBLAI_USER_ID": "ops",
        "IBLAI_API_KEY": "5f3a9c",
        "COLUMNS": "200",
    }
    result = command("check", env=env)
    output = " ".join(result.output.split())
    assert result.exit_code == 1
    assert "demand is 1.83 times what api.rate_limit allows" in output
    assert "and 1,950 more" in output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["demo", "--drop", "acme"], "ORG:DAYS:FRACTION"),
        (["demo", "--drop", "nobody:3:0.5"], "no org nobody"),
        (["simulate", "--listen-address", "nonsense"], "listen address"),
        (["simulate", "--fault", "nonsense"], "nonsense"),
    ],
)
def test_a_mistake_on_the_command_line_is_reported(command, arguments, says):
    result = command(*arguments)
    assert result.exit_code != 0
    assert says in result.output
    assert "Traceback" not in result.output


def test_a_shard_that_cannot_be_is_reported(command):
    result = command("serve", "--shard", "3/3")
    assert result.exit_code == 2
    assert "--shard: there is no shard 3 of 3" in result.output
    result = command("serve", env={"IBLAI_EXPORTER_SHARDS": "three"})
    assert "IBLAI_EXPORTER_SHARDS is no number" in result.output


@pytest.mark.parametrize("level", ["WARN", "warn", "Warning", "DEBUG"])
def test_a_log_level_may_be_written_in_any_case(command, level):
    result = command("serve", "--log.level", level)
    assert result.exit_code == 2
    assert result.output.startswith("orgs: there is no org")


@pytest.mark.parametrize(
    ("option", "says"),
    [("--shard", "--shard: is no shard"), ("--listen-address", "--web.listen-address: is empty")],
)
def test_an_option_with_an_empty_value_is_an_error(command, option, says):
    env = {"IBLAI_ORGS": "acme", "IBLAI_USER_ID": "ops", "IBLAI_API_KEY": "5f3a9c"}
    result = command("serve", option, "", env=env)
    assert result.exit_code == 2
    assert result.output.startswith(says)


@pytest.mark.parametrize(
    ("name", "value"), [("IBLAI_WEB__LISTEN_ADDRESS", "nonsense"), ("IBLAI_LOG__LEVEL", "loud")]
)
def test_the_demo_takes_from_the_environment_what_its_options_say_and_no_more(command, name, value):
    result = command("demo", env={name: value, "IBLAI_INTERVAL": "5", "IBLAI_ORGS__0__KEY": "x"})
    assert result.exit_code == 2
    (line,) = result.output.splitlines()
    assert line.startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        ([], {"IBLAI_WEB__LISTEN_ADDRESS": "nonsense"}),
        ([], {"IBLAI_WEB__LISTEN_ADDRESS": ":99999"}),
        (["--url", "nonsense"], {}),
        (["--url", "http://127.0.0.1:port/"], {}),
        (["--url", "https://[::1/"], {}),
        (["--url", "ftp://127.0.0.1/"], {}),
    ],
)
def test_an_address_that_nobody_can_ask_is_not_healthy(command, arguments, env):
    result = command("healthcheck", *arguments, env=env)
    assert result.exit_code == 1
    assert "Error: " in result.output


def test_the_health_check_finds_the_listen_address_of_a_section_in_json(command):
    env = {"IBLAI_WEB": '{"listen_address": "127.0.0.1:9"}'}
    result = command("healthcheck", env=env)
    assert result.exit_code == 1
    assert "http://127.0.0.1:9/-/healthy" in result.output


def test_a_dead_exporter_is_not_healthy(command):
    env = {"IBLAI_WEB__LISTEN_ADDRESS": "127.0.0.1:9"}
    result = command("healthcheck", "--url", "http://127.0.0.1:9/-/healthy", env=env)
    assert result.exit_code == 1
