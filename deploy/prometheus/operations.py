"""Alerts on the exporter itself, and on what keeps it from collecting data."""

from collections.abc import Iterator

from deploy.prometheus.rules import (
    DAY,
    HOUR,
    MINUTE,
    REPLICA,
    SEEN,
    Alert,
    Dashboard,
    Group,
    Severity,
    duration,
    last,
)
from exporter import catalog

LATE = 8 * HOUR
"""How long after midnight yesterday's values may arrive."""

OLD = 26 * HOUR
"""Age of a collector's last success that no interval explains: all run at least once a day."""

STOPPED = HOUR
"""Age of an exporter's last attempt, for any org, that no interval explains."""

STRETCHED = 1.2
"""Factor by which intervals may be stretched."""

RATE_LIMITED = 0.2
"""Share of the requests in which the API may ask to slow down."""

REJECTED_WITHIN = "7h"
"""A rejected key is tried again within 6 hours."""

_UP = catalog.UP.name
_SUCCESS = catalog.COLLECTOR_SUCCESS.name
_LAST_SUCCESS = catalog.COLLECTOR_LAST_SUCCESS.name
_LAST_ATTEMPT = catalog.COLLECTOR_LAST_ATTEMPT.name
_REQUESTS = catalog.API_REQUESTS.name
_BUILD_INFO = catalog.BUILD_INFO.name
_STATE_ERRORS = catalog.STATE_ERRORS.name
_SHARD, _SHARDS = catalog.SHARD.name, catalog.SHARDS.name
_DOWN = f"{last(_UP)} == 0"
_SAME_ORG = "on (org, job)"


def groups() -> tuple[Group, ...]:
    """Return the alerts on the exporter, on its orgs and on its shards."""
    return (
        Group("iblai-exporter", tuple(_exporter())),
        Group("iblai-orgs", (*_orgs(), *_collectors(), *_limits())),
        Group("iblai-shards", tuple(_shards())),
    )


def _exporter() -> Iterator[Alert]:
    yield Alert(
        name="IblaiExporterDown",
        severity=Severity.CRITICAL,
        when="no exporter was scraped for 15 minutes",
        expr=f"absent(last_over_time({_BUILD_INFO}[10m]))",
        summary="No iblai-exporter is being scraped.",
        description=(
            "Prometheus has scraped no iblai-exporter for 15 minutes. No value is current, and no "
            "alert on engagement can fire."
        ),
        dashboard=Dashboard.HEALTH,
        wait=5 * MINUTE,
    )
    yield Alert(
        name="IblaiExporterInstanceDown",
        severity=Severity.WARNING,
        when="an instance that was scraped within the last day does not answer",
        expr=(
            f"(up == 0 and on (job, instance) last_over_time({_BUILD_INFO}[1d]))\n"
            "or\n"
            'up{job=~"iblai.*"} == 0'
        ),
        summary="An instance of iblai-exporter does not answer.",
        description=(
            "{{ $labels.instance }} (job {{ $labels.job }}) has not answered a scrape for "
            "10 minutes."
        ),
        dashboard=Dashboard.HEALTH_OF_INSTANCE,
        wait=10 * MINUTE,
    )
    yield Alert(
        name="IblaiPollingStopped",
        severity=Severity.CRITICAL,
        when=f"an instance has sent no request for any org for {duration(STOPPED)}",
        expr=(
            f"time() - max by (job, instance) (last_over_time({_LAST_ATTEMPT}[{SEEN}])) > {STOPPED}"
        ),
        summary="An instance of iblai-exporter does not poll.",
        description=(
            "{{ $labels.instance }} (job {{ $labels.job }}) answers scrapes, but has not polled "
            "any org for {{ humanizeDuration $value }}."
        ),
        dashboard=Dashboard.HEALTH_OF_INSTANCE,
        wait=15 * MINUTE,
    )
    reloads = (catalog.RELOAD_SUCCESSFUL.name, catalog.WEB_RELOAD_SUCCESSFUL.name)
    yield Alert(
        name="IblaiReloadFailed",
        severity=Severity.WARNING,
        when="the last attempt to load the configuration, or the web configuration, failed",
        expr="\nor\n".join(f"last_over_time({metric}[{SEEN}]) == 0" for metric in reloads),
        summary="The configuration of iblai-exporter could not be loaded.",
        description=(
            "{{ $labels.instance }} (job {{ $labels.job }}) could not load its configuration. The "
            "previous one stays in use."
        ),
        dashboard=Dashboard.HEALTH_OF_INSTANCE,
        wait=5 * MINUTE,
    )
    yield Alert(
        name="IblaiScheduleStretched",
        severity=Severity.WARNING,
        when=f"polling intervals are stretched by a factor of more than {STRETCHED}",
        expr=f"last_over_time({catalog.SCHEDULE_STRETCH.name}[{SEEN}]) > {STRETCHED}",
        summary="iblai-exporter polls less often than configured.",
        description=(
            "{{ $labels.instance }} (job {{ $labels.job }}) needs more requests than its rate "
            'limit allows. Its intervals are {{ printf "%.1f" $value }} times as long as '
            "configured."
        ),
        dashboard=Dashboard.HEALTH_OF_INSTANCE,
        wait=HOUR,
    )
    yield Alert(
        name="IblaiStateErrors",
        severity=Severity.WARNING,
        when="the state file could not be read or written within the last hour",
        expr=(
            f"increase({_STATE_ERRORS}[1h]) > 0\n"
            "or\n"
            f"({_STATE_ERRORS} > 0 unless {_STATE_ERRORS} offset 1h)"
        ),
        summary="iblai-exporter cannot read or write its state file.",
        description=(
            "{{ $labels.instance }} (job {{ $labels.job }}) cannot read or write the file in its "
            "state_dir ({{ $labels.reason }}). A restart may lose data."
        ),
        dashboard=Dashboard.HEALTH_OF_INSTANCE,
        wait=5 * MINUTE,
    )


