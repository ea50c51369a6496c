"""Unit tests of the alerts on engagement."""

from collections.abc import Iterator, Mapping

from deploy.prometheus.cases import (
    GAP,
    INSTANCE,
    OTHER_INSTANCE,
    SCRAPE,
    Case,
    Series,
    exporter,
    fires,
    metric,
    over,
    steady,
    values,
)
from deploy.prometheus.engagement import MEASURES
from exporter import catalog
from exporter.catalog import Windowed

_HOURS = 12.0
_USERS = catalog.ACTIVE_USERS
_DAY: Mapping[str, str | float] = {"1d_expected": 100, "1d_expected_low": 62}
_WEEK: Mapping[str, str | float] = {"7d_expected": 600, "7d_expected_low": 372}


def of_drops() -> Iterator[Case]:
    """Yield each measure in each window below, at and above its expected range."""
    for measure in MEASURES:
        for window in measure.expected:
            yield _of_measure(measure, window)
    orgs: Mapping[str, Mapping[str, str | float]] = {
        "a day without a bound": {"1d": 12, "1d_expected": 100},
        "a small org": {"1d": 1, "1d_expected": 4},
        "a short history": {"1d": 3},
        "a value that is not known": {"1d_expected": 100, "1d_expected_low": 62},
        "more than ever": {"1d": 900, **_DAY},
    }
    series: Series = {}
    for org, of in orgs.items():
        series |= exporter(_HOURS, org=org) | values(_USERS, _HOURS, of=of, org=org)
    yield Case("orgs without a bound, or without a value", series, {4: (), 11.5: ()})
    quiet: Mapping[str, str | float] = {
        "1d": 12,
        "1d_expected": 100,
        "1d_expected_low": over((GAP, 6), (62, 6)),
    }
    yield Case(
        "a quiet day, and then a drop",
        exporter(_HOURS) | values(_USERS, _HOURS, of=quiet),
        {5.5: (), 8.5: (), 9.5: (_drop(_USERS),)},
    )
    brief = {"1d": over((97, 2), (12, 2), (97, 8)), **_DAY}
    yield Case(
        "a value that is low until the platform has counted the day",
        exporter(_HOURS) | values(_USERS, _HOURS, of=brief),
        dict.fromkeys((3.5, 4.5, 11.5), ()),
    )
    yield Case(
        "unenrollments and costs that fall",
        exporter(_HOURS)
        | values(catalog.UNENROLLMENTS, _HOURS, of={"1d": 1, **_DAY})
        | values(catalog.COST, _HOURS, of={"1d": 1, **_DAY}),
        {11.5: ()},
    )


def _of_measure(measure: Windowed, window: str) -> Case:
    """Return a case with a normal org, one at the bound, and two below it."""
    orgs = {"steady": 97.0, "at the bound": 62.0, "below": 61.0, "far below": 0.5}
    series: Series = {}
    for org, value in orgs.items():
        of = {window: value, f"{window}_expected": 100, f"{window}_expected_low": 62}
        series |= exporter(_HOURS, org=org) | values(measure, _HOURS, of=of, org=org)
    firing = [_drop(measure, window, org=org) for org in ("below", "far below")]
    return Case(f"{measure.name} of {window}", series, {2.5: (), 3.5: firing})


def of_silence() -> Iterator[Case]:
    """Yield values of 0 that are implausible, and those that are not."""
    for measure in MEASURES:
        of = {"1d": 0, **_DAY}
        yield Case(
            f"{measure.name} of yesterday is 0",
            exporter(_HOURS) | values(measure, _HOURS, of=of),
            {2.5: (), 3.5: (_silent(measure),)},
        )
    yield Case(
        "0 without a pattern, where it is implausible",
        exporter(_HOURS) | values(_USERS, _HOURS, of={"1d": 0, "1d_expected_low": 1}),
        {3.5: (_silent(_USERS),)},
    )
    yield Case(
        "0 on a weekend, or of a small org",
        exporter(_HOURS) | values(_USERS, _HOURS, of={"1d": 0, "1d_expected": 1}),
        {3.5: (), 11.5: ()},
    )
    week = {"7d": 100, **_WEEK}
    yield Case(
        "silence stands for the drop of the week",
        exporter(_HOURS) | values(_USERS, _HOURS, of={"1d": 0, **_DAY, **week}),
        {3.5: (_silent(_USERS),), 11.5: (_silent(_USERS),)},
    )
    yield Case(
        "a weekend with 0 does not hide the drop of the week",
        exporter(_HOURS) | values(_USERS, _HOURS, of={"1d": 0, **week}),
        {3.5: (_drop(_USERS, "7d"),)},
    )
    yield Case(
        "silence of one measure does not hide the drop of another",
        exporter(_HOURS)
        | values(_USERS, _HOURS, of={"1d": 0, **_DAY})
        | values(catalog.ENROLLMENTS, _HOURS, of={"1d": 20, **_DAY}),
        {3.5: (_silent(_USERS), _drop(catalog.ENROLLMENTS))},
    )


