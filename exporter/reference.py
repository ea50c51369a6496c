"""The references of metrics and settings, generated from the code."""

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
        "Windows are complete days in the time zone of the org and end yesterday. `today` is today "
        "so far. A value that the API did not return is absent, not 0. Labels that you configure "
        "(`labels`) are added to those listed. If an endpoint of the seeds is gone, the second "
        "source is used."
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
                meaning, _, polled = metric.help.partition(" Polled from ")
                other = polled.removesuffix(".").partition(" or ")[2]
                sources = ", ".join(f"`{source}`" for source in (metric.source, other) if source)
                yield (
                    f"| `{metric.name}` | {metric.kind} | {labels} | {meaning} | {sources or '–'} |"
                )
    yield ""


def _settings() -> Iterator[str]:
    yield "# Settings"
    yield ""
    yield "Written by `iblai-exporter settings`; do not edit."
    yield ""
    yield (
        "Precedence: command line, environment, configuration file, default. The top level of the "
        "file has the defaults for every org. An entry of `orgs` overrides them for one org. "
        "Durations and sizes need a unit (`30s`, `5m`, `16MiB`)."
    )
    yield ""
    yield (
        "In the environment, lists are JSON or separated by commas (`IBLAI_ORGS=acme,globex`), "
        "mappings and sections are JSON, and the settings of the first org are "
        "`IBLAI_ORGS__0__…`. An empty variable counts as not set. An unknown variable that begins "
        "with `IBLAI_` is an error."
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
