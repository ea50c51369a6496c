"""Unit tests of the alerts on the exporter itself: what each must tell, and what it must bear."""

from collections.abc import Iterator

from deploy.prometheus.cases import (
    COLLECTORS,
    INSTANCE,
    OTHER_INSTANCE,
    Case,
    Series,
    metric,
    over,
    steady,
    told,
    world,
)

_HOURS = 6.0
_OTHER = {"job": "iblai", "instance": "b:10880"}
_THIS = {"job": "iblai", "instance": "a:10880"}


def of_the_exporter() -> Iterator[Case]:
    """Yield exporters that are down, that cannot load their configuration, or that are late."""
    gone = world(1)
    none = told("IblaiExporterDown", "critical")
    yield Case("nothing is scraped any more", gone, {1: (), 2: (none,)})
    yield Case("nothing was ever scraped", {}, {1: (none,)})
    pair = world(_HOURS) | world(_HOURS, instance=OTHER_INSTANCE)
    down = world(1, instance=OTHER_INSTANCE) | {f"up{{{OTHER_INSTANCE}}}": over((1, 1), (0, 5))}
    instance = told("IblaiExporterInstanceDown", "warning", **_OTHER)
    yield Case("one of a pair does not answer", pair | down, {1: (), 2: (instance,)})
    brief = {f"up{{{INSTANCE}}}": over((1, 1), (0, 1 / 6), (1, 5))}
    yield Case("one scrape failed", world(_HOURS) | brief, dict.fromkeys((1, 1.2, 1.4, 2), ()))
    removed = world(1, instance=OTHER_INSTANCE)
    yield Case("an instance was taken away", pair | removed, {2: (), 5: ()})
    never = {f"up{{{OTHER_INSTANCE}}}": steady(0, hours=_HOURS)}
    yield Case("an instance never answered", world(_HOURS) | never, {2: (instance,)})
    stranger = {'up{job="node",instance="c:9100"}': steady(0, hours=_HOURS)}
    yield Case("something else does not answer", world(_HOURS) | stranger, {2: ()})
    reload = f"iblai_exporter_config_last_reload_successful{{{INSTANCE}}}"
    yield Case(
        "a configuration that cannot be loaded, until it is mended",
        world(_HOURS) | {reload: over((1, 1), (0, 1), (1, 4))},
        {1: (), 1.5: (told("IblaiReloadFailed", "warning", **_THIS),), 3: ()},
    )
    missed = f"iblai_exporter_scheduler_missed_runs_total{{{INSTANCE}}}"
    behind = told("IblaiSchedulerBehind", "warning", **_THIS)
    for name, each, firing in (
        ("twelve visits an hour missed of eleven collectors", 2, (behind,)),
        ("three visits an hour missed", 0.5, ()),
    ):
        yield Case(name, world(_HOURS) | {missed: f"0+{each}x36"}, {5: firing})


def of_orgs() -> Iterator[Case]:
    """Yield orgs of which nothing, little or too much can be read."""
    up = metric("up")
    failing = told("IblaiOrgFailing", "warning", org="acme")
    rejected = told("IblaiKeyRejected", "critical", org="acme")
    down = {up: over((1, 1), (0, 5))}
    pair = world(_HOURS) | world(_HOURS, instance=OTHER_INSTANCE)
    yield Case("every collector fails", world(_HOURS) | down, {1.3: (), 2: (failing,)})
    yield Case(
        "every collector fails for a while",
        world(_HOURS) | {up: over((1, 1), (0, 1 / 3), (1, 4 + 2 / 3))},
        dict.fromkeys((1, 1.5, 2), ()),
    )
    yield Case("every collector of one of a pair fails", pair | down, {3: ()})
    yield Case(
        "a key that was good is rejected, and asked about only rarely",
        world(_HOURS) | down | _requests({"200": "0+5x6 30+0x29", "401": "_x6 5+0x29"}),
        {1: (), 1.3: (), 2: (failing, rejected)},
    )
    yield Case(
        "a key that never was good",
        world(_HOURS)
        | {up: steady(0, hours=_HOURS)}
        | _requests({"200": "0+0x36", "403": "5+0x36"}),
        {1: (failing, rejected)},
    )
    yield Case(
        "an API that fails long after a key was rejected",
        world(_HOURS) | down | _requests({"401": "5+0x36", "500": "0+5x36"}),
        {3: (failing,)},
    )
    yield Case(
        "one endpoint refused, the others well",
        world(_HOURS) | _requests({"200": "0+5x36", "403": "0+1x36"}),
        {3: ()},
    )
    yield from _of_age()
    yield from _of_limits()