def of_gaps() -> Iterator[Case]:
    """Yield missed scrapes, restarts, stale exporters and pairs of exporters."""
    users = metric(_USERS.at("1d").name)
    below = exporter(_HOURS) | values(_USERS, _HOURS, of={"1d": 43, **_DAY})
    well = exporter(_HOURS) | values(_USERS, _HOURS, of={"1d": 97, **_DAY})
    holes = over((43, 1), (GAP, SCRAPE), (43, 1), (GAP, SCRAPE), (43, _HOURS - 2 - 2 * SCRAPE))
    yield Case("a scrape missed now and then", below | {users: holes}, {2.5: (), 3.5: _FIRING})
    restart = {
        name: samples
        if name.startswith(("up", "iblai_collector"))
        else f"{samples.split('+')[0]}+0x5 _ {samples.split('+')[0]}+0x{round(_HOURS / SCRAPE) - 8}"
        for name, samples in below.items()
    }
    yield Case("a restart while a drop is pending", restart, {2.5: (), 3.5: _FIRING})
    gone = values(_USERS, 2, of={"1d": 43, **_DAY})
    yield Case("an exporter that stops serving while a drop is pending", below | gone, {3.5: ()})
    stale = {users: f"{steady(43, hours=2)} stale"}
    yield Case("a value that is withdrawn while a drop is pending", below | stale, {3.5: ()})
    yield Case(
        "no values for four hours, and all is well",
        well | {users: over((97, 4), (GAP, 4), (97, 4))},
        dict.fromkeys((3.5, 6, 8.5, 11.5), ()),
    )
    pair = below | exporter(_HOURS, instance=OTHER_INSTANCE)
    both = values(_USERS, _HOURS, of={"1d": 43, **_DAY}, instance=OTHER_INSTANCE)
    yield Case("a pair of exporters raises one alert", pair | both, {3.5: _FIRING})
    behind = {"1d": over((97, 2), (43, 10)), **_DAY}
    yield Case(
        "a pair of exporters raises an alert once both have the new day",
        pair | values(_USERS, _HOURS, of=behind, instance=OTHER_INSTANCE),
        {3.5: (), 5.5: _FIRING},
    )
    young = {"1d": 43, "1d_expected": 90, "1d_expected_low": 40}
    yield Case(
        "a pair of exporters of which one has a shorter history and a lower bound",
        pair | values(_USERS, _HOURS, of=young, instance=OTHER_INSTANCE),
        {3.5: (), 11.5: ()},
    )
    one = {"1d": 43}
    yield Case(
        "a pair of exporters of which one restarted without its history",
        pair | values(_USERS, _HOURS, of=one, instance=OTHER_INSTANCE),
        {3.5: _FIRING},
    )
    others = exporter(_HOURS, org="globex") | values(
        _USERS, _HOURS, of={"1d": 97, **_DAY}, org="globex"
    )
    yield Case("one org of two", below | others, {3.5: _FIRING})


def of_labels() -> Iterator[Case]:
    """Yield labels that operators and service discovery add."""
    series: Series = {}
    for region, value in (("eu", 43), ("us", 97)):
        where = {"region": region, "instance": INSTANCE}
        series |= exporter(_HOURS, **where)
        series |= values(_USERS, _HOURS, of={"1d": value, **_DAY}, **where)
    yield Case(
        "the same org in two regions, distinguished by a label of the configuration",
        series,
        {3.5: (_drop(_USERS, region="eu"),)},
    )
    series = {}
    for cluster, value in (("test", 0), ("live", 97)):
        at = f'cluster="{cluster}",{INSTANCE}'
        series |= exporter(_HOURS, instance=at)
        series |= values(_USERS, _HOURS, of={"1d": value, **_DAY}, instance=at)
    yield Case("the same org in two clusters", series, {3.5: (_silent(_USERS, cluster="test"),)})
    series = {}
    for pod in ("iblai-0", "iblai-1"):
        at = f'job="iblai",namespace="monitoring",pod="{pod}",instance="{pod}:10880"'
        series |= exporter(_HOURS, instance=at)
        series |= values(_USERS, _HOURS, of={"1d": 43, **_DAY}, instance=at)
    yield Case(
        "a pair of pods raises one alert",
        series,
        {3.5: (_drop(_USERS, namespace="monitoring"),)},
    )


def of_keeping() -> Iterator[Case]:
    """Yield what only a Prometheus that knows `keep_firing_for` tolerates."""
    hours = 16.0
    users = metric(_USERS.at("1d").name)
    below = exporter(hours) | values(_USERS, hours, of={"1d": 43, **_DAY})
    yield Case(
        "no values for four hours, in a drop that was reported",
        below | {users: over((43, 5), (GAP, 4), (43, 7))},
        dict.fromkeys((4.5, 8.5, 12.5, 15.5), _FIRING),
    )
    yield Case(
        "a drop resolves six hours after it ended",
        below | {users: over((43, 5), (97, 11))},
        {10.5: _FIRING, 11.5: ()},
    )


def _drop(measure: Windowed, window: str = "1d", *, org: str = "acme", **labels: str) -> str:
    return fires(
        "IblaiEngagementDrop",
        "warning",
        org=org,
        figure=measure.name,
        window=window,
        **labels,
    )


def _silent(measure: Windowed, **labels: str) -> str:
    return fires("IblaiEngagementSilent", "critical", org="acme", figure=measure.name, **labels)


_FIRING = (_drop(_USERS),)
