from pathlib import Path

import pytest

from exporter import reference

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metrics.md", reference.metrics("markdown")),
        ("configuration.md", reference.settings("markdown")),
    ],
    ids=["metrics", "configuration"],
)
def test_the_reference_in_the_docs_is_current(name, text):
    assert (DOCS / name).read_text() == text, "run `make generated`"


def test_no_table_has_a_row_with_another_number_of_cells():
    for text in (reference.metrics("markdown"), reference.settings("markdown")):
        rows = [line for line in text.splitlines() if line.startswith("|")]
        assert {row.replace(r"\|", "").count("|") for row in rows} == {6}
