import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter import catalog
from exporter.api import endpoints
from exporter.api.payloads import Reason
from exporter.exposition import Format
from exporter.telemetry import Telemetry


@pytest.fixture
def telemetry(store):
    made = Telemetry(store)
    made.watch("acme", {"org": "acme"}, [("videos", endpoints.VIDEOS_OVER_TIME)])
    return made


def samples(store, telemetry):
    telemetry.flush()
    text = b"".join(line for _, found in store.pieces(catalog.METRICS) for line in found).decode()
    return {
        (s.name, *(v for k, v in sorted(s.labels.items()) if k != "org")): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


def test_everything_exists_as_0_before_the_first_visit(store, telemetry):
    found = samples(store, telemetry)
    assert set(found.values()) == {0.0}
    assert ("iblai_up",) in found
    assert ("iblai_collector_success", "videos") in found
    assert ("iblai_collector_last_success_timestamp_seconds", "videos") in found
    assert ("iblai_api_requests_total", "200", "videos_over_time") in found
    assert ("iblai_exporter_series_dropped_total", "series_limit") in found
    for reason in Reason:
        assert ("iblai_exporter_payload_errors_total", "videos_over_time", reason) in found


def test_durations_are_counted_from_0_too(telemetry):
    count = 'iblai_api_request_duration_seconds_count{endpoint="videos_over_time"}'
    assert f"{count} 0.0" in telemetry.process_text(Format.TEXT).decode()


def test_an_endpoint_that_is_asked_in_the_stead_of_another_counts_from_0_once_it_is(
    store, telemetry
):
    telemetry.requested("acme", "older_costs", "404", 0.1)
    telemetry.requested("acme", "older_costs", "404", 0.1)
    found = samples(store, telemetry)
    assert found["iblai_api_requests_total", "404", "older_costs"] == 2
    assert found["iblai_api_requests_total", "200", "older_costs"] == 0
    assert found["iblai_api_retries_total", "older_costs"] == 0
    assert found["iblai_exporter_payload_errors_total", "older_costs", Reason.UNREADABLE] == 0


def test_a_failure_leaves_the_time_of_the_last_success_alone(store, telemetry):
    telemetry.succeeded("acme", "videos", at=100.0, seconds=1.0)
    telemetry.failed("acme", "videos", "it broke", at=200.0, seconds=2.0)
    found = samples(store, telemetry)
    assert found["iblai_collector_success", "videos"] == 0
    assert found["iblai_collector_last_success_timestamp_seconds", "videos"] == 100
    assert found["iblai_collector_last_attempt_timestamp_seconds", "videos"] == 200
    assert found["iblai_up",] == 0


def test_an_attempt_that_was_held_back_is_none(store, telemetry):
    telemetry.succeeded("acme", "videos", at=100.0, seconds=1.0)
    telemetry.held_back("acme", "videos", "the key was refused")
    found = samples(store, telemetry)
    assert found["iblai_collector_success", "videos"] == 0
    assert found["iblai_collector_last_attempt_timestamp_seconds", "videos"] == 100


def test_an_org_is_up_while_one_of_its_collectors_succeeds(store, telemetry):
    telemetry.watch(
        "acme",
        {"org": "acme"},
        [("videos", endpoints.VIDEOS_OVER_TIME), ("chat", endpoints.MESSAGES_PER_SESSION)],
    )
    telemetry.succeeded("acme", "videos", at=100.0, seconds=1.0)
    telemetry.failed("acme", "chat", "it broke", at=100.0, seconds=1.0)
    assert samples(store, telemetry)["iblai_up",] == 1


def test_counters_go_on_where_they_were_when_an_org_is_configured_anew(store, telemetry):
    telemetry.requested("acme", "videos_over_time", "500", 0.1)
    telemetry.watch("acme", {"org": "acme"}, [("videos", endpoints.VIDEOS_OVER_TIME)])
    telemetry.requested("acme", "videos_over_time", "500", 0.1)
    assert samples(store, telemetry)["iblai_api_requests_total", "500", "videos_over_time"] == 2


def test_what_is_told_of_an_org_that_has_gone_is_forgotten(store, telemetry):
    samples(store, telemetry)
    store.drop("acme")
    telemetry.forget("acme")
    telemetry.requested("acme", "videos_over_time", "200", 0.1)
    telemetry.succeeded("acme", "videos", at=1.0, seconds=1.0)
    assert samples(store, telemetry) == {}


def test_the_process_has_its_own_metrics_in_both_formats(telemetry):
    telemetry.reloaded(at=123.0)
    telemetry.missed(2)
    for form in Format:
        text = telemetry.process_text(form).decode()
        assert "iblai_exporter_config_last_reload_successful 1.0" in text
        assert "iblai_exporter_scheduler_missed_runs_total 2.0" in text
        assert "process_resident_memory_bytes" in text
        assert "python_info" in text
        assert "_created" not in text
    telemetry.reloaded(at=None)
    text = telemetry.process_text(Format.TEXT).decode()
    assert "iblai_exporter_config_last_reload_successful 0.0" in text
    assert "iblai_exporter_config_last_reload_success_timestamp_seconds 123.0" in text
