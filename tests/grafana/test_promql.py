"""What expressions come to, asked of promtool."""

import json
import shutil
import subprocess

import pytest

from exporter import catalog
from grafana import overview, promql, style

pytestmark = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")

WINDOW = "7d"


def series(name, value, **labels):
    text = ",".join(f'{key}="{text}"' for key, text in labels.items())
    return {"series": f"{name}{{{text}}}", "values": str(value)}


def figures(org, usual, **shares):
    """Yield the series of an org whose figures read `shares` of their usual, else all of it."""
    yield series(catalog.UP.name, 1, org=org)
    yield series(catalog.ALERT_MIN_BASELINE.name, 20, org=org)
    for figure in style.WATCHED:
        baseline = usual * figure.scale
        share = shares.get(figure.source.name, 1)
        yield series(promql.over(figure.source, WINDOW), baseline * share, org=org)
        yield series(promql.usual(figure.source, WINDOW), baseline, org=org)


@pytest.fixture
def check(tmp_path):
    """Return a check that an expression comes to samples: a value by its labels."""

    def come_to(expression, given, expected):
        samples = [{"labels": labels, "value": value} for labels, value in expected.items()]
        asked = {
            "expr": expression.replace("$org", ".+"),
            "eval_time": "0",
            "exp_samples": samples,
        }
        test = {"interval": "1m", "input_series": list(given), "promql_expr_test": [asked]}
        path = tmp_path / "test.yml"
        path.write_text(json.dumps({"tests": [test]}))
        ran = subprocess.run(
            ["promtool", "test", "rules", path], capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    return come_to


def lowest():
    return promql.worst_of_usual(
        WINDOW, no_figures=overview.NO_FIGURES, too_small=overview.TOO_SMALL
    )


@pytest.mark.parametrize("figure", style.WATCHED, ids=lambda figure: figure.source.name)
def test_an_org_is_as_low_as_any_figure_that_has_an_alert(check, figure):
    given = figures("acme", 100, **{figure.source.name: 0.25})
    check(lowest(), given, {f'{{org="acme", figure="{figure.short}"}}': 0.25})


def test_an_org_without_a_figure_of_enough_volume_is_too_small_to_be_judged(check):
    given = figures("acme", 19, active_users=0.25)
    check(lowest(), given, {'{org="acme"}': overview.TOO_SMALL})


def test_an_org_of_which_nothing_is_known_has_no_figures(check):
    check(lowest(), [series(catalog.UP.name, 0, org="acme")], {'{org="acme"}': overview.NO_FIGURES})


def test_each_org_is_listed_once(check):
    given = [*figures("acme", 100, completions=0.5), *figures("globex", 2)]
    expected = {
        '{org="acme", figure="Completions"}': 0.5,
        '{org="globex"}': overview.TOO_SMALL,
    }
    check(lowest(), given, expected)


def test_hours_are_shown_of_a_metric_in_seconds(check):
    now, then = promql.value(style.TIME, WINDOW), promql.usual_value(style.TIME, WINDOW)
    given = [*figures("acme", 100), *figures("globex", 10)]
    check(f"{now} - ({then}) / 2", given, {"{}": 55})


def test_a_collector_that_was_never_tried_has_not_failed(check):
    success, tried = catalog.COLLECTOR_SUCCESS.name, catalog.COLLECTOR_LAST_ATTEMPT.name
    given = [
        series(success, 0, org="acme", collector="new"),
        series(tried, 0, org="acme", collector="new"),
        series(success, 0, org="acme", collector="failing"),
        series(tried, 1, org="acme", collector="failing"),
        series(success, 1, org="acme", collector="fine"),
        series(tried, 1, org="acme", collector="fine"),
    ]
    expected = {
        '{org="acme", collector="new"}': 0,
        '{org="acme", collector="failing"}': 1,
        '{org="acme", collector="fine"}': 0,
    }
    check(promql.failing(), given, expected)
