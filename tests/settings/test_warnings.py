import pytest

from exporter.settings import load

ENOUGH = {"IBLAI_ORGS": "acme", "IBLAI_USER_ID": "ops", "IBLAI_API_KEY": "a1b2"}


def warnings(environ=None, path=None):
    return load(path, environ=ENOUGH | (environ or {})).warnings


def test_a_plain_configuration_has_no_warnings():
    assert warnings() == ()


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"IBLAI_INTERVAL": "10s"}, "interval 10s is under 30s"),
        ({"IBLAI_HISTORY_INTERVAL": "1m"}, "history_interval is shorter than interval"),
        ({"IBLAI_BASE_URL": "http://base.example.org"}, "base_url is plain http"),
        ({"IBLAI_BASE_URL": "http://10.0.0.1:8000"}, "base_url is plain http"),
        ({"IBLAI_COURSES__EXCLUDE": ".*"}, "leave no course"),
        ({"IBLAI_COURSES__EXCLUDE": "a.*|course-v1:Acme+Bio+2026"}, r"write \+"),
        ({"IBLAI_COURSES__INCLUDE": "Bio101"}, "this one has no wildcard; write .*WORD.*"),
    ],
)
def test_what_is_most_likely_not_meant_is_told_with_the_orgs_it_is_about(environ, text):
    (warning,) = warnings(environ)
    assert text in warning
    assert warning.endswith("(acme)")


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://127.0.0.1", "http://[::1]:8000"])
def test_plain_http_to_this_machine_is_fine(url):
    assert warnings({"IBLAI_BASE_URL": url}) == ()


@pytest.mark.parametrize("include", [r"course-v1:Acme\+Bio\+2026", "course-v1:Acme.+", ".*Bio.*"])
def test_a_regular_expression_that_means_what_it_says_is_fine(include):
    assert warnings({"IBLAI_COURSES__INCLUDE": include}) == ()


def test_a_warning_about_many_orgs_is_one_warning():
    (warning,) = warnings({"IBLAI_INTERVAL": "1s", "IBLAI_ORGS": "a,b,c,d,e"})
    assert warning.endswith("(a, b, c and 2 more)")


def test_a_key_file_that_cannot_be_read_is_a_warning_since_it_may_come_later(tmp_path):
    environ = {"IBLAI_API_KEY": "", "IBLAI_SECRETS_DIR": str(tmp_path), "IBLAI_ORGS": "a,b,c,d,e"}
    found = warnings(environ)
    assert found[0] == f"a: {tmp_path}/a does not exist; create it with the API key"
    assert found[3:] == ("2 more orgs have no API key that can be read",)


def test_a_key_file_that_every_user_may_read_is_a_warning(tmp_path):
    file = tmp_path / "key"
    file.write_text("a1b2")
    environ = {"IBLAI_API_KEY": "", "IBLAI_API_KEY_FILE": str(file)}
    file.chmod(0o600)
    assert warnings(environ) == ()
    file.chmod(0o644)
    assert warnings(environ) == (
        f"every user may read the API keys in these files; chmod o-r ({file})",
    )


def test_a_configuration_with_a_key_that_every_user_may_read_is_a_warning(tmp_path):
    path = tmp_path / "config.yml"
    path.write_text("api_key: c3d4\n")
    path.chmod(0o640)
    assert warnings(path=path) == ()
    path.chmod(0o644)
    text = "contains an API key and every user may read it"
    assert warnings({"IBLAI_API_KEY": ""}, path) == (f"{path} {text}; chmod o-r {path}",)
