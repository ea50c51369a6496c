from datetime import date
from zoneinfo import ZoneInfo

import pytest

from exporter.demo.university import Drop, University

UNIVERSITY = University()


def test_the_first_orgs_are_named_and_their_people_live_in_three_time_zones():
    orgs = UNIVERSITY.orgs
    assert [(org.key, org.home) for org in orgs] == [
        ("acme", "America/New_York"),
        ("globex", "UTC"),
        ("initech", "Europe/Berlin"),
    ]
    assert {org.timezone for org in orgs} == {"UTC"}


def test_further_orgs_are_numbered_and_their_time_zones_exist():
    orgs = University(orgs=40, courses=1).orgs
    assert orgs[3].key == "org-0004"
    assert all(ZoneInfo(org.home) for org in orgs)
    assert len({org.key for org in orgs}) == len({org.api_key for org in orgs}) == 40


def test_keys_are_64_hexadecimal_digits_and_follow_from_the_seed():
    first, again, other = University(7), University(7), University(8)
    assert all(len(bytes.fromhex(org.api_key)) == 32 for org in first.orgs)
    assert first.orgs == again.orgs
    assert not {org.api_key for org in first.orgs} & {org.api_key for org in other.orgs}


def test_the_text_of_an_org_has_no_key():
    org = UNIVERSITY.orgs[0]
    assert org.api_key not in f"{org!r} {org}"


def test_course_ids_are_unique_and_awkward():
    courses = University(courses=50).data("acme").courses
    ids = [course.course_id for course in courses]
    assert len(set(ids)) == 50
    assert "course-v1:Acme+Bio101+2026" in ids
    assert "Acme/Course/Run" in ids
    names = [course.name for course in courses]
    assert "" in names
    for mark in ('"', "\\", "\n", "🎨", "מ"):
        assert any(mark in name for name in names)


def test_agents_have_unique_ids_and_some_have_equal_names():
    agents = UNIVERSITY.data("acme").agents
    assert tuple(agent.agent_id for agent in agents) == UNIVERSITY.orgs[0].mentors
    assert len({agent.agent_id for agent in agents}) == 3
    assert len({agent.name for agent in agents}) == 2


def test_a_drop_is_parsed_from_text():
    assert Drop.parse("acme:3:0.6") == Drop("acme", 3, 0.6)


@pytest.mark.parametrize(
    "text", ["", "acme", "acme:3", ":3:0.5", "acme:x:0.5", "acme:-1:0.5", "acme:3:60", "acme:3:nan"]
)
def test_an_invalid_drop_is_an_error_with_an_example(text):
    with pytest.raises(ValueError, match=r"acme:3:0\.6"):
        Drop.parse(text)


def test_a_drop_and_a_first_day_of_an_unknown_org_are_errors():
    with pytest.raises(ValueError, match="nobody"):
        University(drops=[Drop("nobody", 1, 0.5)])
    with pytest.raises(ValueError, match="nobody"):
        University(opened={"nobody": date(2026, 3, 1)})
