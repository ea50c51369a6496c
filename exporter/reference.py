"""The references of metrics and of settings, written from the code."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from exporter.catalog import METRICS, Area, Metric
from exporter.settings import Option, options


def metrics(form: str) -> str:
    """Return the reference of metrics as `markdown` or `json`."""
    return _json(map(_record, METRICS)) if form == "json" else "\n".join(_metrics())


def settings(form: str) -> str:
    """Return the reference of settings as `markdown` or `json`."""
    return _json(map(asdict, options())) if form == "json" else "\n".join(_settings())


def _json(records: Iterable[dict[str, object]]) -> str:
    return json.dumps(list(records), indent=2) + "\n"


def _record(metric: Metric) -> dict[str, object]:
    return {
        "name": metric.name,
        "type": str(metric.kind),
        "help": metric.help,
        "labels": list(metric.labels),
        "area": str(metric.area),
        "source": metric.source,
    }


def _metrics() -> Iterator[str]:
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


def _settings() -> Iterator[str]:
    yield "# Settings"
    yield ""
    yield "Written by `iblai-exporter settings`; do not edit."
    yield ""
    yield (
        "A setting comes from an option of the command line, else from the environment, else from "
        "the configuration file, else it has its default. What stands at the top level of the file "
        "is the default for every org; an entry of `orgs` overrides what can be set per org. "
        "Lengths of time and sizes need a unit (`30s`, `5m`, `16MiB`). Lists in the environment "
        "are JSON, or words with commas between; an org's own settings are `IBLAI_ORGS__0__…`."
    )
    for title, listed in (
        ("For every org, or per org", [o for o in options() if o.per_org]),
        ("For the exporter as a whole", [o for o in options() if not o.per_org]),
    ):
        yield ""
        yield f"## {title}"
        yield ""
        yield "| setting | environment | type | default | meaning |"
        yield "|---|---|---|---|---|"
        yield from map(_option, listed)
    yield ""


def _option(option: Option) -> str:
    default = f"`{option.default}`" if option.default is not None else "–"
    kind = option.type.replace("|", "\\|")
    return f"| `{option.path}` | `{option.env}` | {kind} | {default} | {option.help} |"
