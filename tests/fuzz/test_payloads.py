"""Whatever the API says, every collector makes sound figures of it or says that it cannot."""

import json
import math
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter import collectors
from exporter.api.payloads import PayloadError
from exporter.collectors.visit import Visit
from exporter.settings import Org
from exporter.snapshots import render
from tests.fuzz.strategies import ANSWERS

ORG = Org(key="acme", user_id="ops", mentors=("m",), learner_indexes=True)


class Api:
    """Gives the same answers to everybody, in turn, and nobody an endless list."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = 0

    async def get(self, account, call):
        self.asked += 1
        return self.answers[self.asked % len(self.answers)]


async def visit(collector, answers):
    async def courses():
        return {"course-v1:Acme+Bio101+2026": "Biology"}

    flaws = []
    api = Api(answers)
    findings = await collector.visit(
        Visit(
            org=ORG,
            api=api,
            day=date(2026, 5, 6),
            rhythm=300.0,
            priority=0,
            page_size=100,
            kept={},
            courses=courses,
            flawed=lambda endpoint, reason, count: flaws.append((reason, count)),
        )
    )
    return findings, flaws


bodies = st.one_of(
    st.binary(max_size=60),
    ANSWERS.map(lambda answer: json.dumps(answer).encode("utf-8", "surrogatepass")),
    ANSWERS.map(lambda answer: json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace")),
)


@pytest.mark.parametrize("collector", collectors.COLLECTORS, ids=lambda c: c.name)
@settings(max_examples=25)
@given(answers=st.lists(bodies, min_size=1, max_size=3))
async def test_every_answer_is_read_or_refused(collector, answers):
    refused = ""
    try:
        findings, flaws = await visit(collector, answers)
    except PayloadError as error:
        refused = str(error)
    if refused:
        assert refused.isprintable()
        assert len(refused) < 300
        return
    assert all(count > 0 for _, count in flaws)
    lines = render(findings.samples, ORG.constants())
    seen = set()
    for metric, rows in findings.samples:
        assert all(math.isfinite(value) for value in rows.values())
        assert all(len(labels) == len(metric.labels) - 1 for labels in rows)
        text = f"# TYPE {metric.name} gauge\n" + lines.get(metric.name, b"").decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = sample.name, tuple(sorted(sample.labels.items()))
                assert key not in seen
                seen.add(key)
    assert len(seen) == len(findings.samples)
    for course_id, name in findings.courses.items():
        assert course_id.encode()
        assert name.encode() is not None
