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
