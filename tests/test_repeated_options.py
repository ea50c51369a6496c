"""An option that takes one value is not ignored when it is repeated."""

import pytest
from click.testing import CliRunner

from exporter.cli import main


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["serve", "--web.listen-address", ":1", "--web.listen-address", ":2"], "--web.listen-add"),
        (
            ["serve", "--listen-address=:1", "--web.listen-address=:2"],
            "--listen-address and --web.listen-address",
        ),
        (["demo", "--seed", "1", "--seed=2"], "--seed"),
        (["serve", "-c", "a.yml", "--config.file", "b.yml"], "-c and --config.file"),
        (["serve", "-ca.yml", "-cb.yml"], "--config"),
        (["serve", "--enable-reload", "--no-enable-reload"], "--enable-reload and --no-enable"),
        (["serve", "--log.level", "info", "--log.level", "info"], "--log.level"),
        (["check", "--config", "a.yml", "--config", "b.yml"], "--config"),
        (["healthcheck", "--url", "http://a", "--url", "http://b"], "--url"),
        (["simulate", "--orgs", "1", "--orgs", "2"], "--orgs"),
        (["backfill", "--start", "2026-01-01", "--start", "2026-01-02"], "--start"),
    ],
)
def test_a_repeated_option_is_an_error_that_names_it(arguments, named):
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert f"Error: {named}" in done.output
    assert "given 2 times; give it once" in done.output


def test_options_that_take_several_values_may_be_repeated():
    drops = ["--drop", "acme:1:2:3", "--drop", "acme:1:2:4"]
    done = CliRunner().invoke(main, ["demo", *drops])
    assert "given 2 times" not in done.output


def test_a_switch_that_is_switched_on_twice_is_on():
    done = CliRunner().invoke(main, ["serve", "--watch-config", "--watch-config", "--nil"])
    assert "No such option" in done.output


def test_an_unknown_option_is_still_named_by_the_command():
    done = CliRunner().invoke(main, ["serve", "--nil", "--nil"])
    assert "No such option" in done.output
