import time
import traceback
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr

from exporter.problems import ConfigError
from exporter.settings import ApiLimits, Courses, Org, Settings, listen, load, options
from exporter.windows import Span

FIXTURES = Path(__file__).parents[1] / "fixtures" / "config"
COLLECTORS = frozenset({"active_users", "chat", "chat_today", "videos"})
KEY = "0f1e2d3c4b5a"
ENOUGH = {"IBLAI_ORGS": "acme", "IBLAI_USER_ID": "ops", "IBLAI_API_KEY": KEY}


def read(name):
    return load(FIXTURES / "good" / f"{name}.yml", environ={}, known_collectors=COLLECTORS)


def outcome(path, environ):
    try:
        return load(path, environ=environ, known_collectors=COLLECTORS)
    except ConfigError as error:
        return error


def traced(found):
    return traceback.format_exception(found) if isinstance(found, Exception) else []


def problems(path=None, *, flags=None, environ=None):
    with pytest.raises(ConfigError) as caught:
        load(path, flags=flags or {}, environ=environ or {}, known_collectors=COLLECTORS)
    return list(caught.value.problems)


def written(tmp_path, text):
    path = tmp_path / "config.yml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "path", sorted((FIXTURES / "bad").glob("*.yml")), ids=lambda path: path.stem
)
def test_a_mistake_is_told_with_its_place_and_remedy(path):
    """The comments that a fixture begins with are the problems that it has, without its name."""
    lines = path.read_text().splitlines()
    expected = [line[2:] for line in lines if line.startswith("# ")]
    found = problems(path)
    assert found == [f"{path}:{text}" for text in expected]
    assert not any(secret in "\n".join(found) for secret in ("0f1e2d3c", "hunter2"))


def test_the_complete_example_is_understood():
    found = read("complete")
    assert found.api == ApiLimits()
    assert found.web.listen_address == ":10880"
    assert [org.key for org in found.orgs] == ["acme", "globex"]
    assert found.orgs[0] == Org(
        key="acme",
        user_id="acme-admin",
        api_key_file=Path("/run/secrets/acme"),
        timezone="America/New_York",
        mentors=("6f1c…",),
    )
    assert found.orgs[1] == Org(key="globex", user_id="ops", api_key=SecretStr(KEY))


def test_the_smallest_configuration_takes_every_default():
    (org,) = read("minimal").orgs
    assert org == Org(key="acme", user_id="ops", api_key_file=Path("/run/secrets/acme"))
    assert (org.base_url, org.interval, org.history_interval) == (
        "https://base.manager.iblai.app",
        300,
        3600,
    )


def test_anchors_and_merge_keys_work():
    acme, globex = read("anchors").orgs
    assert globex.courses == acme.courses
    assert (globex.timezone, globex.key) == ("Europe/Berlin", "globex")


def test_an_org_lays_its_own_over_the_top_level_key_by_key():
    acme, globex = read("merged").orgs
    assert (acme.alerts.sensitivity, globex.alerts.sensitivity) == ("low", "2.5")
    assert globex.courses == Courses(include="course-v1:.*", exclude=".*Test.*", enrollments=False)
    assert globex.labels == {"tier": "silver", "region": "eu"}
    assert globex.collectors == {"chat": False, "videos": False}


def test_a_list_of_an_org_replaces_that_of_the_top_level_and_null_unsets():
    acme, globex = read("merged").orgs
    assert (acme.mentors, globex.mentors) == (("everyone",), ())
    assert (acme.max_staleness, globex.max_staleness) == (7200, None)


def test_a_key_file_of_the_org_puts_the_key_of_the_top_level_aside():
    acme, globex = read("merged").orgs
    assert acme.secret() == KEY
    assert globex.api_key is None
    assert globex.api_key_file == FIXTURES / "good" / "globex.key"


def test_words_in_quotes_are_text():
    no, digits, name = read("quoted").orgs
    assert (no.key, digits.key, name.key) == ("no", "0123", "Universität-Köln")
    assert (no.user_id, no.auth_scheme, name.timezone) == ("42", "", "EST5EDT")


