"""The constants for a source are chosen on the other sources."""

from datetime import timedelta
from math import exp

import pytest

from benchmarks import backtest_left_out
from benchmarks.backtest_left_out import SETS, Evaluation, chosen_without, report, worth
from benchmarks.backtest_score import Result, Scores, Trial
from exporter.history import expected
from tests.benchmarks.test_backtest import FIRST, scored, steady, with_days


def found(source, share, *, alerts=()):
    """Return scores of a source of which a share of the drops was found."""
    trials = [Trial(100.0, float(number < share * 10)) for number in range(10)]
    return scored(set(alerts), series=steady(name=f"{source}_users"), trials=trials)


def test_the_left_out_source_has_no_say():
    one = [found("acme", 0.0), found("globex", 0.9), found("initech", 0.9)]
    other = [found("acme", 1.0), found("globex", 0.5), found("initech", 0.5)]
    assert chosen_without("acme", [one, other]) == [one[0]]
    assert chosen_without("globex", [one, other]) == [other[1]]


def test_a_false_alert_must_be_worth_it():
    days = len(steady().scored)
    rate = 365 / days
    quiet, loud = found("acme", 0.5), found("acme", 0.6, alerts=[40])
    assert worth(Result([loud], 1)) - worth(Result([quiet], 1)) == pytest.approx(0.1 - rate / 20)


def test_the_constants_of_the_exporter_are_one_of_the_sets():
    own = {name: getattr(expected, name) for name in SETS[0]}
    assert own in SETS


def test_an_evaluation_uses_its_constants(monkeypatch):
    for name in SETS[0]:
        monkeypatch.setattr(expected, name, getattr(expected, name))
    series = steady()
    last = series.scored[-1]
    low = with_days(series, {last: 0.15 * 220})

    def alerts(alone):
        constants = {**SETS[0], "_ALONE": -alone}
        [of_series] = Evaluation([low])(constants)
        assert isinstance(of_series, Scores)
        return of_series.episodes(1)

    assert exp(-SETS[0]["_ALONE"]) == pytest.approx(0.05)
    assert alerts(-2.3) == []
    assert alerts(-1.4) == [last]
    assert last == FIRST + timedelta(days=119)


def test_the_table_has_every_source_and_the_range_of_all_sets():
    one = [found("acme", 1.0), found("globex", 0.8)]
    other = [found("acme", 0.9), found("globex", 0.7, alerts=[40])]
    lines = "\n".join(report([one, other]))
    assert lines.count("| acme |") == lines.count("| globex |") == lines.count("| all |") == 1
    assert "All 2 sets of constants" in lines
    assert "80% to 90% of drops found" in lines


def test_the_page_has_the_table():
    page = backtest_left_out.DOCUMENT.read_text(encoding="utf-8")
    tables = page.partition("<!-- left out: begin -->")[2].partition("<!-- left out: end")[0]
    assert "| all |" in tables
    assert f"All {len(SETS)} sets of constants" in tables
