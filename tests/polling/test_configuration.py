"""Orgs and settings that change while the exporter runs."""

from collections import Counter
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from exporter.settings import Alerts, ApiLimits, Courses, Org
from exporter.windows import Span
from tests.integration.fake_api import Fault
from tests.polling.bench import is_value

SETTINGS = {
    "labels": {"labels": {"team": "x"}},
    "min_group_size": {"min_group_size": 10},
    "courses.exclude": {"courses": Courses(exclude=".*C1.*")},
    "courses.include": {"courses": Courses(include=".*C1.*")},
    "percentages": {"percentages": "ratio"},
    "series_limit": {"series_limit": 60},
    "max_staleness": {"max_staleness": 7200.0},
    "interval": {"interval": 600.0},
    "history_interval": {"history_interval": 7200.0},
    "timezone": {"timezone": "Asia/Tokyo"},
    "range_end": {"range_end": "exclusive"},
    "include_main_platform": {"include_main_platform": False},
    "department_id": {"department_id": 7},
    "learner_indexes": {"learner_indexes": True},
    "topics": {"topics": True},
    "extras": {"extras": ("learning",)},
    "mentors": {"mentors": ("m1",)},
    "collectors": {"collectors": {"past_active_users": False, "videos": False}},
    "alerts": {"alerts": Alerts(sensitivity="high")},
    "quiet_days": {"quiet_days": (Span(date(2026, 5, 1), date(2026, 5, 2)),)},
    "auth_scheme": {"auth_scheme": ""},
}


@pytest.mark.parametrize("overloaded", [False, True], ids=["", "above capacity"])
@pytest.mark.parametrize("setting", SETTINGS)
async def test_a_reload_with_the_api_down_keeps_every_value_that_is_still_valid(
    bench, acme, api, setting, overloaded
):
    exporter = bench(acme)
    await exporter.settle()
    if overloaded:
        exporter.limits = ApiLimits(rate_limit=0.005, retries=0, timeout=5.0, concurrency=4)
        await exporter.reload(acme)
    before = await exporter.series()
    api.faults = [Fault(status=503)]
    changed = replace(acme, **SETTINGS[setting])
    await exporter.reload(changed)
    if overloaded:
        await exporter.pass_time(4 * acme.interval, step=60)
    await exporter.settle()
    after = await exporter.series()
    team = dict(changed.labels)

    def kept(name, labels):
        return after.get((name, tuple(sorted({**dict(labels), **team}.items()))))

    lost = {
        (name, labels): value
        for (name, labels), value in before.items()
        if ("org", "acme") in labels and is_value(name) and kept(name, labels) != value
    }
    allowed = {
        "min_group_size": lambda n, lb: (
            0 < before[n, lb] < 10 or "per_learner" in n or "ratio" in n
        ),
        "courses.exclude": lambda n, lb: "C1+" in str(lb),
        "courses.include": lambda n, lb: "course" in n and "C1+" not in str(lb),
        "percentages": lambda n, lb: n.endswith("_ratio"),
        "series_limit": lambda n, lb: "course" in n,
        "collectors": lambda n, lb: n.startswith("iblai_video_completions"),
        "timezone": lambda n, lb: "expected" in n,
        "range_end": lambda n, lb: "expected" in n,
        "include_main_platform": lambda n, lb: "expected" in n,
        "department_id": lambda n, lb: "expected" in n,
        "alerts": lambda n, lb: "expected_low" in n,
        "quiet_days": lambda n, lb: "expected" in n,
    }.get(setting, lambda n, lb: False)
    wrong = {key for key in lost if not allowed(*key)}
    assert not wrong


async def test_values_of_people_are_withheld_by_a_reload_at_once(bench, acme, api):
    exporter = bench(acme)
    await exporter.settle()
    api.faults = [Fault(status=503)]
    await exporter.reload(replace(acme, min_group_size=1_000_000))
    names = await exporter.names()
    about_people = ("users", "enrollments", "learner", "watched_ratio", "completions")
    assert not {n for n in names if any(word in n for word in about_people)}
    assert "iblai_chat_sessions_7d" in names


@pytest.mark.parametrize(
    "change", [{"user_id": "other"}, {"api_key": SecretStr("fedcba9876543210" * 4)}]
)
async def test_another_user_or_key_invalidates_an_orgs_data(bench, acme, api, change):
    exporter = bench(acme)
    await exporter.settle()
    api.faults = [Fault(status=503)]
    await exporter.reload(replace(acme, **change))
    await exporter.settle()
    assert "iblai_enrollments_7d" not in await exporter.names()


