"""Alerts on the exporter itself, and on what stands between it and the figures."""

from collections.abc import Iterator

from deploy.prometheus.drops import SEEN, age, last
from deploy.prometheus.rules import HOUR, MINUTE, Alert, Dashboard, Group, Severity, duration

TODAY_INTERVAL = 5 * MINUTE
HISTORY_INTERVAL = HOUR
"""Rhythms of the exporter's defaults. Where an org's are slower, build with those."""

PATIENCE = 6
"""How many visits of a collector may fail in a row before its data count as stale."""

RATE_LIMITED = 0.2
"""Share of the requests answered with a request to slow down that is too much."""

MISSED = 0.5
"""Visits missed in an hour, for each collector, that are too many: a tenth at default rhythms."""

_TODAY = 'collector=~".*_today"'
_COMPLETE = 'collector!~".*_today"'
_SUCCESS = "iblai_collector_last_success_timestamp_seconds"
_ATTEMPT = "iblai_collector_last_attempt_timestamp_seconds"
_REQUESTS = "iblai_api_requests_total"
_REFUSED = 'code=~"401|403"'
_SHARD = f"last_over_time(iblai_exporter_shard[{SEEN}])"
_SHARDS = f"last_over_time(iblai_exporter_shards[{SEEN}])"


def group(*, interval: int = TODAY_INTERVAL, history_interval: int = HISTORY_INTERVAL) -> Group:
    """Return the alerts for an exporter that visits in these rhythms, in seconds."""
    return Group(
        "iblai-exporter",
        (
            *_exporter(),
            *_orgs(interval=interval, history_interval=history_interval),
            *_shards(),
        ),
    )


