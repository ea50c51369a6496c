"""Usage of language models: calls, tokens, cost and latency by model."""

import pytest

from exporter.api import endpoints
from exporter.api.payloads import PayloadError
from exporter.catalog import OTHER, TOP
from exporter.collectors import usage
from tests.collectors.conftest import days_of

USAGE = endpoints.LLM_USAGE


def by_model(models):
    """Return sums that grow with the number of days, and latencies in milliseconds."""

    def respond(call):
        days = len(days_of(call))
        aggregation = call.query["aggregation"]
        latency = {"p50": 250, "p95": 1500}.get(aggregation)
        return {
            "data": [
                {
                    "model": model,
                    **(
                        {f"latency_{aggregation}": latency}
                        if latency
                        else {
                            "count": calls * days,
                            "input_tokens_sum": 100 * calls * days,
                            "output_tokens_sum": 10 * calls * days,
                            "total_cost_sum": calls * days / 100,
                        }
                    ),
                }
                for model, calls in models.items()
            ]
        }

    return respond


async def test_usage_of_today_by_model(bench, api):
    api.answers[USAGE] = by_model({"gpt-4o": 6, "claude": 4})
    found = await bench.values(usage.usage_today)
    assert found["llm_calls_today gpt-4o"] == 6
    assert found["llm_input_tokens_today claude"] == 400
    assert found["llm_output_tokens_today claude"] == 40
    assert found["llm_cost_today_usd gpt-4o"] == 0.06
    assert found["llm_latency_p50_today_seconds gpt-4o"] == 0.25
    assert found["llm_latency_p95_today_seconds claude"] == 1.5
    assert len(found) == 12
    assert api.requested("aggregation", "group_by") == [
        ("sum", "model"),
        ("p50", "model"),
        ("p95", "model"),
    ]
    assert {last for _, last in api.spans()} == {bench.day}


async def test_usage_of_complete_days_by_model(bench, api):
    api.answers[USAGE] = by_model({"gpt-4o": 6})
    found = await bench.values(usage.usage)
    assert found["llm_calls_1d gpt-4o"] == 6
    assert found["llm_calls_7d gpt-4o"] == 42
    assert found["llm_latency_p95_7d_seconds gpt-4o"] == 1.5
    assert len(api.calls) == 6


async def test_the_models_most_called_are_named_and_only_sums_have_others(bench, api):
    models = {f"m{n:02}": n + 1 for n in range(TOP + 2)}
    api.answers[USAGE] = by_model(models)
    found = await bench.values(usage.usage_today)
    assert found[f"llm_calls_today {OTHER}"] == 1 + 2
    assert found[f"llm_cost_today_usd {OTHER}"] == pytest.approx(0.03)
    latencies = {name for name in found if "latency" in name}
    assert len(latencies) == 2 * TOP
    assert not any(OTHER in name for name in latencies)
    assert not any("m00" in name or "m01" in name for name in found)


async def test_no_calls_mean_no_series(bench, api):
    api.answers[USAGE] = {"data": []}
    assert await bench.values(usage.usage_today) == {}


async def test_rows_without_any_known_member_are_a_payload_error(bench, api):
    api.answers[USAGE] = {"data": [{"model": "gpt-4o", "oops": 1}]}
    with pytest.raises(PayloadError):
        await bench.values(usage.usage_today)
    assert bench.errors == {("llm_usage", "unreadable"): 1}


async def test_a_null_latency_is_absent(bench, api):
    respond = by_model({"gpt-4o": 6})

    def without(call):
        response = respond(call)
        if call.query["aggregation"] == "p95":
            response["data"][0]["latency_p95"] = None
        return response

    api.answers[USAGE] = without
    found = await bench.values(usage.usage_today)
    assert "llm_latency_p50_today_seconds gpt-4o" in found
    assert "llm_latency_p95_today_seconds gpt-4o" not in found
