"""The metric reference, written from the catalog."""

import json
from collections.abc import Iterator

from exporter.catalog import METRICS, Area, Metric


def as_markdown() -> str:
    """Return the reference as a Markdown document."""
    return "\n".join(_markdown())


def as_json() -> str:
    """Return the reference as a JSON list."""
    return json.dumps([_record(metric) for metric in METRICS], indent=2) + "\n"


def _record(metric: Metric) -> dict[str, object]:
    return {
        "name": metric.name,
        "type": str(metric.kind),
        "help": metric.help,
        "labels": list(metric.labels),
        "area": str(metric.area),
        "source": metric.source,
    }


def _markdown() -> Iterator[str]:
    yield "# Metrics"
    yield ""
    yield "Written by `iblai-exporter metrics`; do not edit."
    yield ""
    yield (
        "Windows are complete days in the time zone of the org, ending yesterday; `today` is today "
        "so far. A figure that the API did not give is absent, and never 0. Labels configured for "
        "an org (`labels`) come on top of those listed."
    )
    for area in Area:
        yield ""
        yield f"## {area}"
        yield ""
        yield "| metric | type | labels | meaning | source |"
        yield "|---|---|---|---|---|"
        for metric in METRICS:
            if metric.area is area:
                labels = ", ".join(f"`{label}`" for label in metric.labels) or "–"
                source = f"`{metric.source}`" if metric.source else "–"
                yield f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} | {source} |"
    yield ""
