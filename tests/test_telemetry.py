"""The exporter's own metrics: which exist, what they count, and how many there are."""

from collections import Counter
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter import catalog, collectors
from exporter.api import endpoints
from exporter.api.errors import ApiError, Kind, error_label, status_label
from exporter.api.payloads import Reason
from exporter.exposition import Format
from exporter.exposition.rendered import RenderedLines
from exporter.settings import Org
from exporter.settings.schema import EXTRAS
from exporter.telemetry import CODES, Telemetry, code_label

MOST_SERIES = 100


class FakeServed:
    """What is served of an org."""

    def __init__(self):
        self.dropped_series = {}
        self.ends = {}

    def series(self, org, collector):
        return 7

    def dropped(self, org):
        return self.dropped_series

    def window_end(self, org, collector):
        return self.ends.get(collector)


@pytest.fixture
def served():
    return FakeServed()


@pytest.fixture
def lines():
    return RenderedLines()


def register(telemetry, *names, org="acme", absent=()):
    own = [(name, endpoints.VIDEOS_OVER_TIME) for name in names]
    showing = [name for name in names if name not in absent]
    telemetry.register(org, {"org": org}, own, showing_up=showing)


@pytest.fixture
def telemetry(lines, served):
    made = Telemetry(lines, served)
    register(made, "videos")
    return made


@pytest.fixture
def samples(lines, telemetry):
    """Return what yields the series of all orgs: name, labels after `org`, and value."""

    def parse():
        telemetry.flush()
        found = lines.families(catalog.METRICS)
        text = b"".join(line for _, of_metric in found for line in of_metric).decode()
        return {
            (s.name, *(v for k, v in sorted(s.labels.items()) if k != "org")): s.value
            for family in text_string_to_metric_families(text)
            for s in family.samples
        }

    return parse


def test_everything_exists_before_the_first_attempt_and_counters_are_0(samples):
    found = samples()
    assert found.pop(("iblai_collector_series", "videos")) == 7
    assert set(found.values()) == {0.0}
    for name in ("up", "api_retries_total", "api_rate_limited_total"):
        assert (f"iblai_{name}",) in found
    for name in (
        "success",
        "last_success_timestamp_seconds",
        "last_attempt_timestamp_seconds",
        "duration_seconds",
        "items_failed",
    ):
        assert (f"iblai_collector_{name}", "videos") in found
    for reason in Reason:
        assert ("iblai_exporter_payload_errors_total", reason) in found
    for reason in ("series_limit", "min_group_size"):
        assert ("iblai_exporter_series_dropped", reason) in found
    for code in CODES:
        assert ("iblai_api_requests_total", code) in found


# The label `code`.


def every_code():
    """Return every code that the API client can report."""
    found = {"cancelled"} | {status_label(status) for status in range(100, 1000)}
    for kind in Kind:
        found.add(error_label(ApiError("x", kind=kind)))
        found |= {error_label(ApiError("x", kind=kind, status=s)) for s in (200, 404, 500, 599)}
    return found


@pytest.mark.parametrize("code", sorted(every_code()))
def test_every_code_that_the_client_reports_is_counted_as_one_that_starts_at_0(
    telemetry, samples, code
):
    before = samples().keys()
    telemetry.requested("acme", "videos_over_time", code, 0.1)
    after = samples()
    assert after.keys() == before
    assert sum(v for k, v in after.items() if k[0] == "iblai_api_requests_total") == 1


@given(st.text(max_size=8) | st.integers(0, 9999).map(str))
def test_whatever_the_code_its_label_is_one_of_a_closed_set(code):
    assert code_label(code) in CODES


@pytest.mark.parametrize("status", [200, 401, 403, 404, 429, 500, 502, 503])
def test_common_statuses_are_told_apart(status):
    assert code_label(str(status)) == str(status)
    assert HTTPStatus(status)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("201", "2xx"),
        ("302", "3xx"),
        ("418", "4xx"),
        ("599", "5xx"),
        ("5xx", "5xx"),
        ("timeout", "timeout"),
        ("tls", "tls"),
        ("cut", "invalid"),
        ("too_large", "invalid"),
        ("", "invalid"),
        ("700", "invalid"),
    ],
)
def test_all_others_are_counted_by_class_or_as_invalid(code, found):
    assert code_label(code) == found


# How many.


def own_series(lines, telemetry, org):
    """Return how many series of its own an org has."""
    own = list(collectors.of(org))
    generations = {c.name for c in own if c.v2 is not None}
    telemetry.register(
        org.key,
        org.constants(),
        [(c.name, c.endpoint) for c in own],
        showing_up=[c.name for c in own if c.shows_up],
    )
    for collector in own:
        telemetry.succeeded(org.key, collector.name, at=1, seconds=1, items_failed=0, error="")
        if collector.name in generations:
            telemetry.source(org.key, collector.name, "seeds")
    telemetry.flush()
    found = lines.families_of(org.key, catalog.METRICS)
    return sum(line.count(b"\n") for _, of_metric in found for line in of_metric)


