"""Unit tests of the alerts on the exporter itself: when each fires, and what it tolerates."""

from collections.abc import Iterator

from deploy.prometheus.cases import (
    COLLECTORS,
    INSTANCE,
    OTHER_INSTANCE,
    PER_HOUR,
    Case,
    Series,
    exporter,
    fires,
    metric,
    over,
    steady,
)
from exporter import catalog

_HOURS = 6.0
_DAY = 24.0
_ACME = {"org": "acme"}
_THIS = {"instance": "a:10880"}
_OTHER = {"instance": "b:10880"}


def of_the_exporter() -> Iterator[Case]:
    """Yield exporters that are down, stopped or overloaded, or that cannot load or save."""
    gone = exporter(1)
    none = fires("IblaiExporterDown", "critical", job="")
    yield Case("nothing is scraped any more", gone, {1: (), 2: (none,)})
    yield Case("nothing was ever scraped", {}, {1: (none,)})
    pair = exporter(_HOURS) | exporter(_HOURS, instance=OTHER_INSTANCE)
    down = exporter(1, instance=OTHER_INSTANCE) | {f"up{{{OTHER_INSTANCE}}}": over((1, 1), (0, 5))}
    instance = fires("IblaiExporterInstanceDown", "warning", **_OTHER)
    yield Case("one of a pair does not answer", pair | down, {1: (), 2: (instance,)})
    brief = {f"up{{{INSTANCE}}}": over((1, 1), (0, 1 / 6), (1, 5))}
    yield Case("one scrape failed", exporter(_HOURS) | brief, dict.fromkeys((1, 1.2, 1.4, 2), ()))
    removed = exporter(1, instance=OTHER_INSTANCE)
    yield Case("an instance was removed", pair | removed, {2: (), 5: ()})
    never = {f"up{{{OTHER_INSTANCE}}}": steady(0, hours=_HOURS)}
    yield Case("an instance never answered", exporter(_HOURS) | never, {2: (instance,)})
    stranger = {'up{job="node",instance="c:9100"}': steady(0, hours=_HOURS)}
    yield Case("something else does not answer", exporter(_HOURS) | stranger, {2: ()})
    yield from _of_loading()
    yield from _of_polling()
    yield from _of_state()


def _of_loading() -> Iterator[Case]:
    failed = fires("IblaiReloadFailed", "warning", **_THIS)
    for gauge in (catalog.RELOAD_SUCCESSFUL, catalog.WEB_RELOAD_SUCCESSFUL):
        reload = f"{gauge.name}{{{INSTANCE}}}"
        yield Case(
            f"{gauge.name} is 0 until the file is corrected",
            exporter(_HOURS) | {reload: over((1, 1), (0, 1), (1, 4))},
            {1: (), 1.5: (failed,), 3: ()},
        )


def _of_polling() -> Iterator[Case]:
    stretch = f"{catalog.SCHEDULE_STRETCH.name}{{{INSTANCE}}}"
    stretched = fires("IblaiScheduleStretched", "warning", **_THIS)
    for name, samples, firing in (
        ("one and a half times the demand", steady(1.5, hours=_HOURS), (stretched,)),
        ("a little too much demand", steady(1.1, hours=_HOURS), ()),
        ("too much demand after a start", over((3, 0.5), (1, _HOURS - 0.5)), ()),
    ):
        yield Case(name, exporter(_HOURS) | {stretch: samples}, {0.9: (), 5: firing})
    stopped = exporter(_HOURS) | {
        metric(catalog.COLLECTOR_LAST_ATTEMPT.name, collector=name): steady(600, hours=_HOURS)
        for name in COLLECTORS
    }
    alert = fires("IblaiPollingStopped", "critical", **_THIS)
    yield Case("an exporter that answers and does not poll", stopped, {1: (), 2: (alert,)})
    one = metric(catalog.COLLECTOR_LAST_ATTEMPT.name, collector="course_videos")
    yield Case(
        "a collector that runs rarely", exporter(_HOURS) | {one: steady(60, hours=_HOURS)}, {5: ()}
    )


