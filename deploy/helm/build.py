"""Copy the rules and dashboards into the chart: `python -m deploy.helm.build`.

Helm reads no file outside of a chart. Dashboards are written without indentation, because a release
with all its files must fit into one Secret of 1 MiB. `runbook-url.txt` holds the address that they
link to, which the chart replaces.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from grafana.links import RUNBOOK_URL

ROOT = Path(__file__).parents[2]
FILES = Path(__file__).parent / "iblai-exporter" / "files"
RULES = ROOT / "deploy/prometheus/iblai-rules.yml"
DASHBOARDS = ROOT / "grafana/dashboards"


def files() -> Mapping[Path, str]:
    """Return the text of every copied file by its path."""
    copies = {
        FILES / "rules.yml": RULES.read_text(encoding="utf-8"),
        FILES / "runbook-url.txt": f"{RUNBOOK_URL}\n",
    }
    for path in sorted(DASHBOARDS.glob("*.json")):
        board = json.loads(path.read_text(encoding="utf-8"))
        text = json.dumps(board, ensure_ascii=False, separators=(",", ":"))
        copies[FILES / "dashboards" / path.name] = f"{text}\n"
    return copies


def main() -> None:
    """Write every copy and remove those whose original is gone."""
    copies = files()
    for path in FILES.rglob("*"):
        if path.is_file() and path not in copies:
            path.unlink()
    for path, text in copies.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
