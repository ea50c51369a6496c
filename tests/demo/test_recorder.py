from concurrent.futures import ThreadPoolExecutor

import pytest

from exporter.demo.faults import Fault
from exporter.demo.target import Target
from tests.recorder import Recorded, Recorder

ACTIVE = "/api/ai-analytics/audience/orgs/{org}/active-users/per-course"
MESSAGES = "/api/ai-analytics/orgs/{org}/users/{user_id}/average-messages-per-session/"


def test_a_request_is_recorded_with_org_endpoint_query_and_status(platform):
    platform.get(ACTIVE, start_date="2026-03-01", end_date="2026-03-02")
    platform.get(MESSAGES)
    first, second = platform.recorder.requests
    assert (first.org, first.endpoint, first.status) == ("acme", "active-users/per-course", 200)
    assert first.path == ACTIVE.replace("{org}", "acme")
    assert first.query == {"start_date": "2026-03-01", "end_date": "2026-03-02"}
    assert (second.endpoint, second.status) == ("average-messages-per-session/", 400)
    assert first.at <= second.at


def test_nothing_of_a_key_is_recorded(platform):
    platform.get(ACTIVE)
    (request,) = platform.recorder.requests
    assert platform.acme.api_key not in repr(request)


def test_requests_are_selected_by_org_endpoint_and_status(platform):
    globex = platform.university.orgs[1]
    for org in (platform.acme, platform.acme, globex):
        platform.get(ACTIVE, org)
    platform.get(MESSAGES)
    recorder = platform.recorder
    assert recorder.by_org() == {"acme": 3, "globex": 1}
    assert len(recorder.select(endpoint="active-users/per-course")) == 3
    assert len(recorder.select(org="acme", endpoint="active*")) == 2
    assert len(recorder.select(status=400)) == 1


def test_a_fault_is_recorded_with_the_status_that_it_sends(platform):
    platform.plan.add(Fault("status", status=503))
    platform.get(ACTIVE)
    assert [request.status for request in platform.recorder.requests] == [503]


def test_concurrency_counts_the_requests_under_way(platform):
    platform.plan.add(Fault("drip", seconds=0.001))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: platform.get(MESSAGES), range(4)))
    assert 2 <= platform.recorder.max_concurrency() <= 4
    assert platform.recorder.under_way == 0


@pytest.mark.parametrize(
    ("times", "most"),
    [([], 0), ([5.0], 1), ([0.0, 0.5, 0.9, 1.0, 1.4, 3.0], 4), ([0.0, 1.0, 2.0], 1)],
)
def test_the_busiest_second_is_found_wherever_it_begins(times, most):
    recorder = Recorder()
    recorder.requests = [Recorded(at, Target("/", None, "/"), {}, concurrency=1) for at in times]
    assert recorder.max_in_window(1.0) == most
