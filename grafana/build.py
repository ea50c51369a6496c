"""Write the dashboards that Grafana loads: `python -m grafana.build`."""

import json
from collections.abc import Iterator
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana import agents, costs, course, health, learning, models, org, overview

DIRECTORY = Path(__file__).parent / "dashboards"
BOARDS = (overview, org, course, health, learning, agents, costs, models)


def documents() -> Iterator[tuple[Path, str]]:
    """Yield each dashboard's file and its text."""
    for module in BOARDS:
        board = module.board()
        text = json.dumps(board.build(), cls=JSONEncoder, indent=2, ensure_ascii=False)
        yield DIRECTORY / f"{board.uid}.json", f"{text}\n"


def main() -> None:
    """Write every dashboard."""
    DIRECTORY.mkdir(exist_ok=True)
    for path, text in documents():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
