"""The language of docs and code: plain sentences, and the words of the field."""

import ast
import re
import subprocess

import pytest

from tests.deploy.tools import ROOT, tool

PAGES = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.splitlines()

CODE = [
    path
    for directory in ("deploy", "exporter", "grafana")
    for path in sorted((ROOT / directory).rglob("*.py"))
]

PRIVATE = {
    *("chatters", "desk", "desks", "era", "eras", "errand", "errands", "finding", "findings"),
    *("flaw", "flawed", "flaws", "harm", "keeper", "lean", "ledger", "pace", "patience"),
    *("patient", "pen", "pens", "planner", "rhythm", "strike", "strikes"),
    *("suspect", "suspects", "usual", "usually", "visit", "visits", "witness", "witnesses"),
}
"""Words of our own for things that have a common name: CONTRIBUTING.md lists the terms to use."""


def vale(*arguments):
    return subprocess.run(
        [tool("vale"), "--output=line", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_page_follows_the_rules_for_prose():
    assert {"README.md", "CONTRIBUTING.md", "docs/alerts.md"} <= set(PAGES)
    checked = vale(*PAGES)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("It has a ledger of visits.", "Terms"),
        ("| a | b |\n|---|---|\n| the gauge reads 3 | |", "Terms"),
        ("You make use of it in order to poll.", "Plain"),
        ("It polls the the API.", "Repetition"),
        (f"It polls {'one org and ' * 12}another.", "Sentences"),
    ],
    ids=["term", "term in a table", "plain", "repetition", "sentence"],
)
def test_a_page_that_breaks_a_rule_is_an_error(text, rule, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{text}\n")
    checked = vale("--config", ROOT / ".vale.ini", page)
    assert checked.returncode == 1
    assert set(re.findall(r":House\.(\w+):", checked.stdout)) == {rule}


def words(path):
    """Return the words in the names and texts of a module; `snake_case` and `CamelCase` are two."""
    texts = [path.stem]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        texts += [value for _, value in ast.iter_fields(node) if isinstance(value, str)]
    return {word.lower() for text in texts for word in re.findall("[A-Z]?[a-z]+|[A-Z]+", text)}


def test_names_and_texts_in_code_use_common_words():
    assert len(CODE) > 100
    found = {str(path.relative_to(ROOT)): words(path) & PRIVATE for path in CODE}
    assert {path: private for path, private in found.items() if private} == {}


def test_a_private_word_in_code_is_found(tmp_path):
    path = tmp_path / "module.py"
    path.write_text('class VisitDesk:\n    def strikes(self): return f"{self} in the ledger"\n')
    assert words(path) & PRIVATE == {"visit", "desk", "strikes", "ledger"}
