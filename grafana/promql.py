"""Expressions in PromQL, made so that two exporters or two jobs count nothing twice.

Several instances and jobs may export the same figure of an org. So each figure is first reduced
to one series for what it is about (`max by (org)`, `max by (org, course_id)`), then added up.
"""

from collections.abc import Callable

from exporter import catalog
from exporter.catalog import PREFIX, Metric, Windowed
from grafana.style import HOUR, WATCHED, Figure

ORG = 'org=~"$org"'
ONE_ORG = 'org="$org"'
COURSE = 'org="$org", course_id="$course"'
WINDOW = "${window}"
TARGET = 'job=~"$job", instance=~"$instance"'

_RULES = 'alertname=~"Iblai.*"'
_COURSE = ("org", "course_id")
_DROP_RATIO = catalog.ALERT_DROP_RATIO.name
_MIN_BASELINE = catalog.ALERT_MIN_BASELINE.name


def over(figure: Windowed, window: str = WINDOW) -> str:
    """Return the name of a figure's metric over a window, by default that of the variable."""
    return f"{PREFIX}{figure.name}_{window}"


def usual(figure: Windowed, window: str = WINDOW) -> str:
    """Return the name of a figure's baseline."""
    return f"{over(figure, window)}_baseline"


def one(name: str | Metric, *by: str, where: str = ORG, at: str = "") -> str:
    """Return one series for each value of the labels `by`; `at` is a modifier of time."""
    metric = name if isinstance(name, str) else name.name
    return f"max by ({', '.join(by)}) ({metric}{{{where}}}{at})"


def per_org(name: str | Metric) -> str:
    """Return a figure of the chosen orgs, one series an org."""
    return one(name, "org")


def total(name: str | Metric, *, given: str = "") -> str:
    """Return a figure added up over the chosen orgs, or those that have `given` too."""
    return f"sum({per_org(name)}{_given(given)})"


def mean(name: str, weight: str, *, given: str = "") -> str:
    """Return the mean over the chosen orgs, weighted by `weight`."""
    values, weights = per_org(name), per_org(weight)
    return f"sum({values} * {weights}{_given(given)}) / sum({weights} and {values}{_given(given)})"


def _given(name: str) -> str:
    return f" and {per_org(name)}" if name else ""


def scaled(figure: Figure, expression: str) -> str:
    """Return `expression` in what the figure is shown in."""
    return expression if figure.scale == 1 else f"{expression} / {figure.scale}"


def value(figure: Figure, window: str = WINDOW, *, given: str = "") -> str:
    """Return the figure over the chosen orgs together."""
    name = over(figure.source, window)
    if figure.weight is None:
        return scaled(figure, total(name, given=given))
    return mean(name, over(figure.weight, window), given=given)


def usual_value(figure: Figure, window: str = WINDOW, *, given: str = "") -> str:
    """Return what the figure usually reads over the chosen orgs together."""
    name = usual(figure.source, window)
    if figure.weight is None:
        return scaled(figure, total(name, given=given))
    return mean(name, usual(figure.weight, window), given=given)


def change(figure: Figure, window: str = WINDOW) -> str:
    """Return the change against the usual, of the orgs that have both: -0.4 is 40 % less."""
    now = value(figure, window, given=usual(figure.source, window))
    then = usual_value(figure, window, given=over(figure.source, window))
    return f"({now}) / ({then} > 0) - 1"


def drop_line(figure: Figure, window: str = WINDOW) -> str:
    """Return the value under which the alerts call it a drop, as configured at the end."""
    ratio = one(_DROP_RATIO, "org", at=" @ end()")
    return f"({usual_value(figure, window)}) * (1 - avg({ratio}))"


def of_usual(figure: Figure, window: str = WINDOW) -> str:
    """Return the share of its usual that each org's figure reads, 1 being as usual."""
    now, then = over(figure.source, window), usual(figure.source, window)
    return f"{per_org(now)} / ({per_org(then)} > 0)"


def judged(figure: Figure, window: str = WINDOW) -> str:
    """Return the share of its usual of each org whose figure has enough volume to be judged."""
    volume = per_org(usual(figure.weight or figure.source, window))
    floor = per_org(_MIN_BASELINE)
    return f"{of_usual(figure, window)} and {scaled(figure, volume)} >= {floor}"


def worst_of_usual(window: str = WINDOW, *, no_figures: int, too_small: int) -> str:
    """Return each org's smallest share of the usual, among figures with enough volume.

    The label `figure` names the one that reads it. `no_figures` and `too_small` stand for an org
    that has none, and one that cannot be judged.
    """
    shares = (_tagged(judged(figure, window), figure) for figure in WATCHED)
    org, any_figure = per_org(catalog.UP), per_org(over(catalog.ACTIVE_USERS, window))
    return (
        f"clamp_max(bottomk by (org) (1, {' or '.join(shares)}), 1.5) "
        f"or on (org) ({org} * 0 + {too_small} and {any_figure}) "
        f"or on (org) {org} * 0 + {no_figures}"
    )


