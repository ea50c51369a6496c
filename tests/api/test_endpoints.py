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


@pytest.mark.parametrize("endpoint", ALL, ids=lambda endpoint: endpoint.name)
def test_every_path_is_in_the_published_description_letter_by_letter(endpoint):
    operation = DOCUMENT["paths"][endpoint.template]["get"]
    parameters = {resolved(parameter)["name"] for parameter in operation["parameters"]}
    assert ("include_main_platform" in parameters) == endpoint.scoped
    assert ("department_id" in parameters) == endpoint.scoped
    assert ("platform_key" in parameters) == endpoint.keyed
    assert ("date_filter" in parameters) == endpoint.keyed


def test_names_tell_endpoints_apart_and_are_fit_for_a_label():
    assert len({endpoint.name for endpoint in ALL}) == len(ALL)
    assert all(re.fullmatch("[a-z_]+", endpoint.name) for endpoint in ALL)


def test_each_of_the_six_seeds_is_there():
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
def test_any_name_stays_in_its_segment_and_can_be_read_back(name):
    for endpoint in (endpoint for endpoint in ALL if not endpoint.keyed):
        path = endpoint.path(**{**NAMES, "org": name})
        assert path.count("/") == endpoint.template.count("/")
        assert not set(path) & set("?# ")
        segment = path.split("/")[endpoint.template.split("/").index("{org}")]
        assert unquote(segment) == name