def _orgs() -> Iterator[Alert]:
    yield Alert(
        name="IblaiOrgDown",
        severity=Severity.WARNING,
        when="every collector of an org fails",
        expr=_DOWN,
        summary="Every collector of an org fails.",
        description=(
            "Every collector of {{ $labels.org }} has failed for half an hour. Its last values "
            "are served until they are stale, and then disappear."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=30 * MINUTE,
    )
    rejected, other = (
        f'sum by (org, job) (increase({_REQUESTS}{{code{matches}"401|403"}}[{within}])) > 0'
        for matches, within in (("=~", REJECTED_WITHIN), ("!~", "30m"))
    )
    yield Alert(
        name="IblaiKeyRejected",
        severity=Severity.CRITICAL,
        when="every collector of an org fails, and the API responds only with 401 or 403",
        expr=f"({_DOWN})\nand {_SAME_ORG}\n({rejected})\nunless {_SAME_ORG}\n({other})",
        summary="The API rejects the API key of an org.",
        description=(
            "The API responds to {{ $labels.org }} only with 401 or 403. The key is wrong, has "
            "expired, lacks permissions, or does not belong to the configured user."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=10 * MINUTE,
    )


def _collectors() -> Iterator[Alert]:
    yield Alert(
        name="IblaiCollectorFailing",
        severity=Severity.WARNING,
        when="a collector's last attempt failed, and no later one succeeded for 2 hours",
        expr=(
            f"({last(_SUCCESS)} == 0\n"
            f"  and {last(_LAST_ATTEMPT)} > 0)\n"
            f"unless {_SAME_ORG}\n"
            f"({_DOWN})"
        ),
        summary="A collector of an org fails.",
        description=(
            "The collector {{ $labels.collector }} of {{ $labels.org }} has failed for 2 hours. "
            "Its last values are served until they are stale, and then disappear."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=2 * HOUR,
    )
    yield Alert(
        name="IblaiItemsFailing",
        severity=Severity.INFO,
        when="a collector succeeds, but not for all courses or mentors",
        expr=f"{last(catalog.COLLECTOR_ITEMS_FAILED.name)} > 0",
        summary="Some courses or mentors of an org fail.",
        description=(
            "The collector {{ $labels.collector }} of {{ $labels.org }} has failed for "
            "{{ $value }} courses or mentors for 6 hours. The others are up to date."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=6 * HOUR,
    )
    yield Alert(
        name="IblaiDataStale",
        severity=Severity.WARNING,
        when=(
            f"yesterday's values have not arrived {duration(LATE)} after midnight, or a collector "
            f"has not succeeded for {duration(OLD)}"
        ),
        expr=(
            f"time() - {last(catalog.WINDOW_END.name)} > {DAY + LATE}\n"
            "or\n"
            f"time() - ({last(_LAST_SUCCESS)} > 0) > {OLD}"
        ),
        summary="Values of an org are out of date.",
        description=(
            "The values of collector {{ $labels.collector }} of {{ $labels.org }} are out of "
            "date. They end, or were last collected, {{ humanizeDuration $value }} ago."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=10 * MINUTE,
    )


def _limits() -> Iterator[Alert]:
    yield Alert(
        name="IblaiRateLimited",
        severity=Severity.WARNING,
        when=f"the API asked to slow down in over {RATE_LIMITED:.0%} of the requests of an hour",
        expr=(
            f"sum without ({REPLICA}) (increase({catalog.API_RATE_LIMITED.name}[1h]))\n"
            f"  / sum without ({REPLICA}, code) (increase({_REQUESTS}[1h])) > {RATE_LIMITED}"
        ),
        summary="The API asks to slow down.",
        description=(
            "The API asked to slow down in {{ humanizePercentage $value }} of the requests for "
            "{{ $labels.org }} in the last hour. Values are late."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=HOUR,
    )
    yield Alert(
        name="IblaiSeriesDropped",
        severity=Severity.WARNING,
        when="an org has more series than its `series_limit`",
        expr=f"{last(catalog.SERIES_DROPPED.name + _LIMIT)} > 0",
        summary="An org has more series than its limit allows.",
        description=(
            "{{ $labels.org }} has {{ $value }} series more than its series_limit. They are not "
            "served, so values of some courses are missing."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=10 * MINUTE,
    )
    yield Alert(
        name="IblaiPayloadErrors",
        severity=Severity.INFO,
        when="parts of the API's responses could not be read for 3 hours",
        expr=(f"max without ({REPLICA}) (increase({catalog.PAYLOAD_ERRORS.name}[3h])) > 0"),
        summary="Parts of the API's responses cannot be read.",
        description=(
            'About {{ printf "%.0f" $value }} parts of the responses for {{ $labels.org }} could '
            "not be read in the last 3 hours ({{ $labels.reason }}). Values that depend on them "
            "are absent."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=3 * HOUR,
    )


_LIMIT = '{reason="series_limit"}'


def _shards() -> Iterator[Alert]:
    shard = f"last_over_time({_SHARD}[{SEEN}])"
    running = f'count_values without ({REPLICA}) ("shard", {shard})'
    yield Alert(
        name="IblaiShardMissing",
        severity=Severity.CRITICAL,
        when="fewer shards are scraped than are configured",
        expr=f"{last(_SHARDS)}\n  - count without (shard) ({running}) > 0",
        summary="A shard of iblai-exporter is missing.",
        description=(
            "{{ $value }} shards of iblai-exporter (job {{ $labels.job }}) are not scraped. "
            "Their orgs have no current values."
        ),
        dashboard=Dashboard.HEALTH,
        wait=10 * MINUTE,
    )
    yield Alert(
        name="IblaiOrgUnserved",
        severity=Severity.WARNING,
        when="no shard serves an org that was served within the last 6 hours",
        expr=(f"({last(_UP, seen='6h')}\n  unless {_SAME_ORG} {last(_UP)})\nand on (job) {shard}"),
        summary="No shard serves an org.",
        description=(
            "No shard serves {{ $labels.org }}, which was served within the last 6 hours. If you "
            "removed it from the configuration, the alert resolves by itself."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=15 * MINUTE,
    )
    yield Alert(
        name="IblaiOrgServedTwice",
        severity=Severity.WARNING,
        when="two different shards serve the same org",
        expr=(
            "count by (org, job) (\n"
            f'  count_values by (org, job) ("shard", last_over_time({_UP}[{SEEN}]) * 0\n'
            f"    + on (job, instance) group_left () {shard})\n"
            ") > 1"
        ),
        summary="Two shards serve the same org.",
        description=(
            "{{ $value }} shards serve {{ $labels.org }}, so the API receives more requests than "
            "needed. The configurations of the shards differ."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=30 * MINUTE,
    )
