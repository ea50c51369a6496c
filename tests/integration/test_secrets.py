"""No key, no learner, no query string anywhere, whatever goes wrong, at the debug level."""

import json
import re
from pathlib import Path

import pytest

from exporter.demo.faults import Fault
from exporter.demo.university import LEARNER_NAME_PREFIX, LEARNER_USERNAME_PREFIX
from tests.integration.conftest import fetch, until
from tests.integration.laboratory import configure, platform

TROUBLE = {
    "acme": [],
    "globex": [Fault(kind="status", status=401), Fault(kind="status", status=403)],
    "initech": [
        Fault(kind="redirect", location="https://elsewhere.invalid/in?token=query-in-a-redirect"),
        Fault(kind="html"),
        Fault(kind="cut"),
        Fault(kind="truncated"),
        Fault(kind="json", payload="surrogates"),
        Fault(kind="json", payload="words"),
    ],
    "org-0004": [
        Fault(kind="timeout", probability=0.3),
        Fault(kind="status", status=429, retry_after=1, probability=0.3),
        Fault(kind="status", status=500, body="html", probability=0.3),
        Fault(kind="drip", seconds=0.1, probability=0.3),
        Fault(kind="content_type", probability=0.3),
    ],
}
LOGFMT = re.compile(
    r'(?:[a-zA-Z_]+=(?:"(?:[^"\\\n]|\\.)*"|[^\s"=]*) ?)+'  # key=value, values quoted where needed
)


def with_learners(answer, query):
    """Put a learner into an answer wherever text is, as a careless platform might."""
    name = f"{LEARNER_NAME_PREFIX}of the course"
    if isinstance(answer, dict) and "pagination" in answer:
        answer["pagination"]["of"] = name
        answer["meta"] = {"asked_by": f"{LEARNER_USERNAME_PREFIX}1"}
    return answer


def said_by(process):
    lines = process.said().splitlines()
    return [line for line in lines if not line.startswith("warning: ")]


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_no_key_learner_or_query_is_found_anywhere(exporter, tmp_path, form):
    with platform(orgs=4, courses=3) as site:
        for key, faults in TROUBLE.items():
            for fault in faults:
                limited = vars_of(fault) | {"org": key}
                limited["times"] = None if fault.probability < 1 else 15
                site.plan.add(Fault(**limited))
        site.lies["active-users/users"] = with_learners
        keys = {org.key: org.api_key for org in site.university.orgs}
        files = {}
        for key, secret in keys.items():
            files[key] = tmp_path / f"key-{key}"
            files[key].write_text(secret)
        path = configure(
            tmp_path / "c",
            site,
            orgs={key: {"api_key_file": str(file)} for key, file in files.items()},
            interval="1s",
            history_interval="1s",
            learner_indexes=True,
            api={"timeout": "500ms", "retries": 1, "rate_limit": 500},
            web={"enable_reload": True},
        )
        process = exporter("serve", "--config", path, "--log-level", "debug", "--log-format", form)
        fetch(f"{process.url}/-/reload", method="POST")
        fetch(f"{process.url}/?q=query-of-a-person")
        fetch(f"{process.url}/nothing?token=query-of-a-person")
        fetch(f"{process.url}/probe?target=query-of-a-person")
        files["globex"].write_text("0" * 64)
        until(lambda: process.said().count("collector failed") > 60, what="failures")
        learners = "iblai_active_learner_engagement_index{"
        until(lambda: learners in process.metrics(), what="what is made of learners")
        pages = [
            process.metrics(),
            process.metrics("application/openmetrics-text"),
            *(fetch(process.url + page)[2] for page in ("/", "/sd", "/-/ready")),
            *(fetch(f"{process.url}/orgs/{key}")[2] for key in keys),
            *(fetch(f"{process.url}/probe?target={key}")[2] for key in keys),
        ]
        proc = Path(f"/proc/{process.process.pid}")
        pages.append((proc / "cmdline").read_bytes().decode())
        pages.append((proc / "comm").read_text())
        assert process.stop() == 0
        log = process.said()
        assert site.recorder.select(endpoint="active-users/users", org="acme", status=200)
    assert "iblai_active_learner_engagement_index{" in pages[0]
    forbidden = [
        *keys.values(),
        *(key[:16] for key in keys.values()),
        "0" * 64,
        LEARNER_NAME_PREFIX.strip(),
        LEARNER_USERNAME_PREFIX,
        "query-in-a-redirect",
        "query-of-a-person",
        "start_date=",
        "include_main_platform=",
        "page=2",
        "Authorization",
    ]
    for text in [log, *pages]:
        assert [word for word in forbidden if word in text] == []
    assert "Traceback" not in log
    for line in said_by(process):
        assert readable(line, form), line
    assert {org for org in keys if f'org="{org}"' in pages[0]} == set(keys)


def readable(line, form):
    if form == "json":
        event = json.loads(line)
        return {"ts", "level", "event", "logger"} <= event.keys()
    return LOGFMT.fullmatch(line) and line.startswith("ts=") and " event=" in line


def vars_of(fault):
    return {name: getattr(fault, name) for name in fault.__dataclass_fields__}


def test_keys_in_files_rotate_without_a_restart(exporter, tmp_path):
    with platform(orgs=1, courses=2) as site:
        right, file = site.university.org("acme").api_key, tmp_path / "key"
        file.write_text("0123456789abcdef" * 4)
        path = configure(
            tmp_path / "c", site, orgs={"acme": {"api_key_file": str(file)}}, interval="1s"
        )
        process = exporter("serve", "--config", path)
        assert 'iblai_up{org="acme"} 0' in process.metrics()
        replacement = tmp_path / "new"
        replacement.write_text(right + "\n")
        replacement.replace(file)
        until(lambda: 'iblai_up{org="acme"} 1' in process.metrics(), what="the new key")
        file.unlink()
        until(lambda: 'iblai_up{org="acme"} 0' in process.metrics(), what="the loss of the key")
        assert 'iblai_active_users_today{org="acme"}' in process.metrics()
        assert process.stop() == 0
