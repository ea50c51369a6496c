"""Expressions for where engagement dropped: all measures of all orgs at once.

The measures of a window are selected by their names, which become the label `figure`.
"""

from collections.abc import Sequence

from exporter import catalog
from grafana import promql, style
from grafana.promql import EXPECTED, LOW, ORG
from grafana.style import DAY, ENGAGEMENT

WINDOWS = ("1d", "7d")
BY = "org, figure"
MOST = 200
"""Most rows of the table."""

_SINCE = "[7d:1d]"
"""Steps are at midnight UTC, shortly before windows change. More of them cost much time."""
_ALL = "|".join(measure.source.name for measure in ENGAGEMENT)


def measures(window: str, kind: str = "", *, figures: str = _ALL) -> str:
    """Return the measures of every org over a window, one series each; `figures` is a regexp."""
    names = f'{{__name__=~"iblai_({figures})_{window}{kind}(_seconds)?", {ORG}}}'
    pattern = f'"iblai_(.+)_{window}{kind}(_seconds)?"'
    return f'max by ({BY}) (label_replace({names}, "figure", "$1", "__name__", {pattern}))'


def dropped(figures: str = _ALL, windows: Sequence[str] = WINDOWS) -> str:
    """Return what is below its expected range in one of the windows."""
    low = (
        f"({measures(w, figures=figures)} < {measures(w, LOW, figures=figures)})" for w in windows
    )
    return f"({' or '.join(low)})"


def worst() -> str:
    """Return the larger change of the two windows, of what dropped.

    A measure that is 0 may have no expected value: that is -100 %.
    """
    changes = " or ".join(
        f'label_replace({_change(window)}, "window", "{window}", "", "")' for window in WINDOWS
    )
    return f"(min by ({BY}) ({changes}) and {dropped()}) or {dropped()} * 0 - 1"


def change(window: str) -> str:
    """Return the change from the expected value over a window, of what dropped."""
    return f"({_change(window)}) and on ({BY}) {dropped()}"


def lasting(figures: str = _ALL, windows: Sequence[str] = WINDOWS) -> str:
    """Return for how many seconds what dropped has been below its range, 7 days at most.

    Without history it is the time since yesterday began.
    """
    below = dropped(figures, windows)
    seen = f"({measures('1d', figures=figures)} * 0 + time())"
    good = f"max_over_time(({seen} unless {below}){_SINCE})"
    # Of one measure for all: that of each costs as much as everything else.
    first = f"min_over_time(({_one(catalog.ACTIVE_USERS.at('1d').name)} * 0 + time()){_SINCE})"
    yesterday = f"({_one(catalog.WINDOW_END.name)} - {DAY})"
    since = " or ".join(
        f"{below} * 0 + on (org) group_left () (time() - {moment})" for moment in (first, yesterday)
    )
    return f"(time() - {good} and {below}) or {since}"


def _one(name: str) -> str:
    return f"max by (org) ({name}{{{ORG}}})"


def window_of() -> str:
    """Return 1 for what dropped, with the window in which it did as the label `window`.

    Yesterday comes first: 7 days follow it, and may still be within their range.
    """
    of_windows = f" or on ({BY}) ".join(
        f'label_replace({measures(w)} < {measures(w, LOW)}, "window", "{w}", "", "")'
        for w in WINDOWS
    )
    return f"({of_windows}) * 0 + 1"


def titled(expression: str) -> str:
    """Return `expression` with the title of each measure as the label `metric`."""
    for measure in ENGAGEMENT:
        expression = (
            f'label_replace({expression}, "metric", "{measure.title}", '
            f'"figure", "{measure.source.name}")'
        )
    return expression


def worst_of_org(window: str = promql.WINDOW) -> str:
    """Return each org's largest drop from the expected value, of measures with a range."""
    judged = f"({_change(window)}) and {measures(window, LOW)}"
    return f"min by (org) ({judged})"


def _change(window: str) -> str:
    return f"{measures(window)} / ({measures(window, EXPECTED)} > 0) - 1"


def chosen(kind: str = "") -> str:
    """Return the measure of the variable `figure` over the chosen orgs together.

    Averages are averaged, everything else is summed; seconds become hours. Where an org has no
    expected value its own value counts, so that lines compare the same orgs.
    """
    return " or ".join(
        f"({_together(kind, suffix, more, aggregation)}){scale}"
        for suffix, more, aggregation, scale in (
            ("", ', __name__!~"iblai_avg_.+"', "sum", ""),
            ("", ', __name__=~"iblai_avg_.+"', "avg", ""),
            ("_seconds", "", "sum", f" / {style.HOUR}"),
        )
    )


def _together(kind: str, suffix: str, more: str, aggregation: str) -> str:
    def of(kind: str) -> str:
        name = f"{catalog.PREFIX}${{figure}}_{promql.WINDOW}{kind}{suffix}"
        return f'max by (org) ({{__name__="{name}"{more}, {ORG}}})'

    if not kind:
        return f"{aggregation}({of('')})"
    both = f"{of(kind)} and {of('')}"
    return f"{aggregation}(({both}) or {of('')}) and count({both})"
