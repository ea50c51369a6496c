"""Expressions in PromQL, made so that two exporters or two jobs count nothing twice.

Several instances and jobs may export the same gauge of an org. So each gauge is first reduced to
one series for what it is about (`max by (org)`, `max by (org, course_id)`), then added up.
"""

import re
from collections.abc import Callable

from exporter import catalog
from exporter.catalog import PREFIX, Metric, Windowed
from grafana.style import HOUR, Measure

ORG = 'org=~"$org"'
ONE_ORG = 'org="$org"'
COURSE = 'org="$org", course_id="$course"'
WINDOW = "${window}"
TARGET = 'job=~"$job", instance=~"$instance"'
AT_END = " @ end()"

EXPECTED, LOW = "_expected", "_expected_low"

_COURSE = ("org", "course_id")
_AGENT = ("org", "mentor_id")
_SELECTOR = re.compile(
    r"((?:\w|\$\{\w+\})*)(?<!\$)\{((?:[^{}]|\$\{\w+\})*)\}"
    r"(\[[^\]]+\])?( offset \w+)?( @ end\(\))?"
)


def over(measure: Windowed, window: str = WINDOW, kind: str = "") -> str:
    """Return the name of a measure's gauge over a window, by default that of the variable.

    `kind` is empty, `EXPECTED` or `LOW`.
    """
    unit = f"_{measure.unit}" if measure.unit else ""
    return f"{PREFIX}{measure.name}_{window}{kind}{unit}"


def one(name: str | Metric, *by: str, where: str = ORG, at: str = "") -> str:
    """Return one series for each value of the labels `by`; `at` is a modifier of time."""
    metric = name if isinstance(name, str) else name.name
    return f"max by ({', '.join(by)}) ({metric}{{{where}}}{at})"


def per_org(name: str | Metric, *, at: str = "") -> str:
    """Return a gauge of the chosen orgs, one series an org."""
    return one(name, "org", at=at)


def total(name: str | Metric, *, given: str = "") -> str:
    """Return a gauge added up over the chosen orgs, or those that have `given` too."""
    return f"sum({per_org(name)}{_given(given)})"


def mean(name: str, weight: str, *, given: str = "") -> str:
    """Return the mean over the chosen orgs, weighted by `weight`."""
    return _mean(per_org(name), per_org(weight), given=_given(given))


def _mean(values: str, weights: str, *, given: str = "") -> str:
    return f"sum({values} * {weights}{given}) / sum({weights} and {values}{given})"


def _given(name: str) -> str:
    return f" and {per_org(name)}" if name else ""


def scaled(measure: Measure, expression: str) -> str:
    """Return `expression` in the unit in which the measure is shown."""
    return expression if measure.scale == 1 else f"{expression} / {measure.scale}"


def value(measure: Measure, window: str = WINDOW, *, given: str = "") -> str:
    """Return the measure over the chosen orgs together."""
    name = over(measure.source, window)
    if measure.weight is None:
        return scaled(measure, total(name, given=given))
    return mean(name, over(measure.weight, window), given=given)


def expected_value(measure: Measure, window: str = WINDOW, kind: str = EXPECTED) -> str:
    """Return what is expected of the chosen orgs together, or where its range ends.

    An org without an expected value counts with its own value, so that lines compare the same orgs.
    """
    own, wanted = (per_org(over(measure.source, window, k)) for k in ("", kind))
    together = f"(({wanted} and {own}) or {own})"
    if measure.weight is None:
        summed = scaled(measure, f"sum({together})")
    else:
        summed = _mean(together, per_org(over(measure.weight, window)))
    return f"({summed}) and count({wanted} and {own})"


def change(measure: Measure, window: str = WINDOW) -> str:
    """Return the change from the expected value, of orgs that have both: -0.4 is 40 % less."""
    source = measure.source
    own, wanted = (over(source, window, kind) for kind in ("", EXPECTED))
    if measure.weight is None:
        found, should = total(own, given=wanted), total(wanted, given=own)
    else:
        weight = over(measure.weight, window)
        found, should = mean(own, weight, given=wanted), mean(wanted, weight, given=own)
    return f"({found}) / (({should}) > 0) - 1"


def change_of_orgs(measure: Measure, window: str = WINDOW) -> str:
    """Return the change from the expected value of each org."""
    own, wanted = (per_org(over(measure.source, window, kind)) for kind in ("", EXPECTED))
    return f"{own} / ({wanted} > 0) - 1"


def orgs_with(measure: Measure, window: str = WINDOW, *, at: str = "") -> str:
    """Return how many orgs have a value."""
    return f"count({per_org(over(measure.source, window), at=at)})"


def orgs_polled(collector: str, *, at: str = "") -> str:
    """Return how many orgs are polled for the values of a collector."""
    where = f'{ORG}, collector="{collector}"'
    return f"count({one(catalog.COLLECTOR_SUCCESS, 'org', where=where, at=at)})"


def incomplete(measure: Measure, window: str = WINDOW, *, at: str = "") -> str:
    """Return a value where an org lacks the measure, else nothing."""
    return f"{orgs_with(measure, window, at=at)} < {orgs_polled(measure.collector, at=at)}"


def with_orgs(expression: str, measure: Measure, window: str = WINDOW) -> str:
    """Return `expression` with labels for how many orgs it includes, of how many.

    They are those at the end of the time range, so that a chart has one series.
    """
    included = count_label("included", orgs_with(measure, window, at=AT_END))
    of = count_label("of", orgs_polled(measure.collector, at=AT_END))
    labels = f"{included} * on () group_left (of) {of}"
    return f"({expression}) * on () group_left (included, of) ({labels})"


def count_label(label: str, count: str) -> str:
    """Return 1 with a count as the value of a label, for a text that holds it."""
    return f'count_values("{label}", {count})'


