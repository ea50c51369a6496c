"""Drops in engagement: what is recorded about them, and when they are told.

A drop is told if it is large (the share that the org is configured with), on enough volume,
beyond what chance gives at that size, and read from fresh data on days that are not quiet. Where
one day leaves it open, the last two are judged together, by the same measures. The thresholds of
chance were chosen by `benchmarks/backtest.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deploy.prometheus.rules import HOUR, Alert, Dashboard, Group, Recording, Severity, duration

SEEN = "15m"
"""How far back a scrape may lie: three scrapes of 5m, or a restart, may fail in between."""

FRESH = 3 * HOUR
"""A figure is fresh for this long after its collector succeeded, if it has failed since."""

FRESH_AT_MOST = 26 * HOUR
"""No figure is fresh longer, since every collector runs once a day at least."""

WAIT = 3 * HOUR
"""The API's own figures can lag, and yesterday's is read anew each hour."""

KEEP = 6 * HOUR
"""An exporter that restarts, or an API that fails for a while, is no recovery."""

EVIDENCE = 3.5
"""Standard deviations beyond which a drop is not chance."""

MEDIAN = 0.4
"""Variance of a median of three or four readings, as a share of that of one reading."""

MESSAGES_SPREAD = 1.0
"""Standard deviation of the messages of a session, as a share of their mean."""

MESSAGES_STEP = 1
"""The API rounds messages per session to whole numbers: a step of one may be a rounding."""

COLLAPSE = 0.8
"""Share by which a figure falls that is lost as good as whole."""

WAVES = "4w"
"""How long enrolments may run high before that counts as usual."""

STILL_LOW = 0.5
"""Share of `drop_ratio` by which the second of two days must be low itself: one that is not ends
a drop, however low the first was."""

WINDOWS = ("1d", "7d")
BOTH = "2d"
"""The last two days together, which no gauge tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure whose drops are told.

    `spread` is the variance of a count as a multiple of its mean: 1 if each is on its own, more
    where one person or one cause brings several. None is an average, judged by its sessions.
    `scale` is what one of it is in the metric: hours are told, of seconds.
    """

    name: str
    camel: str
    words: str
    collector: str
    spread: float | None
    waves: bool = False
    scale: int = 1


SESSIONS = Figure(
    name="chat_sessions",
    camel="ChatSessions",
    words="chat sessions",
    collector="chat",
    spread=1.8,
)
MESSAGES = Figure(
    name="avg_messages_per_session",
    camel="MessagesPerSession",
    words="messages per chat session",
    collector="chat",
    spread=None,
)
FIGURES = (
    Figure(
        name="active_users",
        camel="ActiveUsers",
        words="active users",
        collector="active_users",
        spread=1.3,
    ),
    Figure(
        name="enrollments",
        camel="Enrollments",
        words="new enrolments",
        collector="enrollments",
        spread=1.6,
        waves=True,
    ),
    Figure(
        name="video_completions",
        camel="VideoCompletions",
        words="videos watched",
        collector="videos",
        spread=2.0,
    ),
    MESSAGES,
    SESSIONS,
    Figure(
        name="time_spent_seconds",
        camel="TimeSpent",
        words="hours of learning",
        collector="time",
        spread=1.5,
        scale=HOUR,
    ),
    Figure(
        name="completions",
        camel="Completions",
        words="courses completed",
        collector="completions",
        spread=2.0,
        waves=True,
    ),
    Figure(
        name="conversations",
        camel="Conversations",
        words="conversations with agents",
        collector="conversations",
        spread=1.8,
    ),
)

LAST = "org:iblai_engagement:last"
BASELINE = "org:iblai_engagement_baseline:last"
RATIO = "org:iblai_engagement_drop:ratio"
ZSCORE = "org:iblai_engagement_drop:zscore"
QUIET = "org:iblai_alert_quiet:recent"
DROP_RATIO = "org:iblai_alert_drop_ratio:last"
MIN_BASELINE = "org:iblai_alert_min_baseline:last"
AGE = "org_collector:iblai_collector_age:seconds"
FRESH_AGE = "org_collector:iblai_collector_age:fresh"

_LAST_SUCCESS = "iblai_collector_last_success_timestamp_seconds"
_SAME = "on (org, figure, window)"


def last(metric: str, *, by: str = "org", ago: str = "") -> str:
    """Return the expression of what was last scraped, over all instances that tell it."""
    reach = f"[{SEEN}] offset {ago}" if ago else f"[{SEEN}]"
    return f"max by ({by}) (last_over_time({metric}{reach}))"


def age(*, collectors: str = "") -> str:
    """Return the expression of the seconds since a collector succeeded, if it ever did.

    The latest time counts, since an exporter that restarts tells of none at first.
    """
    succeeded = f"{_LAST_SUCCESS}{{{collectors}}}" if collectors else _LAST_SUCCESS
    return f"time() - (max by (org, collector) (max_over_time({succeeded}[{SEEN}])) > 0)"


def group() -> Group:
    """Return all there is about drops. It is one group, since each rule needs those before it."""
    return Group("iblai-engagement", (*_recordings(), *_alerts()))


def _recordings() -> Iterator[Recording]:
    yield Recording(AGE, age())
    yield Recording(
        FRESH_AGE,
        f"{AGE} < {FRESH}\n"
        f"or\n"
        f"({AGE} < {FRESH_AT_MOST}\n"
        f"  and {last('iblai_collector_success', by='org, collector')} == 1)",
    )
    yield Recording(DROP_RATIO, last("iblai_alert_drop_ratio"))
    yield Recording(MIN_BASELINE, last("iblai_alert_min_baseline"))
    for window in WINDOWS:
        # A figure read before midnight is served until the next visit, and then its day was
        # quiet although yesterday was not.
        quiet = f"max by (org) (max_over_time(iblai_alert_quiet_{window}[{duration(FRESH)}]))"
        yield Recording(QUIET, quiet, {"window": window})
    for figure in FIGURES:
        for window in WINDOWS:
            labels = {"figure": figure.name, "window": window}
            metric = f"iblai_{figure.name}_{window}"
            scale = f" / {figure.scale}" if figure.scale != 1 else ""
            baseline = _waveless(figure, window) if figure.waves else last(f"{metric}_baseline")
            yield Recording(LAST, f"{last(metric)}{scale}", labels)
            yield Recording(BASELINE, f"{baseline}{scale}", labels)
    for metric in (LAST, BASELINE):
        yield Recording(metric, _sum_of_both(metric), {"window": BOTH})
    for metric in (LAST, BASELINE):
        labels = {"figure": MESSAGES.name, "window": BOTH}
        yield Recording(metric, _average_of_both(metric), labels)
    yield Recording(RATIO, f"1 - {LAST} / ({BASELINE} > 0)")
    for figure in FIGURES:
        yield Recording(ZSCORE, _judged(figure), {"figure": figure.name})


def _waveless(figure: Figure, window: str) -> str:
    """Return what is usual of a figure that comes in waves.

    A wave is usual only if it was so before the last four weeks too. If nothing was usual then,
    as after a long break, a day is compared with what the week before it leaves of its baseline,
    or with the same day of that week. Silence is no end of a wave, and where Prometheus remembers
    nothing the baseline stands alone.
    """
    metric, week = (f"iblai_{figure.name}_{of}" for of in (window, "7d"))
    usual = last(f"{metric}_baseline")
    level = f"clamp_max({last(week, ago='1d')} / {last(f'{week}_baseline', ago='1d')}, 1)"
    ebbed = _lesser(f"{usual} * {level}", last(metric, ago="1w"))
    branches = (
        f"({usual} and on (org) {last(metric)} == 0)",
        _lesser(last(f"{metric}_baseline", ago=WAVES), usual),
        *([ebbed] if window == "1d" else []),
        f"({usual} unless {last('iblai_alert_drop_ratio', ago=WAVES)})",
    )
    return "\nor\n".join(branches)


def _lesser(one: str, other: str) -> str:
    """Return the lesser of two, where both are known."""
    return f"({one} < {other})\nor\n({other} and {one})"


def _sum_of_both(metric: str) -> str:
    counts = f'figure!="{MESSAGES.name}",window="1d"'
    return f"{_if_not_quiet(metric, counts)} + {_the_day_before(metric, counts)}"


def _average_of_both(metric: str) -> str:
    """Return the average of both days, each weighed by its sessions."""
    average, sessions = (f'figure="{of.name}",window="1d"' for of in (MESSAGES, SESSIONS))
    weighed = "* on (org) group_left ()"
    return (
        f"({_if_not_quiet(metric, average)} {weighed} {metric}{{{sessions}}}\n"
        f"  + {_the_day_before(metric, average)} {weighed} {_the_day_before(metric, sessions)})\n"
        f'/ on (org) group_left () {metric}{{figure="{SESSIONS.name}",window="{BOTH}"}}'
    )


def _if_not_quiet(metric: str, which: str) -> str:
    return f'({metric}{{{which}}} unless on (org) {QUIET}{{window="1d"}} == 1)'


def _the_day_before(metric: str, which: str) -> str:
    """Return what was recorded a day ago, if it could be judged then."""
    recorded, judged = (f"last_over_time({of}{{{which}}}[1h] offset 1d)" for of in (metric, ZSCORE))
    return f"({recorded} and {judged})"


def _judged(figure: Figure) -> str:
    """Return how many standard deviations a drop is, for windows that may be judged."""
    score = _score_of_average(figure) if figure.spread is None else _score_of_count(figure)
    return (
        f"({score})\n"
        f"unless on (org, window) {QUIET} == 1\n"
        f'and on (org) {FRESH_AGE}{{collector="{figure.collector}"}}'
    )


def _enough(figure: Figure) -> str:
    baseline = f'{BASELINE}{{figure="{figure.name}"}}'
    return f"({baseline} >= on (org) group_left () {MIN_BASELINE})"


def _score_of_count(figure: Figure) -> str:
    """Return the difference of square roots, whose spread is the same for every size."""
    now = f'{LAST}{{figure="{figure.name}"}}'
    return f"2 * (sqrt{_enough(figure)} - sqrt({now}))\n  / ({1 + MEDIAN} * {figure.spread}) ^ 0.5"


def _score_of_average(figure: Figure) -> str:
    now, baseline = (f'{metric}{{figure="{figure.name}"}}' for metric in (LAST, BASELINE))
    sessions = f'{LAST}{{figure="{SESSIONS.name}"}}'
    return (
        f'({RATIO}{{figure="{figure.name}"}} and {_SAME} {baseline} - {now} > {MESSAGES_STEP})\n'
        f"  / on (org, window) group_left ()\n"
        f"  ({MESSAGES_SPREAD} * (1 / {sessions} + on (org, window) "
        f"{MEDIAN} / {_enough(SESSIONS)}) ^ 0.5)"
    )


def _alerts() -> Iterator[Alert]:
    for figure in FIGURES:
        for window in WINDOWS:
            yield _alert(figure, window, Severity.WARNING)
        for window in WINDOWS:
            yield _alert(figure, window, Severity.CRITICAL)


def _alert(figure: Figure, window: str, severity: Severity) -> Alert:
    collapse = severity is Severity.CRITICAL
    number = "%.1f" if figure.spread is None else "%.0f"
    words = figure.words
    return Alert(
        name=f"Iblai{figure.camel}{'Collapse' if collapse else 'Drop'}",
        severity=severity,
        tells=(
            f"{words} of yesterday, of the last 2 days together or of the last 7 days, at least "
            + (f"{COLLAPSE:.0%} under" if collapse else "`drop_ratio` under")
            + " what is usual"
            + (", or none at all" if collapse else "")
        ),
        expr=_told(figure, window, f" >= {COLLAPSE}" if collapse else ""),
        summary=f"{words.capitalize()} {'collapsed' if collapse else 'dropped'}.",
        description=(
            f"{{{{ $labels.org }}}} had {_figure(LAST, figure, number)} {words} "
            f"{_by_window(window, _WHEN)}, where {_figure(BASELINE, figure, number)} are usual "
            f"{_by_window(window, _LIKE)}: {{{{ $value | humanizePercentage }}}} fewer."
        ),
        dashboard=Dashboard.ORG,
        wait=WAIT,
        keep=KEEP,
        labels={"figure": figure.name, "window": window},
    )


def _told(figure: Figure, window: str, least: str) -> str:
    """Return by which share a figure fell, if that is to be told."""

    def fallen(over: str) -> str:
        ratio = f'{RATIO}{{figure="{figure.name}",window="{over}"}}'
        return (
            f"({ratio} >= on (org) group_left () {DROP_RATIO}{least}\n"
            f"  and {_SAME} {ZSCORE} >= {EVIDENCE}"
        )

    if window != "1d":
        return f"{fallen(window)})"
    today = f'{RATIO}{{figure="{figure.name}",window="1d"}}'
    still_low = f"{today} >= on (org) group_left () {STILL_LOW} * {DROP_RATIO}"
    return f"{fallen(window)})\nor on (org)\n{fallen(BOTH)}\n  and on (org) {still_low})"


_WHEN = {"1d": "yesterday", BOTH: "in the last 2 days", "7d": "in the last 7 complete days"}
_LIKE = {
    "1d": "on that weekday",
    BOTH: "on those weekdays",
    "7d": "in the same 7 days of a week",
}


def _by_window(window: str, words: Mapping[str, str]) -> str:
    """Return words for the window that the figures are of: both days may speak for the last."""
    if window != "1d":
        return words[window]
    both = f'{{{{ if eq $labels.window "{BOTH}" }}}}{words[BOTH]}'
    return f"{both}{{{{ else }}}}{words['1d']}{{{{ end }}}}"


def _figure(metric: str, figure: Figure, number: str) -> str:
    """Return the template of a figure of the alert's org, as it reads now."""
    labels = rf"org=%q,figure=\"{figure.name}\",window=%q"
    return (
        f'{{{{ with printf "{metric}{{{labels}}}" $labels.org $labels.window | query }}}}'
        f'{{{{ . | first | value | printf "{number}" }}}}{{{{ else }}}}?{{{{ end }}}}'
    )
