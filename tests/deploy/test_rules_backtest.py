"""The backtest's own reading of the rules, held against promtool; and what it says of them."""

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import islice
from statistics import fmean

import pytest
import yaml

from benchmarks import backtest, backtest_bound, backtest_demo
from benchmarks.backtest_orgs import FIGURES, YEAR, Org, orgs
from benchmarks.backtest_rules import DROP_RATIO, Judge, Usual
from deploy.prometheus import build, drops
from exporter.windows import BASELINES, Span

PERIOD = Span(YEAR.first + timedelta(days=240), YEAR.first + timedelta(days=300))
STEPS = 6
"""Readings a day; the last is judged."""

SIMULATED = [figure for figure in drops.FIGURES if figure.name in FIGURES]
"""The figures that the backtest knows the days of."""


@pytest.fixture(scope="module")
def everyone():
    return list(islice(orgs(6, seed=3), 1, None))


def reads(values: Iterable[float | None]) -> str:
    return " ".join(
        "_" + f"x{STEPS}" if value is None else f"{value}+0x{STEPS - 1}" for value in values
    )


def series_of(name: str, org: Org, judge: Judge) -> Iterator[tuple[str, str]]:
    always = f"1+0x{STEPS * len(PERIOD)}"
    yield f'iblai_alert_drop_ratio{{org="{name}"}}', always.replace("1+", "0.4+")
    yield f'iblai_alert_min_baseline{{org="{name}"}}', always.replace("1+", "20+")
    for figure in SIMULATED:
        of = f'{{org="{name}",collector="{figure.collector}"}}'
        yield f"iblai_collector_success{of}", always
        clock = f"1+14400x{STEPS * len(PERIOD)}"
        yield f"iblai_collector_last_success_timestamp_seconds{of}", clock
    for window, past in {"1d": org.daily, "7d": org.weekly}.items():
        quiet = [float(judge.is_quiet(window, day)) for day in PERIOD]
        yield f'iblai_alert_quiet_{window}{{org="{name}"}}', reads(quiet)
        for figure in FIGURES:
            metric = f"iblai_{figure}_{window}"
            yield f'{metric}{{org="{name}"}}', reads(past[figure].get(day) for day in PERIOD)
            baselines = (judge.baseline(figure, window, day) for day in PERIOD)
            yield f'{metric}_baseline{{org="{name}"}}', reads(baselines)


def told(name: str, judge: Judge, day: date) -> Iterator[str]:
    for figure in SIMULATED:
        for window in BASELINES:
            fallen = judge.drop(figure.name, window, day)
            for kind, severity, least in (("Drop", "warning", 0), ("Collapse", "critical", 0.8)):
                if fallen is not None and fallen >= least:
                    yield (
                        f'ALERTS{{alertname="Iblai{figure.camel}{kind}", alertstate="firing", '
                        f'figure="{figure.name}", org="{name}", severity="{severity}", '
                        f'window="{window}"}}'
                    )


def checks(judges: Mapping[str, Judge]) -> Iterator[dict]:
    for number, day in enumerate(PERIOD):
        firing = [alert for name, judge in judges.items() for alert in told(name, judge, day)]
        yield {
            "expr": 'ALERTS{alertstate="firing", figure!=""}',
            "eval_time": f"{24 * number + 20}h",
            "exp_samples": [{"labels": alert, "value": 1} for alert in firing],
        }


def told_by_both_days(judge: Judge, day: date) -> bool:
    """Return whether a drop is told that is not large on the day itself."""
    return any(
        judge.drop(figure.name, "1d", day) is not None
        and judge.reading(figure.name, "1d", day).fallen < DROP_RATIO
        for figure in SIMULATED
    )


def test_promtool_and_the_backtest_tell_the_same_drops_on_the_same_days(everyone, tmp_path):
    judges = {f"org-{place}": Judge(org, since=PERIOD.first) for place, org in enumerate(everyone)}
    expected = list(checks(judges))
    alerts = [sample["labels"] for check in expected for sample in check["exp_samples"]]
    assert any("Collapse" in alert for alert in alerts)
    assert any('window="7d"' in alert for alert in alerts)
    assert any(told_by_both_days(judge, day) for judge in judges.values() for day in PERIOD)
    test = {
        "rule_files": [str(build.HERE / "iblai-rules.yml")],
        "evaluation_interval": "4h",
        "tests": [
            {
                "interval": "4h",
                "input_series": [
                    {"series": series, "values": values}
                    for (name, judge), org in zip(judges.items(), everyone, strict=True)
                    for series, values in dict(series_of(name, org, judge)).items()
                ],
                "promql_expr_test": expected,
            }
        ],
    }
    path = tmp_path / "backtest.yml"
    path.write_text(yaml.safe_dump(test), encoding="utf-8")
    ended = subprocess.run(
        ["promtool", "test", "rules", path], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_defaults_cry_wolf_for_nothing_in_every_other_year_at_most_and_miss_little():
    outcomes = [backtest.outcome(org, Judge) for org in orgs(20, seed=11)]
    assert sum(len(one.false) - one.odd for one in outcomes) <= len(outcomes) / 2
    halved = [
        chance
        for one in outcomes
        for chance in one.chances
        if chance.fraction == 0.5 and chance.volume and chance.volume >= 100
    ]
    in_time = [chance for chance in halved if chance.days is not None and chance.days <= 2]
    assert len(halved) >= 20
    assert len(in_time) >= 0.9 * len(halved)


def test_the_usual_rule_cries_wolf_ten_times_as_often():
    some = list(orgs(6, seed=11))
    ours, usual = (
        sum(len(backtest.outcome(org, rule).false) for org in some) for rule in (Judge, Usual)
    )
    assert usual > 10 * max(ours, 1)


def told_in_time(outcomes: Iterable[backtest.Outcome]) -> int:
    return sum(
        chance.days is not None and chance.days <= 2
        for one in outcomes
        for chance in one.chances
        if chance.fraction == 0.5 and chance.volume and chance.volume >= 20
    )


def test_who_knows_the_truth_tells_more_for_the_same_false_alerts_than_who_knows_the_baseline():
    some = list(orgs(12, seed=11))
    truth, baseline = (
        backtest.best(some, knowing)
        for knowing in (backtest_bound.knowing_the_truth, backtest_bound.knowing_the_baseline)
    )
    for best in (truth, baseline):
        assert 0 < sum(len(one.false) for one in best) <= len(some)
    assert told_in_time(truth) > told_in_time(baseline) > 0


def test_the_least_evidence_asked_for_is_the_least_that_keeps_to_the_budget():
    assert backtest_bound.cheapest(lambda least: 10 - least, 3) == pytest.approx(7, abs=0.1)


def test_the_demos_orgs_fall_where_a_drop_is_and_nowhere_else():
    for org in backtest_demo.orgs(4, seed=3):
        (lost,) = [one for one in org.drops if one.fraction == 0.95]
        for figure in FIGURES:
            during = fmean(org.daily[figure][day] or 0 for day in lost.span)
            before = fmean(org.daily[figure][day] or 0 for day in lost.span.earlier(weeks=2))
            assert during < before / 2
        outcome = backtest.outcome(org, Judge)
        assert not outcome.false
        assert outcome.alerts
