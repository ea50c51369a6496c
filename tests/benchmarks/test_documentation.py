"""The page on expected ranges says what the code does."""

import re

from benchmarks import backtest, backtest_plot
from exporter.history.expected import SENSITIVITY, Reason

PAGE = backtest.DOCUMENT.read_text(encoding="utf-8")


def test_the_plot_is_current():
    assert backtest_plot.IMAGE.read_text(encoding="utf-8") == backtest_plot.drawing()


def test_the_page_shows_the_plot():
    assert f"(images/{backtest_plot.IMAGE.name})" in PAGE


def test_every_reason_is_on_the_page():
    reasons = set(re.findall(r"^\| ([a-z ]+) \| (?:fewer|the|10)", PAGE, re.MULTILINE))
    assert reasons == {reason.value for reason in Reason} - {""}


def test_the_named_sensitivities_are_on_the_page():
    for name, rate in SENSITIVITY.items():
        assert re.search(rf"^\| `{name}`( \(default\))? \| {rate:g} \|$", PAGE, re.MULTILINE)


def test_the_tables_are_on_the_page():
    for place in ("real", "simulated"):
        tables = PAGE.partition(f"<!-- {place}: begin -->")[2].partition(f"<!-- {place}: end")[0]
        assert "| expected range |" in tables
        assert "| EWMA chart, same rate |" in tables


def test_tables_are_written_in_their_place():
    written = backtest.written("real", "new tables\n")
    assert "<!-- real: begin -->\nnew tables\n<!-- real: end -->" in written
    assert written.partition("### Simulated years")[2] == PAGE.partition("### Simulated years")[2]