def test_the_environment_alone_is_enough():
    (org,) = load(None, environ=ENOUGH).orgs
    assert org == Org(key="acme", user_id="ops", api_key=SecretStr(KEY))


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path):
    path = written(tmp_path, "api: {timeout: 1s, retries: 1, page_size: 1}\ninterval: 1h\n")
    environ = ENOUGH | {"IBLAI_API__TIMEOUT": "2s", "IBLAI_API__RETRIES": "2"}
    found = load(path, flags={"api.timeout": "3s"}, environ=environ)
    assert (found.api.timeout, found.api.retries, found.api.page_size) == (3, 2, 1)
    assert found.api.concurrency == ApiLimits().concurrency
    assert found.orgs[0].interval == 3600


def test_flags_may_be_of_the_type_they_mean_and_none_is_a_flag_not_given():
    flags = {
        "web.enable_reload": True,
        "api.rate_limit": 2.5,
        "api.retries": 0,
        "log.level": None,
        "orgs": [{"key": "acme", "user_id": "ops", "api_key": KEY, "mentors": ["a"]}],
    }
    found = load(None, flags=flags, environ={})
    assert (found.web.enable_reload, found.api.rate_limit, found.api.retries) == (True, 2.5, 0)
    assert found.log.level == "info"
    assert found.orgs[0].mentors == ("a",)


def test_a_wrong_flag_is_named_as_it_is_typed():
    assert problems(flags={"web.listen_address": "9000"}, environ=ENOUGH) == [
        "--web.listen-address: needs host and port, or :port for every address; write :9000"
    ]


def test_the_environment_names_the_file(tmp_path):
    path = written(tmp_path, "interval: 7m\n")
    assert load(None, environ=ENOUGH | {"IBLAI_CONFIG": str(path)}).orgs[0].interval == 420


def test_without_any_org_the_smallest_configuration_is_shown():
    (problem,) = problems()
    assert problem.startswith("orgs: there is no org; write at least orgs: [{key: acme,")


def test_problems_of_all_sources_are_told_at_once(tmp_path):
    path = written(tmp_path, "interval: 300\n")
    environ = ENOUGH | {"IBLAI_HISTORY_INTERVAL": "60", "IBLAI_INTERVL": "1"}
    assert problems(path, flags={"log.level": "loud"}, environ=environ) == [
        "IBLAI_INTERVL: unknown variable; did you mean IBLAI_INTERVAL?",
        "IBLAI_HISTORY_INTERVAL: 60 has no unit; write 1m or 60s",
        "--log.level: loud is not one of debug, info, warning, error",
        f"{path}:1: interval: 300 has no unit; write 5m or 300s",
    ]


def test_a_file_that_cannot_be_read_hides_no_problem_of_the_environment(tmp_path):
    path = tmp_path / "config.yml"
    assert problems(path, environ={"IBLAI_INTERVL": "1m"}) == [
        "IBLAI_INTERVL: unknown variable; did you mean IBLAI_INTERVAL?",
        f"{path}: there is no such file; check the path",
    ]


def test_a_default_that_is_wrong_is_told_once_and_not_for_every_org(tmp_path):
    path = written(tmp_path, "timezone: Mars/Base\norgs: [{key: a}, {key: b}]\n")
    environ = {"IBLAI_USER_ID": "ops", "IBLAI_API_KEY": KEY}
    assert len(problems(path, environ=environ)) == 1


def test_relative_paths_of_a_file_begin_in_its_directory(tmp_path):
    path = written(
        tmp_path,
        "user_id: ops\nsecrets_dir: keys\nweb: {config_file: web.yml}\n"
        "orgs: [{key: acme}, {key: globex, api_key_file: globex.key}]\n",
    )
    found = load(path, environ={})
    assert found.secrets_dir == tmp_path / "keys"
    assert found.web.config_file == tmp_path / "web.yml"
    assert found.orgs[0].api_key_file == tmp_path / "keys" / "acme"
    assert found.orgs[1].api_key_file == tmp_path / "globex.key"


def test_relative_paths_of_the_environment_begin_in_the_working_directory(tmp_path):
    path = written(tmp_path, "orgs: [{key: acme, user_id: ops}]\n")
    found = load(path, environ={"IBLAI_API_KEY_FILE": "acme.key"})
    assert found.orgs[0].api_key_file == Path("acme.key")