def _tagged(expression: str, figure: Figure) -> str:
    return f'label_replace({expression}, "figure", "{figure.short}", "", "")'


def per_course(name: str | Metric, where: str = ORG) -> str:
    """Return a figure of courses, one series a course."""
    return one(name, *_COURSE, where=where)


def named(expression: str, where: str = ORG) -> str:
    """Return figures of courses with `course_name` joined to them."""
    return f"({expression}) * on (org, course_id) group_left (course_name) {names(where)}"


def names(where: str = ORG) -> str:
    """Return one name for each course: its id where the platform has none.

    `topk` picks one while a course is being renamed, lest a join fail.
    """
    given = one(catalog.COURSE_INFO, *_COURSE, "course_name", where=f'{where}, course_name!=""')
    nameless = per_course(catalog.COURSE_INFO, where=where)
    ids = f'label_replace({nameless}, "course_name", "$1", "course_id", "(.*)")'
    return f"(topk by (org, course_id) (1, {given}) or on (org, course_id) {ids})"


def parts(figure: Windowed, window: str = WINDOW, *, at: str = "") -> str:
    """Return what a whole is made of, all chosen orgs together, one series for each part."""
    label = figure.labels[-1]
    return f"sum by ({label}) ({one(over(figure, window), 'org', label, at=at)})"


def largest(number: int, drawn: Callable[[str], str], *on: str) -> str:
    """Return what is `drawn` over time of the `number` largest at the end of the time range.

    `drawn` takes a modifier of time, `on` are the labels of what it returns.
    """
    last = f"topk({number}, {drawn(' @ end()')})"
    return f"{drawn('')} and on ({', '.join(on)}) {last}"


def share(figure: Windowed, part: str, weight: Windowed, window: str) -> str:
    """Return the mean share of one part of a whole, orgs weighted by `weight`."""
    where = f'{ORG}, {figure.labels[-1]}="{part}"'
    values, weights = one(over(figure, window), "org", where=where), per_org(over(weight, window))
    return f"sum({values} * {weights}) / sum({weights} and {values})"


def counted(metric: Metric, *by: str, where: str = TARGET, window: str = "$__rate_interval") -> str:
    """Return the rate of a counter by `by`; instances add up, jobs of one instance do not."""
    keep = ", ".join(dict.fromkeys(("instance", *metric.labels)))
    rate = f"max by ({keep}) (rate({metric.name}{{{where}}}[{window}]))"
    return f"sum by ({', '.join(by)}) ({rate})"


def per_hour(rate: str) -> str:
    """Return a rate in events an hour, which can be counted on fingers."""
    return f"{rate} * {HOUR}"


def quantile(q: float, metric: Metric, *by: str, where: str = TARGET) -> str:
    """Return a quantile of a histogram by `by`."""
    keep = ", ".join(dict.fromkeys(("instance", "le", *metric.labels)))
    rate = f"max by ({keep}) (rate({metric.name}_bucket{{{where}}}[$__rate_interval]))"
    return f"histogram_quantile({q}, sum by ({', '.join(('le', *by))}) ({rate}))"


def failing(*, where: str = ORG) -> str:
    """Return 1 for each collector of each org whose last attempt failed, else 0."""
    success, tried = (
        one(metric, "org", "collector", where=where)
        for metric in (catalog.COLLECTOR_SUCCESS, catalog.COLLECTOR_LAST_ATTEMPT)
    )
    return f"(1 - {success}) * ({tried} > bool 0)"


def age(*by: str, where: str = ORG) -> str:
    """Return the age in seconds of the oldest figures by `by`, of those ever read."""
    newest = one(catalog.COLLECTOR_LAST_SUCCESS, "org", "collector", where=where)
    return f"time() - min by ({', '.join(by)}) ({newest} > 0)"


def alerts(name: str, *, where: str = ORG, state: str = 'alertstate="firing"') -> str:
    """Return the selector of the exporter's alerts in Prometheus' own metric `name`."""
    return f"{name}{{{', '.join(filter(None, (_RULES, state, where)))}}}"


def firing(*by: str, where: str = ORG) -> str:
    """Return how many alerts of the exporter's rules fire by `by`."""
    return f"count by ({', '.join(by)}) ({alerts('ALERTS', where=where)})"


def or_zero(expression: str) -> str:
    """Return `expression`, 0 where it is empty: counting nothing is an answer."""
    return f"{expression} or vector(0)"
