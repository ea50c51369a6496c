import pytest

from exporter.problems import ConfigError
from exporter.settings import load

KEY = "0f1e2d3c4b5a"


def problems(path, *, environ=None):
    with pytest.raises(ConfigError) as caught:
        load(path, environ=environ or {})
    return list(caught.value.problems)


def directory(tmp_path, **files):
    (tmp_path / "orgs").mkdir()
    for name, text in files.items():
        (tmp_path / "orgs" / f"{name}.yml").write_text(text)
    top = f"user_id: ops\napi_key: {KEY}\norgs_dir: orgs\n"
    path = tmp_path / "config.yml"
    path.write_text(top)
    return path


def test_each_file_of_orgs_dir_holds_one_org_or_a_list(tmp_path):
    path = directory(tmp_path, acme="key: acme\n", more="- key: globex\n- {key: initech}\n")
    assert [org.key for org in load(path, environ={}).orgs] == ["acme", "globex", "initech"]


def test_orgs_of_the_file_and_of_the_directory_come_together(tmp_path):
    path = directory(tmp_path, acme="key: acme\n")
    path.write_text(path.read_text() + "orgs: [{key: first}]\n")
    assert [org.key for org in load(path, environ={}).orgs] == ["first", "acme"]


def test_a_mistake_in_orgs_dir_names_the_file_and_the_line(tmp_path):
    path = directory(tmp_path, acme="key: acme\n", bad="- key: globex\n- key: x\n  intervall: 5m\n")
    (problem,) = problems(path)
    bad = tmp_path / "orgs" / "bad.yml"
    assert problem == f"{bad}:3: intervall: unknown key; did you mean interval?"


def test_a_key_that_two_files_have_is_an_error(tmp_path):
    path = directory(tmp_path, a="key: acme\n", b="key: acme\n")
    (problem,) = problems(path)
    assert problem.startswith(f"{tmp_path / 'orgs' / 'b.yml'}:1: key: is also the key of orgs[0]")


def test_an_empty_orgs_dir_is_no_error_and_a_missing_one_is(tmp_path):
    path = directory(tmp_path)
    assert load(path, environ={}).orgs == ()
    (tmp_path / "orgs").rmdir()
    (problem,) = problems(path)
    assert problem.startswith("orgs_dir: ")


def test_the_links_of_a_kubernetes_volume_are_read_once(tmp_path):
    path = directory(tmp_path)
    volume = tmp_path / "orgs"
    (volume / "..2026").mkdir()
    (volume / "..2026" / "acme.yml").write_text("key: acme\n")
    (volume / "..data").symlink_to("..2026")
    (volume / "acme.yml").symlink_to("..data/acme.yml")
    assert [org.key for org in load(path, environ={}).orgs] == ["acme"]


@pytest.mark.parametrize("value", ["[orgs]", "{a: b}"])
def test_an_orgs_dir_that_is_no_text_is_an_error_with_its_line(tmp_path, value):
    path = directory(tmp_path)
    path.write_text(f"user_id: ops\napi_key: {KEY}\norgs_dir: {value}\n")
    (problem,) = problems(path)
    assert problem == f"{path}:3: orgs_dir: must be a single value (path)"


def test_an_orgs_dir_with_a_null_character_is_an_error(tmp_path):
    path = directory(tmp_path)
    path.write_text(f'user_id: ops\napi_key: {KEY}\norgs_dir: "a\\0b"\n')
    (problem,) = problems(path)
    assert "orgs_dir" in problem


@pytest.mark.parametrize(
    ("target", "reason"),
    [("gone.yml", "there is no such file"), ("acme.yml", "Too many levels of symbolic links")],
)
def test_a_link_that_leads_nowhere_is_an_error_and_not_an_org_less(tmp_path, target, reason):
    path = directory(tmp_path, globex="key: globex\n")
    link = tmp_path / "orgs" / "acme.yml"
    link.symlink_to(target)
    (problem,) = problems(path)
    assert problem.startswith(f"{link}: ")
    assert reason in problem


def test_a_directory_named_like_a_file_is_left_out(tmp_path):
    path = directory(tmp_path, globex="key: globex\n")
    (tmp_path / "orgs" / "old.yml").mkdir()
    assert [org.key for org in load(path, environ={}).orgs] == ["globex"]


def test_a_key_of_the_file_and_of_the_directory_is_reported_where_the_directory_has_it(tmp_path):
    path = directory(tmp_path, a="key: acme\n")
    path.write_text(path.read_text() + "orgs: [{key: acme}]\n")
    (problem,) = problems(path)
    assert problem.startswith(f"{tmp_path / 'orgs' / 'a.yml'}:1: key: is also the key of orgs[0]")


def test_an_entry_of_a_list_may_be_a_key_alone(tmp_path):
    path = directory(tmp_path, more="- acme\n- globex\n")
    assert [org.key for org in load(path, environ={}).orgs] == ["acme", "globex"]


def test_a_list_of_orgs_in_the_environment_replaces_the_directory(tmp_path):
    path = directory(tmp_path, a="key: acme\n")
    found = load(path, environ={"IBLAI_ORGS": "globex"})
    assert [org.key for org in found.orgs] == ["globex"]
    unused = f"the orgs of {tmp_path / 'orgs'} are not used: IBLAI_ORGS replaces them all"
    assert unused in found.warnings


def test_numbered_variables_come_before_the_orgs_of_the_directory(tmp_path):
    path = directory(tmp_path, a="key: acme\n")
    found = load(path, environ={"IBLAI_ORGS__0__KEY": "globex"})
    assert [org.key for org in found.orgs] == ["globex", "acme"]


def test_a_wrong_default_is_reported_once_for_all_orgs_of_the_directory(tmp_path):
    path = directory(tmp_path, more="".join(f"- key: org-{n}\n" for n in range(100)))
    path.write_text(path.read_text() + "timezone: Mars/Base\n")
    (problem,) = problems(path)
    assert problem.startswith(f"{path}:4: timezone: ")


def test_every_unreadable_file_of_the_directory_is_reported(tmp_path):
    path = directory(tmp_path, a="key: [\n", b="key: acme\n", c="\t: x\n")
    names = [problem.partition(":")[0] for problem in problems(path)]
    assert names == [str(tmp_path / "orgs" / f"{name}.yml") for name in "ac"]