def test_an_org_key_cannot_lead_out_of_the_secrets_directory(tmp_path):
    for key in ("..", ".", "../other", "/etc/passwd"):
        path = written(tmp_path, f'user_id: ops\nsecrets_dir: .\norgs: [{{key: "{key}"}}]\n')
        assert "is a path or an address" in problems(path)[0]


def test_the_nearest_place_gives_the_key(tmp_path):
    (tmp_path / "acme").write_text("of-the-dir\n")
    (tmp_path / "file").write_text("of-the-file\n")
    path = written(
        tmp_path,
        "user_id: ops\nsecrets_dir: .\norgs:\n  - {key: acme}\n"
        "  - {key: b, api_key_file: file}\n  - {key: c, api_key: of-its-own}\n",
    )
    found = load(path, environ={})
    assert [org.secret() for org in found.orgs] == ["of-the-dir", "of-the-file", "of-its-own"]


def test_an_org_without_any_key_says_so_when_asked():
    with pytest.raises(ValueError, match="no API key; set api_key_file"):
        Org(key="acme").secret()


def test_orgs_that_say_the_same_are_equal_and_others_are_not(tmp_path):
    path = written(tmp_path, "api_key: a1b2\nuser_id: ops\nlabels: {a: b}\norgs: [{key: acme}]\n")
    before = load(path, environ={})
    assert load(path, environ={}) == before
    assert hash(load(path, environ={}).orgs[0]) == hash(before.orgs[0])
    path.write_text(path.read_text().replace("a1b2", "c3d4"))
    assert load(path, environ={}).orgs[0] != before.orgs[0]


def test_the_constant_labels_begin_with_the_org():
    assert list(Org(key="acme", labels={"tier": "gold"}).constants().items()) == [
        ("org", "acme"),
        ("tier", "gold"),
    ]


@pytest.mark.parametrize(
    ("max_staleness", "seconds"), [(None, 900), (1200.0, 1200), (600.0, 600), (30.0, 600)]
)
def test_figures_are_served_for_three_rhythms_or_as_told_but_never_under_two(
    max_staleness, seconds
):
    assert Org(key="acme", max_staleness=max_staleness).staleness(300) == seconds


def test_a_course_must_match_include_as_a_whole_and_not_exclude():
    courses = Courses(include="course-v1:Acme.*", exclude=".*Sandbox.*")
    assert courses.wants("course-v1:Acme+Bio+2026")
    assert not courses.wants("course-v1:Acme+Sandbox+2026")
    assert not courses.wants("old course-v1:Acme+Bio+2026")
    assert Courses().wants("course-v1:Any+Thing+2026")


def test_an_empty_exclude_leaves_nothing_out():
    assert Courses(exclude="").wants("")