def test_an_org_has_at_most_100_series_of_its_own_with_the_core_collectors(
    lines, telemetry, served
):
    served.ends = {c.name: 1.0 for c in collectors.COLLECTORS if c.windows}
    served.dropped_series = {"series_limit": 1, "min_group_size": 1}
    org = Org(key="globex", user_id="ops")
    assert own_series(lines, telemetry, org) <= MOST_SERIES


def test_each_further_collector_adds_at_most_nine(lines, telemetry, served):
    served.ends = dict.fromkeys(collectors.NAMES, 1.0)
    core = Org(key="globex", user_id="ops")
    extra = Org(key="initech", user_id="ops", extras=EXTRAS, topics=True, mentors=("m1",))
    more = len(collectors.of(extra)) - len(collectors.of(core))
    before, after = (own_series(lines, telemetry, org) for org in (core, extra))
    assert after - before <= 9 * more


def test_counting_does_not_add_series(samples, telemetry):
    before = samples().keys()
    for reason in Reason:
        telemetry.payload_error("acme", reason, 3)
    telemetry.retried("acme", "videos_over_time")
    telemetry.rate_limited("acme", "videos_over_time")
    telemetry.succeeded("acme", "videos", at=1.0, seconds=1.0, items_failed=2, error="x")
    found = samples()
    assert found.keys() == before
    assert found["iblai_exporter_payload_errors_total", "value"] == 3
    assert found["iblai_collector_items_failed", "videos"] == 2


# Attempts.


def test_a_failure_keeps_the_time_of_the_last_success(telemetry, samples):
    telemetry.succeeded("acme", "videos", at=100.0, seconds=1.0, items_failed=0, error="")
    telemetry.failed("acme", "videos", "it broke", at=200.0, seconds=2.0, items=3)
    found = samples()
    assert found["iblai_collector_success", "videos"] == 0
    assert found["iblai_collector_last_success_timestamp_seconds", "videos"] == 100
    assert found["iblai_collector_last_attempt_timestamp_seconds", "videos"] == 200
    assert found["iblai_collector_duration_seconds", "videos"] == 2
    assert found["iblai_collector_items_failed", "videos"] == 3
    assert found["iblai_up",] == 0


def test_a_run_without_a_request_is_a_failure_but_no_attempt(telemetry, samples):
    telemetry.succeeded("acme", "videos", at=100.0, seconds=1.0, items_failed=0, error="")
    telemetry.not_sent("acme", "videos", "the key cannot be read")
    found = samples()
    assert found["iblai_collector_success", "videos"] == 0
    assert found["iblai_collector_last_attempt_timestamp_seconds", "videos"] == 100


def test_items_that_failed_are_counted_and_the_success_stays(telemetry, samples):
    telemetry.succeeded("acme", "videos", at=100.0, seconds=1.0, items_failed=2, error="x")
    telemetry.items_failed("acme", "videos", count=1, error="y")
    found = samples()
    assert found["iblai_collector_items_failed", "videos"] == 1
    assert found["iblai_collector_success", "videos"] == 1
    assert telemetry.outcome("acme", "videos").error == "y"


def test_an_org_is_up_while_one_of_its_collectors_succeeds(telemetry, samples):
    register(telemetry, "videos", "chat")
    telemetry.succeeded("acme", "videos", at=100.0, seconds=1.0, items_failed=0, error="")
    telemetry.failed("acme", "chat", "it broke", at=100.0, seconds=1.0, items=0)
    assert samples()["iblai_up",] == 1


def test_collectors_that_depend_on_others_do_not_show_that_an_org_is_up(telemetry, samples):
    register(telemetry, "videos", "mentor_chat", absent=("mentor_chat",))
    telemetry.succeeded("acme", "mentor_chat", at=100.0, seconds=1.0, items_failed=0, error="")
    assert samples()["iblai_up",] == 0


def test_what_a_deployment_does_not_offer_has_no_series(telemetry, samples):
    register(telemetry, "videos", "time")
    telemetry.absent("acme", "time", "404", at=100.0)
    assert not [key for key in samples() if "time" in key]
    telemetry.succeeded("acme", "time", at=200.0, seconds=1.0, items_failed=0, error="")
    assert samples()["iblai_collector_success", "time"] == 1


def test_a_restored_attempt_is_that_of_the_process_before(telemetry, samples):
    telemetry.restored("acme", "videos", last_attempt=200.0, last_success=200.0)
    assert samples()["iblai_collector_success", "videos"] == 1
    telemetry.restored("acme", "videos", last_attempt=200.0, last_success=100.0)
    found = samples()
    assert found["iblai_collector_success", "videos"] == 0
    assert found["iblai_collector_last_success_timestamp_seconds", "videos"] == 100


