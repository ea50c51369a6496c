"""The Prometheus text formats: sample lines, family headers, content negotiation.

The bytes are those that prometheus-client writes for the same values; a property test compares
the two. Gauge and counter lines are the same in every format, so they are rendered once, and only
the headers differ.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client.utils import floatToGoString

from exporter.catalog import Kind, Metric

Constants = Mapping[str, str]
"""Labels that every series of one org carries, `org` among them."""


class Format(StrEnum):
    """How families are written; text 0.0.4 and 1.0.0 differ only in their content type."""

    TEXT = "text"
    OPENMETRICS = "openmetrics"


_PLAIN_BELOW = 1e6
"""Python prints floats closer to zero than this as Go does."""


def escape(value: str) -> str:
    """Return a label value as it stands between quotes."""
    if "\\" not in value and "\n" not in value and '"' not in value:
        return value
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number(value: float) -> str:
    """Return a value as Go and prometheus-client print it."""
    if -_PLAIN_BELOW < value < _PLAIN_BELOW:
        return repr(float(value))
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]  # bare upstream
    return text


def numbers(values: Collection[float]) -> Iterable[str]:
    """Return each value as `number` prints it."""
    if (
        values
        and min(values) > -_PLAIN_BELOW
        and max(values) < _PLAIN_BELOW
        and sum(values) < math.inf  # not with a NaN among them, which min and max pass over
    ):
        return map(repr, map(float, values))
    return map(number, values)


Rows = Mapping[tuple[str, ...], float]
"""Values of samples by the values of those labels of their metric that are not constant."""


class LineRenderer:
    """Renders sample lines of one org, with its constant labels.

    Metrics about the same courses have the same labels, which are rendered once for all.
    """

    def __init__(self, constants: Constants) -> None:
        self._constants = constants
        self._rendered: dict[tuple[tuple[str, ...], tuple[tuple[str, ...], ...]], list[str]] = {}

    def lines(self, metric: Metric, rows: Rows) -> bytes:
        """Return one sample line for each of `rows`, labels sorted by name."""
        if not rows:
            return b""
        name = metric.name
        values = numbers(rows.values())
        filled = [
            f"{name}{labels} {value}\n"
            for labels, value in zip(self._labels(metric, rows), values, strict=True)
        ]
        return "".join(filled).encode()

    def _labels(self, metric: Metric, rows: Rows) -> list[str]:
        """Return the labels of each row as they follow the name."""
        key = metric.labels, tuple(rows)
        rendered = self._rendered.get(key)
        if rendered is None:
            rendered = self._rendered[key] = self._render(metric.labels, rows)
        return rendered

    def _render(self, names: tuple[str, ...], rows: Rows) -> list[str]:
        own = [name for name in names if name not in self._constants]
        # Filling a printf template is several times faster than joining labels.
        slots = dict.fromkeys(own, "%s")
        slots |= {name: escape(value).replace("%", "%%") for name, value in self._constants.items()}
        pairs = ",".join([f'{name}="{slots[name]}"' for name in sorted(slots)])
        template = f"{{{pairs}}}" if pairs else ""
        columns = dict(zip(own, zip(*rows, strict=True), strict=False))
        cells = [map(escape, columns[name]) for name in sorted(columns)]
        return list(map(template.__mod__, zip(*cells, strict=True))) if cells else [template % ()]


def header(metric: Metric, form: Format) -> bytes:
    """Return HELP and TYPE of a family."""
    name, text = metric.name, metric.help.replace("\\", r"\\").replace("\n", r"\n")
    if form is Format.OPENMETRICS:
        text = text.replace('"', r"\"")
        if metric.kind is Kind.COUNTER:
            name = name.removesuffix("_total")
    return f"# HELP {name} {text}\n# TYPE {name} {metric.kind}\n".encode()


@dataclass(frozen=True, slots=True)
class Negotiated:
    """The response to an `Accept` header."""

    form: Format
    content_type: str


_PLAIN = Negotiated(Format.TEXT, "text/plain; version=0.0.4; charset=utf-8")
_SCHEMES = frozenset({"allow-utf-8", "underscores", "dots", "values"})


def negotiate(accept: str) -> Negotiated:
    """Return the best format that `accept` names; text 0.0.4 where it names none.

    All names are plain ASCII, so every escaping scheme gives the same bytes, and the requested
    one is confirmed.
    """
    best, best_quality = _PLAIN, 0.0
    for clause in accept.split(","):
        kind, *parameters = (part.strip() for part in clause.split(";"))
        options = dict(part.split("=", 1) for part in parameters if "=" in part)
        offer = _offer(kind.lower(), options.get("version", ""), options.get("escaping", ""))
        quality = _quality(options.get("q", "1"))
        if offer is not None and quality > best_quality:
            best, best_quality = offer, quality
    return best


def _offer(kind: str, version: str, escaping: str) -> Negotiated | None:
    if kind == "application/openmetrics-text" and version in {"", "0.0.1", "1.0.0"}:
        form, name = Format.OPENMETRICS, f"{kind}; version={version or '1.0.0'}"
    elif kind == "text/plain" and version == "1.0.0":
        form, name = Format.TEXT, f"{kind}; version=1.0.0"
    elif kind in {"text/plain", "text/*", "*/*"} and version in {"", "0.0.4"}:
        return _PLAIN
    else:
        return None
    scheme = f"; escaping={escaping}" if escaping in _SCHEMES and version == "1.0.0" else ""
    return Negotiated(form, f"{name}; charset=utf-8{scheme}")


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