def _of_state() -> Iterator[Case]:
    errors = f'{catalog.STATE_ERRORS.name}{{reason="corrupt",{INSTANCE}}}'
    alert = fires("IblaiStateErrors", "warning", reason="corrupt", **_THIS)
    yield Case(
        "a state file that could not be read at the start",
        exporter(_HOURS) | {errors: steady(1, hours=_HOURS)},
        {0.5: (alert,), 2: ()},
    )
    yield Case(
        "a state file that cannot be written",
        exporter(_HOURS) | {errors: "0+0x11 1+1x23"},
        {1.5: (), 3: (alert,)},
    )
    yield Case(
        "a state file without problems",
        exporter(_HOURS) | {errors: steady(0, hours=_HOURS)},
        {0.5: (), 3: ()},
    )


def of_orgs() -> Iterator[Case]:
    """Yield orgs whose collectors all fail, and limits that are reached."""
    up = metric(catalog.UP.name)
    failing = fires("IblaiOrgDown", "warning", **_ACME)
    rejected = fires("IblaiKeyRejected", "critical", **_ACME)
    down = {up: over((1, 1), (0, 5))}
    pair = exporter(_HOURS) | exporter(_HOURS, instance=OTHER_INSTANCE)
    yield Case("every collector fails", exporter(_HOURS) | down, {1.3: (), 2: (failing,)})
    yield Case(
        "every collector fails for a while",
        exporter(_HOURS) | {up: over((1, 1), (0, 1 / 3), (1, 4 + 2 / 3))},
        dict.fromkeys((1, 1.5, 2), ()),
    )
    yield Case("every collector of one of a pair fails", pair | down, {3: ()})
    yield Case(
        "a key that was accepted is rejected, and tried only rarely",
        exporter(_HOURS) | down | _requests({"200": "0+5x6 30+0x29", "401": "0+0x6 5+0x29"}),
        {1: (), 1.3: (), 2: (failing, rejected)},
    )
    yield Case(
        "a key that was never accepted",
        exporter(_HOURS)
        | {up: steady(0, hours=_HOURS)}
        | _requests({"200": "0+0x36", "403": "5+5x36"}),
        {1: (failing, rejected)},
    )
    yield Case(
        "an API that fails after a key was rejected",
        exporter(_HOURS) | down | _requests({"401": "0+5x2 10+0x33", "500": "0+5x36"}),
        {3: (failing,)},
    )
    yield Case(
        "one endpoint rejects the key",
        exporter(_HOURS) | _requests({"200": "0+5x36", "403": "0+1x36"}),
        {3: ()},
    )
    yield from _of_limits()


def of_collectors() -> Iterator[Case]:
    """Yield collectors that fail, in part or as a whole, and values that are out of date."""
    success = metric(catalog.COLLECTOR_SUCCESS.name, collector="chat")
    failing = fires("IblaiCollectorFailing", "warning", collector="chat", **_ACME)
    yield Case(
        "a collector that fails",
        exporter(_HOURS) | {success: over((1, 1), (0, 5))},
        {2.5: (), 3.5: (failing,)},
    )
    yield Case(
        "a collector that fails for an hour",
        exporter(_HOURS) | {success: over((1, 1), (0, 1), (1, 4))},
        {2: (), 3.5: ()},
    )
    never = {
        success: steady(0, hours=_HOURS),
        metric(catalog.COLLECTOR_LAST_ATTEMPT.name, collector="chat"): steady(0, hours=_HOURS),
    }
    yield Case("a collector that was not run yet", exporter(_HOURS) | never, {5: ()})
    down = {metric(catalog.UP.name): steady(0, hours=_HOURS)}
    yield Case(
        "a collector that fails like all others",
        exporter(_HOURS) | down | {success: steady(0, hours=_HOURS)},
        {5: (fires("IblaiOrgDown", "warning", **_ACME),)},
    )
    items = metric(catalog.COLLECTOR_ITEMS_FAILED.name, collector="course_enrollments")
    some = fires("IblaiItemsFailing", "info", collector="course_enrollments", **_ACME)
    yield Case(
        "two courses that fail",
        exporter(_DAY) | {items: over((0, 1), (2, _DAY - 1))},
        {6.5: (), 7.5: (some,)},
    )
    yield Case(
        "two courses that fail once",
        exporter(_DAY) | {items: over((0, 1), (2, 2), (0, _DAY - 3))},
        {7.5: ()},
    )
    yield from _of_age()