def _of_age() -> Iterator[Case]:
    success = metric("collector_success", collector="chat_today")
    last = metric("collector_last_success_timestamp_seconds", collector="chat_today")
    stale = told("IblaiDataStale", "warning", org="acme", collector="chat_today")
    yield Case(
        "figures of today that are not read any more",
        world(_HOURS) | {success: over((1, 1), (0, 5)), last: "0+600x6 3600+0x29"},
        {1.4: (), 2: (stale,)},
    )
    yield Case(
        "a collector that never succeeds",
        world(_HOURS) | {success: steady(0, hours=_HOURS), last: steady(0, hours=_HOURS)},
        {1: (), 2: (), 3: (stale,)},
    )
    new = {
        series: f"_x18 {values}"
        for series, values in world(3, org="new").items()
        if "new" in series
    }
    for name in COLLECTORS:
        of = metric("collector_last_success_timestamp_seconds", org="new", collector=name)
        new[of] = "_x18 0+0x6 14400+600x11"
    yield Case("an org that was added just now", world(_HOURS) | new, {3.5: (), 4.5: (), 5.5: ()})


def _of_limits() -> Iterator[Case]:
    limited = metric("api_rate_limited_total", endpoint="videos")
    asked = _requests({"200": "0+10x36"})
    slow = told("IblaiRateLimited", "warning", org="acme")
    yield Case(
        "a third of the requests held back",
        world(_HOURS) | asked | {limited: "0+3x36"},
        {5: (slow,)},
    )
    yield Case(
        "a tenth of the requests held back", world(_HOURS) | asked | {limited: "0+1x36"}, {5: ()}
    )
    for reason, firing in (
        ("series_limit", (told("IblaiSeriesDropped", "warning", org="acme"),)),
        ("min_group_size", ()),
    ):
        dropped = metric("exporter_series_dropped_total", reason=reason)
        yield Case(
            f"series left out for {reason}", world(_HOURS) | {dropped: "0+0x6 5+1x29"}, {5: firing}
        )
    errors = {"endpoint": "videos", "reason": "row"}
    flawed = metric("exporter_payload_errors_total", **errors)
    info = told("IblaiPayloadErrors", "info", org="acme", **errors)
    yield Case("rows that cannot be read", world(_HOURS) | {flawed: "0+1x36"}, {2: (), 5: (info,)})
    yield Case(
        "one row that could not be read",
        world(_HOURS) | {flawed: "0+0x6 1+0x29"},
        dict.fromkeys((2, 4, 5), ()),
    )


def of_shards() -> Iterator[Case]:
    """Yield shards that are missing, that overlap, and that are as they should be."""
    two = _shard(0, of=2) | _shard(1, of=2, instance=OTHER_INSTANCE, org="globex")
    yield Case("two shards, each with its org", two, {5: ()})
    spare = _shard(0, of=2, instance='job="iblai",instance="c:10880"')
    yield Case("two shards, one of them twice", two | spare, {5: ()})
    missing = told("IblaiShardMissing", "critical")
    unserved = told("IblaiOrgUnserved", "warning", org="globex")
    gone = _shard(1, of=2, instance=OTHER_INSTANCE, org="globex", hours=1)
    yield Case("one of two shards is gone", two | gone, {1: (), 2: (missing, unserved)})
    overlap = two | _shard(1, of=2, instance=OTHER_INSTANCE, org="acme")
    twice = told("IblaiOrgServedTwice", "warning", org="acme")
    yield Case("an org that two shards watch", overlap, {5: (twice,)})
    left = world(_HOURS) | world(1, org="globex") | world(_HOURS)
    yield Case("an org taken out where nothing is sharded", left, {2: (), 5: ()})


def _requests(codes: dict[str, str]) -> Series:
    return {
        metric("api_requests_total", endpoint="videos", code=code): values
        for code, values in codes.items()
    }


def _shard(
    ordinal: int,
    *,
    of: int,
    instance: str = INSTANCE,
    org: str = "acme",
    hours: float = _HOURS,
) -> Series:
    return world(hours, org=org, instance=instance) | {
        f"iblai_exporter_shard{{{instance}}}": steady(ordinal, hours=hours),
        f"iblai_exporter_shards{{{instance}}}": steady(of, hours=hours),
    }
