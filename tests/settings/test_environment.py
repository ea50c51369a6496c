import json

import pytest

from exporter.problems import ConfigError
from exporter.settings import load

ENOUGH = {"IBLAI_ORGS": "acme", "IBLAI_USER_ID": "ops", "IBLAI_API_KEY": "a1b2"}
FILE = """
user_id: ops
orgs:
  - {key: acme, api_key_file: acme.key, interval: 7m, courses: {include: "a.*"}}
  - {key: globex, api_key: g1, labels: {tier: gold}}
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "config.yml"
    path.write_text(FILE)
    return path


def orgs(environ, path=None):
    return load(path, environ=environ).orgs


def problem(environ, path=None):
    with pytest.raises(ConfigError) as caught:
        load(path, environ=environ)
    (only,) = caught.value.problems
    return only


def test_orgs_may_be_listed_by_key_and_share_the_top_level():
    found = orgs(ENOUGH | {"IBLAI_ORGS": "acme, globex,", "IBLAI_TIMEZONE": "Europe/Berlin"})
    assert [(org.key, org.user_id, org.timezone) for org in found] == [
        ("acme", "ops", "Europe/Berlin"),
        ("globex", "ops", "Europe/Berlin"),
    ]


def test_orgs_may_be_json():
    listed = [{"key": "acme", "mentors": ["a"], "labels": {"tier": "gold"}}, {"key": "globex"}]
    acme, globex = orgs(ENOUGH | {"IBLAI_ORGS": json.dumps(listed, indent="\t")})
    assert (acme.mentors, acme.labels, globex.key) == (("a",), {"tier": "gold"}, "globex")


def test_orgs_may_be_given_one_variable_at_a_time():
    environ = {
        "IBLAI_ORGS__0__KEY": "acme",
        "IBLAI_ORGS__0__USER_ID": "ops",
        "IBLAI_ORGS__0__API_KEY": "a1b2",
        "IBLAI_ORGS__0__COURSES__INCLUDE": "course-v1:.*",
        "IBLAI_ORGS__0__LABELS__TIER": "gold",
        "IBLAI_ORGS__0__COLLECTORS__CHAT": "off",
        "IBLAI_ORGS__0__MENTORS": "a, b",
        "IBLAI_ORGS__0__QUIET_DAYS": '["2026-12-24"]',
    }
    (org,) = orgs(environ)
    assert org.courses.include == "course-v1:.*"
    assert (org.labels, org.collectors) == ({"tier": "gold"}, {"chat": False})
    assert (org.mentors, len(org.quiet_days)) == (("a", "b"), 1)


def test_a_variable_of_an_index_is_laid_over_the_org_of_the_file_at_that_index(path):
    acme, globex = orgs({"IBLAI_ORGS__0__INTERVAL": "9m", "IBLAI_ORGS__1__LABELS__A": "b"}, path)
    assert (acme.key, acme.interval, acme.courses.include) == ("acme", 540, "a.*")
    assert globex.labels == {"tier": "gold", "a": "b"}


def test_a_key_from_the_environment_puts_the_key_file_of_the_same_org_aside(path):
    acme, _ = orgs({"IBLAI_ORGS__0__API_KEY": "e1"}, path)
    assert (acme.secret(), acme.api_key_file) == ("e1", None)


def test_a_whole_list_of_orgs_replaces_that_of_the_file_and_its_keys_with_it(path):
    found = load(path, environ=ENOUGH | {"IBLAI_ORGS": "initech"})
    (org,) = found.orgs
    assert (org.key, org.secret(), org.interval) == ("initech", "a1b2", 300)
    assert f"the orgs of {path} are not used: IBLAI_ORGS replaces them all" in found.warnings


def test_an_org_after_a_gap_is_refused():
    environ = ENOUGH | {"IBLAI_ORGS__2__KEY": "initech"}
    assert problem(environ) == "IBLAI_ORGS: has no entry 1 before 2; number orgs from 0"


def test_a_section_may_be_json_and_single_variables_are_laid_over_it():
    environ = {"IBLAI_API": '{"timeout": "5s", "retries": 1}', "IBLAI_API__RETRIES": "2"}
    found = load(None, environ=ENOUGH | environ)
    assert (found.api.timeout, found.api.retries) == (5, 2)


def test_an_empty_variable_counts_as_not_set_except_where_empty_means_something():
    environ = {"IBLAI_API_KEY_FILE": "", "IBLAI_INTERVAL": "", "IBLAI_AUTH_SCHEME": ""}
    (org,) = orgs(ENOUGH | environ)
    assert (org.interval, org.auth_scheme, org.api_key_file) == (300, "", None)


@pytest.mark.parametrize("text", ["true", "1", "yes", "on", "TRUE", "On"])
def test_a_switch_is_on_in_the_words_people_use(text):
    assert load(None, environ=ENOUGH | {"IBLAI_WEB__ENABLE_RELOAD": text}).web.enable_reload


@pytest.mark.parametrize("text", ["false", "0", "no", "off", "False"])
def test_a_switch_is_off_in_the_words_people_use(text):
    assert not load(None, environ=ENOUGH | {"IBLAI_WEB__ENABLE_RELOAD": text}).web.enable_reload


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("IBLAI_API_TIMEOUT", "did you mean IBLAI_API__TIMEOUT?"),
        ("IBLAI_TIME_ZONE", "did you mean IBLAI_TIMEZONE?"),
        ("IBLAI_LISTEN_ADDRESS", "did you mean IBLAI_WEB__LISTEN_ADDRESS?"),
        ("IBLAI_interval", "did you mean IBLAI_INTERVAL?"),
        ("IBLAI_ORG", "did you mean IBLAI_ORGS?"),
        ("IBLAI_ORGS__0__USERID", "did you mean IBLAI_ORGS__0__USER_ID?"),
        ("IBLAI_ORGS__ACME__USER_ID", "orgs are numbered from 0, as in IBLAI_ORGS__0__KEY"),
        ("IBLAI_WEATHER", "see the reference of settings"),
        ("IBLAI_PORT", "see the reference of settings"),
        ("IBLAI_", "see the reference of settings"),
    ],
)
def test_an_unknown_variable_is_refused_with_what_was_meant(name, remedy):
    assert problem(ENOUGH | {name: "8080"}) == f"{name}: unknown variable; {remedy}"


def test_what_kubernetes_sets_for_a_service_of_that_name_is_passed_over():
    services = {
        "IBLAI_EXPORTER_SERVICE_HOST": "10.0.0.1",
        "IBLAI_EXPORTER_PORT": "tcp://10.0.0.1:10880",
        "IBLAI_PORT": "tcp://10.0.0.1:10880",
        "IBLAI_PROD_SERVICE_HOST": "10.0.0.1",
        "IBLAI_PROD_SERVICE_PORT": "10880",
        "IBLAI_PROD_SERVICE_PORT_HTTP": "10880",
        "IBLAI_PROD_PORT_10880_TCP": "tcp://10.0.0.1:10880",
        "IBLAI_PROD_PORT_10880_TCP_PROTO": "tcp",
        "IBLAI_PROD_PORT_10880_TCP_PORT": "10880",
        "IBLAI_PROD_PORT_10880_TCP_ADDR": "fd00::1",
    }
    assert load(None, environ=ENOUGH | services) == load(None, environ=ENOUGH)


def test_variables_that_the_command_line_may_use_are_passed_over():
    assert orgs(ENOUGH | {"_IBLAI_EXPORTER_COMPLETE": "x", "IBLAI_EXPORTER_SERVE_CONFIG": "x"})


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("IBLAI_ORGS", "[{]", "IBLAI_ORGS: is not JSON at character 3"),
        ("IBLAI_ORGS", '{"key": "acme"}', "IBLAI_ORGS: must be a list; begin each org"),
        ("IBLAI_ORGS", '[{"key": 1}]', "IBLAI_ORGS: [0].key: must be text, not a number"),
        (
            "IBLAI_ORGS",
            '[{"key": "a", "key": "b"}]',
            "IBLAI_ORGS: is not valid JSON: a key",
        ),
        ("IBLAI_ORGS", "[" * 100_000, "IBLAI_ORGS: is nested too deep"),
        ("IBLAI_LABELS", "tier=gold", 'IBLAI_LABELS: must be JSON, such as {"name": "value"}'),
        ("IBLAI_LABELS__JOB", "x", "IBLAI_LABELS__JOB: is a label of the metrics or of Prometheus"),
        ("IBLAI_USER_ID", "o\udce9ps", "IBLAI_USER_ID: is not valid UTF-8; write it again"),
        ("IBLAI_API_KEY", "a1b2\n", "IBLAI_API_KEY: contains a line break"),
        ("IBLAI_INTERVAL", "300", "IBLAI_INTERVAL: 300 has no unit; write 5m or 300s"),
    ],
)
def test_a_wrong_value_is_told_with_its_variable(name, value, text):
    assert text in problem(ENOUGH | {name: value})


def test_a_key_that_slipped_into_a_name_is_not_shown():
    key = "5f3a9c0d" * 8
    with pytest.raises(ConfigError, match="IBLAI_…: unknown variable") as error:
        load(None, environ={f"IBLAI_{key}": "acme"})
    assert key not in str(error.value)


@pytest.mark.parametrize(
    "name", ["IBLAI_LABELS", "IBLAI_COURSES", "IBLAI_API", "IBLAI_EXTRAS", "IBLAI_ORGS__0"]
)
def test_an_empty_list_mapping_or_section_counts_as_not_set(name):
    assert load(None, environ=ENOUGH | {name: ""}) == load(None, environ=ENOUGH)


def test_an_empty_section_does_not_hide_its_settings():
    environ = {
        "IBLAI_API": "",
        "IBLAI_API__TIMEOUT": "5s",
        "IBLAI_LABELS": "",
        "IBLAI_LABELS__A": "b",
    }
    found = load(None, environ=ENOUGH | environ)
    assert found.api.timeout == 5
    assert found.orgs[0].labels == {"a": "b"}


def test_labels_may_be_empty_and_regular_expressions_too():
    environ = {"IBLAI_LABELS__A": "", "IBLAI_ORGS__0__COURSES__EXCLUDE": ""}
    (org,) = orgs(ENOUGH | {"IBLAI_COURSES__EXCLUDE": ".*x"} | environ)
    assert (org.labels, org.courses.exclude) == ({"a": ""}, "")


def test_a_list_of_orgs_and_numbered_variables_go_together(path):
    environ = {
        "IBLAI_ORGS": "a,b",
        "IBLAI_ORGS__0__API_KEY": "a1",
        "IBLAI_ORGS__1__API_KEY": "b1",
        "IBLAI_ORGS__1__COURSES": '{"include": "x.*", "exclude": "y.*"}',
        "IBLAI_ORGS__1__COURSES__EXCLUDE": "z.*",
    }
    first, second = orgs(environ | {"IBLAI_USER_ID": "ops"}, path)
    assert (first.key, first.secret(), second.key, second.secret()) == ("a", "a1", "b", "b1")
    assert (second.courses.include, second.courses.exclude) == ("x.*", "z.*")


def test_an_org_may_be_one_variable_with_single_settings_laid_over_it():
    environ = {
        "IBLAI_ORGS__0": '{"key": "acme", "interval": "7m", "labels": {"a": "b"}}',
        "IBLAI_ORGS__0__INTERVAL": "8m",
        "IBLAI_ORGS__0__LABELS__C": "d",
        "IBLAI_ORGS__1": "globex",
        "IBLAI_ORGS__1__TIMEZONE": "Europe/Berlin",
        "IBLAI_USER_ID": "ops",
        "IBLAI_API_KEY": "a1b2",
    }
    acme, globex = orgs(environ)
    assert (acme.interval, acme.labels) == (480, {"a": "b", "c": "d"})
    assert (globex.key, globex.timezone) == ("globex", "Europe/Berlin")


def test_a_regular_expression_that_begins_with_a_bracket_is_no_json():
    (org,) = orgs(ENOUGH | {"IBLAI_COURSES__INCLUDE": "[a-z].*"})
    assert org.courses.include == "[a-z].*"


def test_a_section_in_json_is_laid_over_that_of_the_file(tmp_path):
    path = tmp_path / "config.yml"
    path.write_text("api: {timeout: 5s, retries: 1}\nlabels: {a: b, c: d}\n")
    environ = {"IBLAI_API": '{"retries": 2}', "IBLAI_LABELS": '{"c": "e"}'}
    found = load(path, environ=ENOUGH | environ)
    assert (found.api.timeout, found.api.retries) == (5, 2)
    assert found.orgs[0].labels == {"a": "b", "c": "e"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IBLAI_API", '{"retries": true}'),
        ("IBLAI_API", '{"retries": 1e999}'),
        ("IBLAI_API", '{"rate_limit": NaN}'),
        ("IBLAI_API", '{"retries": %s}' % ("1" * 5000)),
        ("IBLAI_API__RATE_LIMIT", "nan"),
        ("IBLAI_API__RATE_LIMIT", "0"),
        ("IBLAI_API__CONCURRENCY", "٣"),
        ("IBLAI_SERIES_LIMIT", "1e3"),
        ("IBLAI_MIN_GROUP_SIZE", "007"),
        ("IBLAI_DEPARTMENT_ID", "null"),
        ("IBLAI_LABELS", '{"a": null}'),
        ("IBLAI_LABELS", '{"a": 1}'),
        ("IBLAI_LABELS", "null"),
        ("IBLAI_USER_ID", " ops"),
        ("IBLAI_ORGS", "[null]"),
        ("IBLAI_ORGS", '[["acme"]]'),
        ("IBLAI_ORGS", "[5]"),
        ("IBLAI_SECRETS_DIR", "a\tb"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_variable(name, value):
    assert problem(ENOUGH | {name: value}).startswith(f"{name}: ")


@pytest.mark.parametrize(
    "name",
    [
        "IBLAI_INTERVAL__X",
        "IBLAI_API__",
        "IBLAI_API__FOO",
        "IBLAI_CONFIG__X",
        "IBLAI_LABELS__A__B",
        "IBLAI_MENTORS__0",
        "IBLAI_ORGS__00__KEY",
        "IBLAI_ORGS__-1__KEY",
        "IBLAI_ORGS__0__API__TIMEOUT",
        "IBLAI_ORGS__0_KEY",
        "IBLAI_KEY",
    ],
)
@pytest.mark.parametrize("value", ["x", ""])
def test_an_unknown_variable_is_refused_at_any_level_even_if_it_is_empty(name, value):
    assert problem(ENOUGH | {name: value}).startswith(f"{name}: unknown variable; ")