def _of_age() -> Iterator[Case]:
    hours = 2 * _DAY
    end = metric(catalog.WINDOW_END.name, collector="chat")
    stale = fires("IblaiDataStale", "warning", collector="chat", **_ACME)
    yield Case(
        "yesterday's values arrive half an hour after midnight",
        exporter(hours) | {end: over((0, 24.5), (86400, hours - 24.5))},
        {24.2: (), 33: (), 47: ()},
    )
    yield Case(
        "yesterday's values do not arrive",
        exporter(hours) | {end: steady(0, hours=hours)},
        {31.5: (), 33: (stale,)},
    )
    last = metric(catalog.COLLECTOR_LAST_SUCCESS.name, collector="chat")
    yield Case(
        "a collector that has not succeeded for a day",
        exporter(hours) | {last: f"0+600x6 {steady(3600, hours=hours - 7 / PER_HOUR)}"},
        {26.5: (), 28: (stale,)},
    )
    never = {last: steady(0, hours=hours)}
    yield Case("a collector that never succeeded is not stale", exporter(hours) | never, {40: ()})


def _of_limits() -> Iterator[Case]:
    limited = metric(catalog.API_RATE_LIMITED.name)
    requests = _requests({"200": "0+10x36"})
    slow = fires("IblaiRateLimited", "warning", **_ACME)
    for name, each, firing in (
        ("a third of the requests rate limited", 3, (slow,)),
        ("a tenth of the requests rate limited", 1, ()),
    ):
        yield Case(name, exporter(_HOURS) | requests | {limited: f"0+{each}x36"}, {5: firing})
    over_limit = fires("IblaiSeriesDropped", "warning", reason="series_limit", **_ACME)
    for reason, alerts in (("series_limit", (over_limit,)), ("min_group_size", ())):
        dropped = metric(catalog.SERIES_DROPPED.name, reason=reason)
        yield Case(
            f"series not served because of {reason}",
            exporter(_HOURS) | {dropped: over((0, 1), (5, 5))},
            {1: (), 5: alerts},
        )
    errors = metric(catalog.PAYLOAD_ERRORS.name, reason="row")
    info = fires("IblaiPayloadErrors", "info", reason="row", **_ACME)
    yield Case(
        "rows that cannot be read", exporter(_HOURS) | {errors: "0+1x36"}, {2: (), 5: (info,)}
    )
    yield Case(
        "one row that could not be read",
        exporter(_HOURS) | {errors: "0+0x6 1+0x29"},
        dict.fromkeys((2, 4, 5), ()),
    )


def of_shards() -> Iterator[Case]:
    """Yield shards that are missing, that overlap, and that are as they should be."""
    two = _shard(0, of=2) | _shard(1, of=2, instance=OTHER_INSTANCE, org="globex")
    yield Case("two shards, each with its org", two, {5: ()})
    spare = _shard(0, of=2, instance='job="iblai",instance="c:10880"')
    yield Case("two shards, one of them twice", two | spare, {5: ()})
    missing = fires("IblaiShardMissing", "critical")
    unserved = fires("IblaiOrgUnserved", "warning", org="globex")
    gone = _shard(1, of=2, instance=OTHER_INSTANCE, org="globex", hours=1)
    yield Case("one of two shards is gone", two | gone, {1: (), 2: (missing, unserved)})
    overlap = two | _shard(1, of=2, instance=OTHER_INSTANCE, org="acme")
    twice = fires("IblaiOrgServedTwice", "warning", **_ACME)
    yield Case("an org that two shards serve", overlap, {5: (twice,)})
    left = exporter(_HOURS) | exporter(1, org="globex") | exporter(_HOURS)
    yield Case("an org that was removed, without shards", left, {2: (), 5: ()})
    at = 'job="other",instance="d:10880"'
    other = _shard(0, of=1, instance=at)
    yield Case("another job with one shard", two | other, {5: ()})


def _requests(codes: dict[str, str]) -> Series:
    return {
        metric(catalog.API_REQUESTS.name, code=code): samples for code, samples in codes.items()
    }


def _shard(
    ordinal: int,
    *,
    of: int,
    instance: str = INSTANCE,
    org: str = "acme",
    hours: float = _HOURS,
) -> Series:
    return exporter(hours, org=org, instance=instance) | {
        f"{catalog.SHARD.name}{{{instance}}}": steady(ordinal, hours=hours),
        f"{catalog.SHARDS.name}{{{instance}}}": steady(of, hours=hours),
    }
