import json
import re
from functools import reduce
from operator import getitem
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api import endpoints
from exporter.api.endpoints import SEEDS, Endpoint

DOCUMENT = json.loads(
    (Path(__file__).parents[1] / "data" / "iblai-openapi.json").read_text(encoding="utf-8")
)
ALL = [value for value in vars(endpoints).values() if isinstance(value, Endpoint)]
NAMES = {"org": "acme", "user_id": "ops", "course_id": "c"}


def resolved(node):
    """Return what a `$ref` points to."""
    if "$ref" not in node:
        return node
    return reduce(getitem, node["$ref"].removeprefix("#/").split("/"), DOCUMENT)


UNDOCUMENTED = {endpoints.LLM_USAGE, endpoints.SPEND_CAP}
"""Not in the published description; the platform's guide and its own screens use them."""


def test_only_these_endpoints_are_missing_from_the_published_description():
    missing = {endpoint for endpoint in ALL if endpoint.template not in DOCUMENT["paths"]}
    assert missing == UNDOCUMENTED


@pytest.mark.parametrize(
    "endpoint", [e for e in ALL if e not in UNDOCUMENTED], ids=lambda endpoint: endpoint.name
)
def test_every_path_and_its_scope_are_as_published(endpoint):
    operation = DOCUMENT["paths"][endpoint.template]["get"]
    parameters = {resolved(parameter)["name"] for parameter in operation["parameters"]}
    assert ("include_main_platform" in parameters) == endpoint.scoped
    assert ("department_id" in parameters) == endpoint.scoped
    assert ("platform_key" in parameters) == endpoint.v2


def test_endpoint_names_are_unique_and_valid_label_values():
    assert len({endpoint.name for endpoint in ALL}) == len(ALL)
    assert all(re.fullmatch("[a-z0-9_]+", endpoint.name) for endpoint in ALL)


def test_all_six_seeds_are_endpoints():
    assert sorted(SEEDS.values()) == [f"seed {number}" for number in range(1, 7)]


def test_a_course_id_is_one_segment_of_the_path():
    path = endpoints.COURSE_ENROLLMENTS_OVER_TIME.path(
        org="acme", user_id="ops", course_id="course-v1:Acme+Bio/101+2026 ä"
    )
    assert path == (
        "/api/ai-analytics/audience/orgs/acme/enrollments/courses/"
        "course-v1%3AAcme%2BBio%2F101%2B2026%20%C3%A4/over-time"
    )


@given(name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_name_stays_in_its_segment_and_can_be_decoded(name):
    for endpoint in (endpoint for endpoint in ALL if "{org}" in endpoint.template):
        path = endpoint.path(**{**NAMES, "org": name})
        assert path.count("/") == endpoint.template.count("/")
        assert not set(path) & set("?# ")
        segment = path.split("/")[endpoint.template.split("/").index("{org}")]
        assert unquote(segment) == name