def test_quiet_days_are_days_and_ranges_with_both_ends():
    acme, _ = read("anchors").orgs
    assert acme.quiet_days[1] == Span(date(2026, 12, 24), date(2027, 1, 2))
    quiet = [date(2026, 11, 26), date(2026, 12, 24), date(2026, 12, 31), date(2027, 1, 2)]
    assert all(map(acme.is_quiet, quiet))
    assert not any(map(acme.is_quiet, [date(2026, 11, 27), date(2027, 1, 3)]))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (":10880", ("", 10880)),
        ("127.0.0.1:10880", ("127.0.0.1", 10880)),
        ("[::1]:10880", ("::1", 10880)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_a_listen_address_is_host_and_port(address, expected):
    assert listen(address) == expected


@pytest.mark.parametrize(
    "address", ["", "10880", "::1:10880", "a:b", ":65536", "http://a:1", "a b:1"]
)
def test_a_wrong_listen_address_is_refused_with_what_to_write(address):
    with pytest.raises(ConfigError, match=r"listen address: .*:10880"):
        listen(address)


def test_every_setting_is_described_for_the_reference():
    listed = {option.path: option for option in options()}
    assert all(option.help and option.type for option in listed.values())
    assert listed["interval"].env == "IBLAI_INTERVAL"
    assert (listed["interval"].default, listed["interval"].per_org) == ("5m", True)
    assert (listed["api.max_body"].default, listed["api.max_body"].per_org) == ("16MiB", False)
    assert listed["courses.include"].env == "IBLAI_COURSES__INCLUDE"
    assert listed["courses.exclude"].default == '""'
    assert listed["orgs[].key"].env == "IBLAI_ORGS__0__KEY"
    assert listed["api_key"].default is None


def test_every_default_in_the_reference_is_accepted_as_a_value():
    for option in options():
        if option.default and option.env != "IBLAI_ORGS__0__KEY":
            environ = ENOUGH | {option.env: option.default.strip('"')}
            assert load(None, environ=environ) == load(None, environ=ENOUGH)


def test_a_thousand_orgs_load_quickly_and_share_what_is_alike(tmp_path):
    text = "user_id: ops\napi_key: a1b2\norgs:\n" + "".join(
        f"  - key: org-{i}\n    timezone: Europe/Berlin\n    labels: {{tier: t{i}}}\n"
        "    courses: {exclude: '.*Sandbox.*'}\n    interval: 7m\n"
        for i in range(1000)
    )
    path = written(tmp_path, text)
    began = time.process_time()
    found = load(path, environ={})
    assert time.process_time() - began < 2
    assert len(found.orgs) == 1000
    assert found.orgs[0].zone is found.orgs[999].zone
    assert found.orgs[0].courses._exclude is found.orgs[999].courses._exclude


SECRET = "5f4dcc3b5aa765d61d8327deb882cf99"
SLOTS = ["api_key", "user_id", "interval", "labels", "courses", "orgs", "web", "mentors", "log"]
VALUES = st.recursive(
    st.none() | st.text(max_size=8) | st.sampled_from(["acme", "5m", "true", "3", ".*", "no"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*SLOTS, "key", "include", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def _yaml(value):
    """Write a value as flow YAML, texts as they are: half of them will not be valid."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    return "null" if value is None else value


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from([*SLOTS, "timezone", "collectors", "x"]), VALUES))
def test_any_file_makes_settings_or_a_config_error(tmp_path, tree):
    path = tmp_path / "config.yml"
    path.write_text("\n".join(f"{key}: {_yaml(value)}" for key, value in tree.items()))
    found = outcome(path, {})
    assert isinstance(found, Settings) or (found.problems and all(found.problems))


@given(
    st.dictionaries(
        st.sampled_from([option.env for option in options()] + ["IBLAI_ORGS", "IBLAI_WEB"])
        | st.from_regex(r"IBLAI_[A-Z0-9_]{0,20}", fullmatch=True)
        | st.text(max_size=5).map("IBLAI_ORGS__0__{}".format),
        st.text(max_size=20) | st.sampled_from(['{"a": 1}', "[1]", "5m", "acme,globex", "{}"]),
        max_size=6,
    ).filter(lambda environ: "IBLAI_CONFIG" not in environ)
)
def test_any_environment_makes_settings_or_a_config_error(environ):
    for given_ in (environ, ENOUGH | environ):
        found = outcome(None, given_)
        assert isinstance(found, Settings) or (found.problems and all(found.problems))


@pytest.mark.parametrize(
    "given_",
    [
        f"{SECRET}",
        f" {SECRET}",
        f"'{SECRET} '",
        f"'{SECRET}\\n'",
        f"[{SECRET}]",
        f"{{{SECRET}: x}}",
        f"{{key: {SECRET}}}",
        f"!vault {SECRET}",
        f"*{SECRET}",
        f"&{SECRET}",
        f'"{SECRET}',
        f"{SECRET}\n{SECRET}",
        f"{SECRET}: {SECRET}",
        f"Bearer {SECRET}",
    ],
)
def test_a_key_shows_in_no_text_whatever_is_wrong_with_it(tmp_path, given_, capfd):
    texts = []
    for line in (f"api_key: {given_}", f"apikey: {given_}", f"api_key:{given_}"):
        path = written(tmp_path, f"user_id: ops\n{line}\norgs: [{{key: acme}}]\n")
        found = outcome(path, {})
        texts += [str(found), repr(found), "".join(traced(found))]
    for name in ("IBLAI_API_KEY", "IBLAI_ORGS__0__API_KEY", "IBLAI_APIKEY", "IBLAI_LABELS"):
        found = outcome(None, ENOUGH | {name: given_})
        texts += [str(found), repr(found), "".join(traced(found))]
    assert not any(SECRET in text for text in texts)
    assert SECRET not in "".join(capfd.readouterr())


def test_the_debug_log_of_the_settings_library_shows_no_key(monkeypatch, caplog):
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    caplog.set_level("DEBUG")
    load(None, environ=ENOUGH | {"IBLAI_API_KEY": SECRET})
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("level", "known"), [("WARN", "warning"), ("Info", "info"), ("ERROR", "error")]
)
def test_log_levels_are_case_insensitive_and_warn_is_one(level, known):
    found = load(None, environ={**ENOUGH, "IBLAI_LOG__LEVEL": level})
    assert found.log.level == known


def test_matching_a_course_takes_linear_time():
    courses = Courses(include=r"([\w-]+[+:.]?)+_archived")
    begun = time.process_time()
    assert not courses.wants("course-v1:Acme+Bio101+2026" * 100)
    assert time.process_time() - begun < 1


def test_mentors_may_be_all_of_the_platforms(tmp_path):
    text = f"user_id: ops\napi_key: {KEY}\nmentors: all\norgs: [{{key: acme}}]\n"
    (org,) = load(written(tmp_path, text), environ={}).orgs
    assert org.discovers_mentors


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        (b"\xef\xbb\xbforgs: [acme]\n", ["acme"]),
        (b"orgs:\r\n  - key: acme\r\n  - key: globex\r\n", ["acme", "globex"]),
        (b"orgs: [acme]\t# a tab after the value\n", ["acme"]),
        (b"%YAML 1.1\n---\norgs: [acme]\n...\n", ["acme"]),
        (b"", ["of-the-environment"]),
    ],
)
def test_a_file_may_have_any_line_ends_and_a_byte_order_mark(tmp_path, content, keys):
    path = tmp_path / "config.yml"
    path.write_bytes(content)
    environ = {"IBLAI_USER_ID": "ops", "IBLAI_API_KEY": KEY}
    if not content:
        environ["IBLAI_ORGS"] = "of-the-environment"
    assert [org.key for org in load(path, environ=environ).orgs] == keys


@pytest.mark.parametrize("text", ["yes", "No", "on", "OFF", "true", "False", "'true'", '"no"', "1"])
def test_a_boolean_may_be_written_in_the_words_of_yaml_and_in_quotes(tmp_path, text):
    path = written(tmp_path, f"topics: {text}\n")
    wanted = text.strip("'\"").lower() in {"yes", "on", "true", "1"}
    assert load(path, environ=ENOUGH).orgs[0].topics is wanted


@pytest.mark.parametrize("key", ["1", "true", "~", "'a b'", "self", "_env_file", "sources", "key"])
def test_any_unknown_key_is_refused_with_its_line(tmp_path, key):
    path = written(tmp_path, f"interval: 5m\n{key}: 2\n")
    (problem,) = problems(path, environ=ENOUGH)
    assert problem.startswith(f"{path}:2: ")
    assert "unknown key" in problem


def test_a_mentor_that_is_listed_twice_counts_once(tmp_path):
    path = written(tmp_path, "mentors: [a, b, a]\nextras: [costs, costs]\n")
    (org,) = load(path, environ=ENOUGH).orgs
    assert (org.mentors, org.extras) == (("a", "b"), ("costs",))


def test_keys_and_directories_that_cannot_be_paths_are_reported_once(tmp_path):
    path = written(tmp_path, 'user_id: ops\nsecrets_dir: "a\\0b"\norgs: [acme, globex]\n')
    (problem,) = problems(path)
    assert problem.startswith(f"{path}:2: secrets_dir: contains a line break or control character")


def test_credentials_of_systemd_are_used_unless_the_file_names_a_directory(tmp_path):
    for directory in ("credentials", "keys"):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / "acme").write_text(f"of-{directory}")
    path = written(tmp_path, "user_id: ops\norgs: [acme]\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    assert load(path, environ=environ).orgs[0].secret() == "of-credentials"
    path.write_text(path.read_text() + "secrets_dir: keys\n")
    assert load(path, environ=environ).orgs[0].secret() == "of-keys"


def test_a_blank_key_is_reported_where_it_is_and_not_for_every_org(tmp_path):
    path = written(tmp_path, "user_id: ops\napi_key:\nsecrets_dir: keys\norgs: [acme, globex]\n")
    assert problems(path) == [f"{path}:2: api_key: has no value; write one, or remove the line"]