def below(measure: Measure, window: str = WINDOW) -> str:
    """Return the measure where the chosen orgs together are below the expected range."""
    return f"{value(measure, window)} < {expected_value(measure, window, LOW)}"


def per_course(name: str | Metric, where: str = ORG, *, at: str = "") -> str:
    """Return a gauge of courses, one series a course."""
    return one(name, *_COURSE, where=where, at=at)


def named(expression: str, where: str = ORG) -> str:
    """Return gauges of courses with `course_name` joined to them."""
    return f"({expression}) * on (org, course_id) group_left (course_name) {names(where)}"


def names(where: str = ORG) -> str:
    """Return one name for each course: its id where the platform has none.

    `topk` picks one while a course is being renamed, lest a join fail.
    """
    given = one(catalog.COURSE_INFO, *_COURSE, "course_name", where=f'{where}, course_name!=""')
    nameless = per_course(catalog.COURSE_INFO, where=where)
    ids = f'label_replace({nameless}, "course_name", "$1", "course_id", "(.*)")'
    return f"(topk by (org, course_id) (1, {given}) or on (org, course_id) {ids})"


def per_agent(name: str | Metric, *, at: str = "") -> str:
    """Return a gauge of agents, one series an agent."""
    return one(name, *_AGENT, at=at)


def agent_named(expression: str) -> str:
    """Return gauges of agents with `mentor_name`, the id where the platform gives no name."""
    where = f'{ORG}, mentor_name!=""'
    info = one(catalog.MENTOR_INFO, *_AGENT, "mentor_name", where=where)
    name = f"topk by (org, mentor_id) (1, {info})"
    joined = f"({expression}) * on (org, mentor_id) group_left (mentor_name) {name}"
    ids = f'label_replace({expression}, "mentor_name", "$1", "mentor_id", "(.*)")'
    return f"{joined} or on (org, mentor_id) {ids}"


def parts(measure: Windowed, window: str = WINDOW, *, at: str = "") -> str:
    """Return what a whole is made of, all chosen orgs together, one series for each part."""
    label = measure.labels[-1]
    return f"sum by ({label}) ({one(over(measure, window), 'org', label, at=at)})"


def largest(number: int, drawn: Callable[[str], str], *on: str) -> str:
    """Return what is `drawn` over time of the `number` largest at the end of the time range.

    `drawn` takes a modifier of time, `on` are the labels of what it returns.
    """
    return f"{drawn('')} and on ({', '.join(on)}) topk({number}, {drawn(AT_END)})"


def share(measure: Windowed, part: str, weight: Windowed, window: str) -> str:
    """Return the mean share of one part of a whole, orgs weighted by `weight`."""
    where = f'{ORG}, {measure.labels[-1]}="{part}"'
    return _mean(one(over(measure, window), "org", where=where), per_org(over(weight, window)))


def counted(metric: Metric, *by: str, where: str = TARGET, window: str = "$__rate_interval") -> str:
    """Return the rate of a counter by `by`; instances add up, jobs of one instance do not."""
    keep = ", ".join(dict.fromkeys(("instance", *metric.labels)))
    rate = f"max by ({keep}) (rate({metric.name}{{{where}}}[{window}]))"
    return f"sum by ({', '.join(by)}) ({rate})"


def per_hour(rate: str) -> str:
    """Return a rate in events an hour."""
    return f"{rate} * {HOUR}"


def quantile(q: float, metric: Metric, *by: str, where: str = TARGET) -> str:
    """Return a quantile of a histogram by `by`."""
    keep = ", ".join(dict.fromkeys(("instance", "le", *metric.labels)))
    rate = f"max by ({keep}) (rate({metric.name}_bucket{{{where}}}[$__rate_interval]))"
    return f"histogram_quantile({q}, sum by ({', '.join(('le', *by))}) ({rate}))"


def failing(*, where: str = ORG) -> str:
    """Return 1 for each collector of each org whose last attempt failed, else 0."""
    success, attempt = (
        one(metric, "org", "collector", where=where)
        for metric in (catalog.COLLECTOR_SUCCESS, catalog.COLLECTOR_LAST_ATTEMPT)
    )
    return f"(1 - {success}) * ({attempt} > bool 0)"


def age(*by: str, where: str = ORG) -> str:
    """Return the seconds since the least recent success by `by`, of collectors with a success."""
    newest = one(catalog.COLLECTOR_LAST_SUCCESS, "org", "collector", where=where)
    return f"time() - min by ({', '.join(by)}) ({newest} > 0)"


def or_zero(expression: str) -> str:
    """Return `expression`, 0 where it is empty."""
    return f"{expression} or vector(0)"


def in_steps(expression: str) -> str:
    """Return `expression` for a chart: at each step, what holds at the end of the step.

    Grafana's last step begins before now, so a new exporter would not be seen until the next one.
    """

    def ahead(found: re.Match[str]) -> str:
        name, where, span, offset, at = (part or "" for part in found.groups())
        if offset:
            return found[0]
        if span:
            return f"{name}{{{where}}}{span} offset -$__interval{at}"
        ahead = f"last_over_time({name}{{{where}}}[$__interval] offset -$__interval{at})"
        # Just after a step began, its first sample may be still to come.
        return f"({ahead} or {found[0]})" if at else ahead

    return _SELECTOR.sub(ahead, expression)


def before(expression: str) -> str:
    """Return `expression` for a chart as it was before each step, for gaps up to a day."""
    return _SELECTOR.sub(lambda found: f"last_over_time({found[1]}{{{found[2]}}}[1d])", expression)


def beginning(expression: str) -> str:
    """Return `expression` at the step in which it begins to hold: a mark, and not a region."""
    return f"({in_steps(expression)}) unless ({before(expression)})"