def _exporter() -> Iterator[Alert]:
    yield Alert(
        name="IblaiExporterDown",
        severity=Severity.CRITICAL,
        tells="no exporter was scraped for 15 minutes",
        expr="absent(last_over_time(iblai_exporter_build_info[10m]))",
        summary="No iblai-exporter is being scraped.",
        description=(
            "Prometheus has scraped no iblai-exporter for 15 minutes. No figure is current, and "
            "no drop can be told."
        ),
        dashboard=Dashboard.HEALTH,
        wait=5 * MINUTE,
    )
    yield Alert(
        name="IblaiExporterInstanceDown",
        severity=Severity.WARNING,
        tells="an instance that was scraped within a day does not answer",
        expr=(
            "(up == 0 and on (job, instance) last_over_time(iblai_exporter_build_info[1d]))\n"
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
        name="IblaiReloadFailed",
        severity=Severity.WARNING,
        tells="the last attempt to load the configuration failed",
        expr=(
            "min by (job, instance) "
            "(last_over_time(iblai_exporter_config_last_reload_successful[15m])) == 0"
        ),
        summary="The configuration of iblai-exporter could not be loaded.",
        description=(
            "{{ $labels.instance }} (job {{ $labels.job }}) could not load its configuration, and "
            "goes on with the one before."
        ),
        dashboard=Dashboard.HEALTH_OF_INSTANCE,
        wait=5 * MINUTE,
    )
    yield Alert(
        name="IblaiSchedulerBehind",
        severity=Severity.WARNING,
        tells="in an hour, over half as many visits as there are collectors were not made in time",
        expr=(
            "sum by (job, instance) (increase(iblai_exporter_scheduler_missed_runs_total[1h]))\n"
            f"  / count by (job, instance) (last_over_time({_ATTEMPT}[{SEEN}])) > {MISSED}"
        ),
        summary="Visits of iblai-exporter are late.",
        description=(
            "{{ $labels.instance }} (job {{ $labels.job }}) missed {{ $value | humanize }} visits "
            "for each collector in the last hour. Figures of today come late."
        ),
        dashboard=Dashboard.HEALTH_OF_INSTANCE,
        wait=30 * MINUTE,
    )


def _orgs(*, interval: int, history_interval: int) -> Iterator[Alert]:
    yield Alert(
        name="IblaiOrgFailing",
        severity=Severity.WARNING,
        tells="every collector of an org fails",
        expr=f"{last('iblai_up')} == 0",
        summary="Nothing can be read of an org.",
        description=(
            "Every collector of {{ $labels.org }} has failed for half an hour. Its last figures "
            "are served until they are too old, and then vanish."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=max(30 * MINUTE, PATIENCE * interval),
    )
    yield Alert(
        name="IblaiKeyRejected",
        severity=Severity.CRITICAL,
        tells="every collector of an org fails, and the API answers only 401 or 403",
        expr=(
            f"({last('iblai_up')} == 0)\n"
            f"and on (org) sum by (org) (last_over_time({_REQUESTS}{{{_REFUSED}}}[{SEEN}])) > 0\n"
            f"unless on (org) sum by (org) "
            f"(increase({_REQUESTS}{{{_REFUSED.replace('=~', '!~')}}}[30m])) > 0"
        ),
        summary="The API rejects the key of an org.",
        description=(
            "The API has answered {{ $labels.org }} with nothing but 401 or 403 for half an hour: "
            "its key is wrong, expired or without rights, or does not belong to the user "
            "configured. It is asked only rarely until that changes."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=10 * MINUTE,
    )
    yield Alert(
        name="IblaiDataStale",
        severity=Severity.WARNING,
        tells=(
            f"a collector has read no good answer for {PATIENCE} of its intervals "
            f"({duration(PATIENCE * interval)} for figures of today, "
            f"{duration(PATIENCE * history_interval)} for complete days)"
        ),
        expr=(
            f"{age(collectors=_TODAY)} > {PATIENCE * interval}\n"
            "or\n"
            f"{age(collectors=_COMPLETE)} > {PATIENCE * history_interval}\n"
            "or\n"
            f"({last(_SUCCESS, by='org, collector')} == 0\n"
            f"  and {last(_SUCCESS, by='org, collector', ago='2h')} == 0)"
        ),
        summary="Figures of an org are out of date.",
        description=(
            "The collector {{ $labels.collector }} of {{ $labels.org }} has "
            "{{ if eq $value 0.0 }}never read a good answer{{ else }}read no good answer for "
            "{{ $value | humanizeDuration }}{{ end }}. Its figures vanish, and drops in them "
            "cannot be told."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=10 * MINUTE,
    )
    yield Alert(
        name="IblaiRateLimited",
        severity=Severity.WARNING,
        tells=f"the API asked to slow down in over {RATE_LIMITED:.0%} of an hour's requests",
        expr=(
            "sum by (org) (increase(iblai_api_rate_limited_total[1h]))\n"
            f"  / sum by (org) (increase({_REQUESTS}[1h])) > {RATE_LIMITED}"
        ),
        summary="The API asks to slow down.",
        description=(
            "{{ $value | humanizePercentage }} of the requests for {{ $labels.org }} in the last "
            "hour were answered with a request to slow down. Its figures come late."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=HOUR,
    )
    yield Alert(
        name="IblaiSeriesDropped",
        severity=Severity.WARNING,
        tells="an org has more series than its `series_limit`",
        expr=(
            "max by (org) (increase("
            'iblai_exporter_series_dropped_total{reason="series_limit"}'
            f"[{duration(3 * history_interval)}])) > 0"
        ),
        summary="An org has more series than its limit allows.",
        description=(
            "Series of {{ $labels.org }} are left out, since it has more than its series_limit. "
            "Figures of some courses are missing."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=10 * MINUTE,
    )
    yield Alert(
        name="IblaiPayloadErrors",
        severity=Severity.INFO,
        tells="answers, or rows or days in them, keep being unreadable",
        expr=(
            "max by (org, endpoint, reason) (increase("
            f"iblai_exporter_payload_errors_total[{duration(3 * history_interval)}])) > 0"
        ),
        summary="Parts of the API's answers cannot be read.",
        description=(
            "About {{ $value | humanize }} parts of the answers of {{ $labels.endpoint }} for "
            "{{ $labels.org }} could not be read lately ({{ $labels.reason }}). The figures that "
            "rest on them are absent."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=3 * history_interval,
    )


def _shards() -> Iterator[Alert]:
    yield Alert(
        name="IblaiShardMissing",
        severity=Severity.CRITICAL,
        tells="fewer shards are scraped than there should be",
        expr=f'max({_SHARDS}) - count(count_values("shard", {_SHARD})) > 0',
        summary="A shard of iblai-exporter is missing.",
        description=(
            "{{ $value }} of the shards that iblai-exporter is split into are not being scraped: "
            "nobody watches their orgs."
        ),
        dashboard=Dashboard.HEALTH,
        wait=10 * MINUTE,
    )
    yield Alert(
        name="IblaiOrgUnserved",
        severity=Severity.WARNING,
        tells="an org that a shard watched within 6 hours is watched by none",
        expr=(
            "(max by (org) (last_over_time(iblai_up[6h]))\n"
            f"  unless on (org) {last('iblai_up')})\n"
            f"and on () count({_SHARD}) > 0"
        ),
        summary="No shard watches an org.",
        description=(
            "{{ $labels.org }} was watched within the last 6 hours, and is not now. If it was "
            "taken out of the configuration, this passes by itself."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=15 * MINUTE,
    )
    yield Alert(
        name="IblaiOrgServedTwice",
        severity=Severity.WARNING,
        tells="two different shards watch the same org",
        expr=(
            "count by (org) (\n"
            f'  count_values by (org) ("shard", last_over_time(iblai_up[{SEEN}]) * 0\n'
            f"    + on (job, instance) group_left () {_SHARD})\n"
            ") > 1"
        ),
        summary="Two shards watch the same org.",
        description=(
            "{{ $value }} shards watch {{ $labels.org }}, and the API is asked as many times as "
            "needed: their configurations differ."
        ),
        dashboard=Dashboard.HEALTH_OF_ORG,
        wait=30 * MINUTE,
    )