def test_the_generation_of_the_api_is_one_series_per_collector(telemetry, samples):
    for generation in ("seeds", "v2", "seeds", "v2"):
        telemetry.source("acme", "videos", generation)
    found = {key: v for key, v in samples().items() if "source_info" in key[0]}
    assert found == {("iblai_collector_source_info", "videos", "v2"): 1}


def test_dropped_series_are_a_gauge_of_what_is_dropped_now(telemetry, samples, served):
    served.dropped_series = {"series_limit": 40, "min_group_size": 2}
    telemetry.touch("acme")
    assert samples()["iblai_exporter_series_dropped", "series_limit"] == 40
    served.dropped_series = {}
    telemetry.touch("acme")
    assert samples()["iblai_exporter_series_dropped", "series_limit"] == 0


def test_the_end_of_the_windows_is_there_once_there_are_windows(telemetry, samples, served):
    assert ("iblai_window_end_timestamp_seconds", "videos") not in samples()
    served.ends["videos"] = 1000.0
    telemetry.touch("acme")
    assert samples()["iblai_window_end_timestamp_seconds", "videos"] == 1000


# Reloads.


def test_counters_go_on_when_an_org_is_configured_again(telemetry, samples):
    telemetry.requested("acme", "videos_over_time", "500", 0.1)
    register(telemetry, "videos")
    telemetry.requested("acme", "videos_over_time", "500", 0.1)
    assert samples()["iblai_api_requests_total", "500"] == 2


def test_a_collector_that_is_switched_off_leaves_no_series(telemetry, samples):
    register(telemetry, "videos", "chat")
    samples()
    register(telemetry, "chat")
    assert not [key for key in samples() if "videos" in key]


def test_labels_that_change_are_on_every_series(telemetry, lines):
    telemetry.flush()
    own = [("videos", endpoints.VIDEOS_OVER_TIME)]
    telemetry.register("acme", {"org": "acme", "campus": "north"}, own, showing_up=["videos"])
    telemetry.flush()
    found = lines.families_of("acme", catalog.METRICS)
    text = b"".join(line for _, of_metric in found for line in of_metric).decode()
    assert all('campus="north"' in line for line in text.splitlines())


def test_reports_about_an_org_that_is_gone_are_ignored(telemetry, lines, samples):
    samples()
    lines.remove("acme")
    telemetry.forget("acme")
    telemetry.requested("acme", "videos_over_time", "200", 0.1)
    telemetry.succeeded("acme", "videos", at=1.0, seconds=1.0, items_failed=0, error="")
    telemetry.payload_error("acme", Reason.VALUE, 1)
    assert samples() == {}


# The process.


def process(telemetry):
    found = text_string_to_metric_families(telemetry.process.text(Format.TEXT).decode())
    return {(s.name, *s.labels.values()): s.value for family in found for s in family.samples}


def test_durations_are_counted_from_0(telemetry):
    found = process(telemetry)
    assert found["iblai_api_request_duration_seconds_count", "videos_over_time"] == 0
    telemetry.requested("acme", "videos_over_time", "200", 0.1)
    assert process(telemetry)["iblai_api_request_duration_seconds_count", "videos_over_time"] == 1


def test_problems_of_the_state_file_are_counted_from_0(telemetry):
    names = Counter(key[0] for key in process(telemetry))
    assert names["iblai_exporter_state_errors_total"] > 1
    telemetry.process.state_error("corrupt")
    assert process(telemetry)["iblai_exporter_state_errors_total", "corrupt"] == 1


def test_the_revision_is_part_of_the_build_info(lines, served, monkeypatch):
    monkeypatch.setenv("IBLAI_EXPORTER_REVISION", "abc123")
    [labels] = [k for k in process(Telemetry(lines, served)) if k[0].endswith("build_info")]
    assert "abc123" in labels


def test_the_process_has_its_own_metrics_in_both_formats(telemetry):
    telemetry.process.reloaded(at=123.0)
    telemetry.process.missed(2)
    telemetry.process.stretched(1.5)
    for form in Format:
        text = telemetry.process.text(form).decode()
        assert "iblai_exporter_config_last_reload_successful 1.0" in text
        assert "iblai_exporter_scheduler_missed_runs_total 2.0" in text
        assert "iblai_exporter_schedule_stretch_ratio 1.5" in text
        assert "process_resident_memory_bytes" in text
        assert "python_info" in text
        assert "_created" not in text
    telemetry.process.reloaded(at=None)
    text = telemetry.process.text(Format.TEXT).decode()
    assert "iblai_exporter_config_last_reload_successful 0.0" in text
    assert "iblai_exporter_config_last_reload_success_timestamp_seconds 123.0" in text
