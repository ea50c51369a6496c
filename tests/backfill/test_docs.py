"""The numbers in docs/backfill.md."""

from dataclasses import replace
from pathlib import Path

import pytest

from exporter.backfill.command import MOST_DAYS
from exporter.backfill.estimate import requests
from exporter.backfill.retries import PAUSES
from exporter.check.series import Size
from exporter.settings import Org

ACME = Org(key="acme", user_id="ops")
NONE, FIFTY = (Size(courses=number, mentors=0) for number in (0, 50))
NO_PAST = replace(ACME, collectors={"past_active_users": False})
PAST = requests(ACME, NONE, days=7) - requests(NO_PAST, NONE, days=7)
DOCS = (Path(__file__).parents[2] / "docs/backfill.md").read_text()


@pytest.mark.parametrize(
    "sentence",
    [
        f"{requests(ACME, FIFTY, days=365) + 1:,} requests with the core collectors",
        f"take {PAST} more, once",
        f"for {sum(PAUSES):.0f} seconds in total",
        f"{MOST_DAYS:,}\ndays",
    ],
)
def test_the_docs_state_what_the_code_does(sentence):
    assert " ".join(sentence.split()) in " ".join(DOCS.split())