async def test_a_reload_of_one_org_does_not_touch_the_others(bench, acme, api):
    globex = replace(acme, key="globex")
    exporter = bench(acme, globex)
    await exporter.settle()
    api.received.clear()
    await exporter.reload(replace(acme, labels={"team": "x"}), globex)
    await exporter.settle()
    assert api.of("globex") == []
    assert "iblai_enrollments_7d" in await exporter.names("globex")


async def test_a_removed_org_disappears_at_once(bench, acme, api):
    exporter = bench(acme, replace(acme, key="globex"))
    await exporter.settle()
    await exporter.reload(acme)
    assert await exporter.names("globex") == set()


async def test_a_longer_interval_loses_no_value_until_the_next_collection(bench, acme, api):
    exporter = bench(acme)
    await exporter.settle()
    before = await exporter.values()
    await exporter.reload(replace(acme, interval=4 * 3600.0, history_interval=12 * 3600.0))
    for _ in range(10):
        await exporter.pass_time(3600, step=600)
        assert await exporter.values() == before


async def test_max_staleness_applies_to_values_already_collected(bench, acme, api):
    exporter = bench(acme)
    await exporter.settle()
    api.faults = [Fault(status=503)]
    await exporter.pass_time(800, step=100)
    assert await exporter.value("iblai_enrollments_today") == 3
    await exporter.reload(replace(acme, max_staleness=700.0))
    assert await exporter.value("iblai_enrollments_today") is None
    assert await exporter.value("iblai_enrollments_7d") == 21


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
async def test_another_time_zone_with_the_api_down_ends_todays_values_if_it_is_another_day(
    bench, acme, api, clock, zone
):
    clock.advance(-6 * 3600 if zone == "Pacific/Pago_Pago" else 0)  # the day differs
    api.now = lambda: clock.now().astimezone(ZoneInfo(zone))
    exporter = bench(acme)
    await exporter.settle()
    before = await exporter.values()
    api.faults = [Fault(status=503)]
    await exporter.reload(replace(acme, timezone=zone))
    await exporter.settle()
    after = await exporter.values()
    gone = {name for name, _ in before.keys() - after.keys()}
    assert gone == {n for n, _ in before if "_today" in n or "_expected" in n}
    assert all(before[key] == value for key, value in after.items())
    api.faults = []
    await exporter.pass_time(700, step=10)
    assert (await exporter.values()).keys() >= {k for k in before if "_expected" not in k[0]}


async def test_another_time_zone_keeps_its_values_across_a_restart(
    bench, acme, api, clock, tmp_path
):
    exporter = bench(acme, state_dir=tmp_path)
    await exporter.settle()
    api.faults = [Fault(status=503)]
    tokyo = replace(acme, timezone="Asia/Tokyo")
    await exporter.reload(tokyo)
    before = await exporter.values()
    await exporter.pipeline.close()
    again = bench(tokyo, state_dir=tmp_path)
    assert await again.values() == before


async def test_a_key_that_cannot_be_read_during_a_reload_costs_no_value(
    bench, acme, api, clock, tmp_path
):
    file = tmp_path / "key"
    file.write_text("0123456789abcdef" * 4)
    org = replace(acme, api_key=None, api_key_file=file)
    exporter = bench(org)
    await exporter.settle()
    before = await exporter.values()
    file.unlink()
    await exporter.reload(replace(org, api_key_file=file))
    assert await exporter.values() == before
    file.write_text("0123456789abcdef" * 4)
    await exporter.reload(replace(org, api_key_file=file))
    assert await exporter.values() == before


async def test_another_address_invalidates_an_orgs_data_even_if_the_key_cannot_be_read(
    bench, acme, api, tmp_path
):
    exporter = bench(acme)
    await exporter.settle()
    moved = {"base_url": f"{api.url}/other", "api_key": None, "api_key_file": tmp_path / "none"}
    await exporter.reload(replace(acme, **moved))
    assert await exporter.values() == {}


async def test_a_reload_reads_each_key_once(bench, acme, api, monkeypatch):
    orgs = [replace(acme, key=f"org{number}") for number in range(5)]
    exporter = bench(*orgs)
    await exporter.settle()
    reads = Counter()

    def secret(org):
        reads[org.key] += 1
        return org.api_key.get_secret_value()

    monkeypatch.setattr(Org, "secret", secret)
    await exporter.reload(*(replace(org, labels={"team": "x"}) for org in orgs[:3]), *orgs[3:])
    assert reads == dict.fromkeys((org.key for org in orgs), 1)
