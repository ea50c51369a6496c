"""Every simulated payload against the description of the API that client models follow."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft4Validator, FormatChecker

from exporter.api import endpoints as api
from exporter.demo.endpoints import endpoints

DOCUMENT = json.loads((Path(__file__).parents[1] / "data/iblai-openapi.json").read_text())
START, END = "2026-02-16", "2026-03-18"
NEEDED = {"start_date": START, "end_date": END}


NOT_SIMULATED = {
    *(("aggregation", name) for name in ("hourly", "weekly", "monthly")),
    *(("granularity", name) for name in ("hour", "week", "month")),
    *(("group_by", name) for name in ("hour", "username", "platform", "action")),
    *(("metric", f"{name}{s}") for name in ("program", "pathway", "skill") for s in ("", "s")),
    ("metric", "course"),
}
"""Choices that the exporter never makes: 400 where they would change the payload."""


def nullable(schema: Any) -> Any:
    """Say OpenAPI 3.0's `nullable` as JSON Schema does."""
    if isinstance(schema, list):
        return [nullable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: nullable(value) for key, value in schema.items()}
    if schema.pop("nullable", False) and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    return schema


SCHEMAS = nullable(DOCUMENT["components"]["schemas"])


def operation(path: str) -> dict[str, Any]:
    return DOCUMENT["paths"][path]["get"]


def parameters(path: str) -> list[dict[str, Any]]:
    known = DOCUMENT["components"]["parameters"]
    return [
        known[p["$ref"].rpartition("/")[2]] if "$ref" in p else p
        for p in operation(path).get("parameters", [])
    ]


def validate(path: str, payload: Any) -> None:
    schema = operation(path)["responses"]["200"]["content"]["application/json"]["schema"]
    Draft4Validator(
        {**nullable(schema), "components": {"schemas": SCHEMAS}}, format_checker=FormatChecker()
    ).validate(payload)


def queries(path: str) -> list[dict[str, str]]:
    """Return the least a query may hold, and then that with each choice of each parameter."""
    least: dict[str, str] = {}
    more: list[dict[str, str]] = []
    for parameter in parameters(path):
        name, schema = parameter["name"], parameter["schema"]
        if parameter["in"] != "query":
            continue
        choices = schema.get("enum", [])
        if parameter.get("required"):
            least[name] = choices[0] if choices else NEEDED[name]
        if name == "platform_key":
            least[name] = "acme"
        more += [{name: choice} for choice in choices]
        if name == "start_date":
            more.append(NEEDED)
        if schema.get("type") == "boolean":
            more += [{name: "true"}, {name: "false"}]
        if name in {"length", "limit", "page_size"}:
            more.append({name: "2", "page": "2"})
    return [least, *({**least, **extra} for extra in more)]


UNDOCUMENTED = {
    "/api/analytics/llm-usage/",
    "/api/ai-mentor/orgs/{org}/spend-caps/tenant/",
}
"""Endpoints that only the operators' guides describe."""


PATHS = {endpoint.template for endpoint in endpoints("both")}


def test_every_endpoint_of_the_exporter_is_simulated():
    known = {e.template for e in vars(api).values() if isinstance(e, api.Endpoint)}
    assert known == PATHS


def test_every_path_is_one_of_the_document_but_two():
    assert PATHS - DOCUMENT["paths"].keys() == UNDOCUMENTED


@pytest.mark.parametrize("path", sorted(PATHS - UNDOCUMENTED))
def test_every_payload_is_as_the_client_models_expect(platform, path):
    filled = path.replace("{course_id}", quote("course-v1:Acme+Bio101+2026", safe=""))
    for query in queries(path):
        dates = NEEDED if query.get("date_filter") == "custom" else {}
        answer = platform.get(filled, **query, **dates)
        if NOT_SIMULATED & query.items():
            assert answer.status_code in {200, 400}
        else:
            assert answer.status_code == 200
        if answer.status_code == 200:
            validate(path, answer.json())


def test_the_validation_itself_rejects_what_is_wrong():
    path = "/api/ai-analytics/audience/orgs/{org}/active-users/per-course"
    with pytest.raises(Exception, match="required property"):
        validate(path, {"data": []})
    with pytest.raises(Exception, match="is not of type"):
        validate(path, {"data": [], "total": 1.5, "meta": {"total": 1}})
