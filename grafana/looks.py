"""How values look: on a panel, on one of its queries, in a column of a table."""

from dataclasses import dataclass

from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BarGaugeValueMode,
    TableBarGaugeCellOptions,
    TableCellOptions,
    TableColorTextCellOptions,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLink,
    FieldColor,
    FieldColorModeId,
    FieldConfig,
    ThresholdsConfig,
    ValueMapping,
)

from grafana import style

BAR = TableBarGaugeCellOptions(
    mode=BarGaugeDisplayMode.BASIC, value_display_mode=BarGaugeValueMode.TEXT
)
COLORED_TEXT = TableColorTextCellOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How values are shown: on a whole panel, or in what departs from it.

    `nothing` is the text shown where there is no value.
    """

    unit: str | None = None
    decimals: int | None = None
    color: str | None = None
    thresholds: ThresholdsConfig | None = None
    mappings: tuple[ValueMapping, ...] = ()
    low: float | None = None
    high: float | None = None
    links: tuple[DashboardLink, ...] = ()
    nothing: str | None = None

    def config(self) -> FieldConfig:
        """Return the look as a panel's defaults."""
        # Without it, what is absent would have the color of the lowest values, often red.
        absent = () if self.thresholds is None else (style.absent(text=None),)
        return FieldConfig(
            unit=self.unit,
            decimals=self.decimals,
            thresholds=self.thresholds or style.plain(),
            color=self._color() or FieldColor(mode=FieldColorModeId.THRESHOLDS),
            mappings=[*self.mappings, *absent],
            min_val=self.low,
            max_val=self.high,
            links=list(self.links),
            no_value=style.MISSING if self.nothing is None else self.nothing,
        )

    def properties(self) -> dict[str, object]:
        """Return the look as properties of an override."""
        found = {
            "unit": self.unit,
            "decimals": self.decimals,
            "color": self._color(),
            "thresholds": self.thresholds,
            "mappings": list(self.mappings) or None,
            "min": self.low,
            "max": self.high,
            "links": list(self.links) or None,
            "noValue": self.nothing,
        }
        return {key: value for key, value in found.items() if value is not None}

    def _color(self) -> FieldColor | None:
        if self.color is not None:
            return FieldColor(mode=FieldColorModeId.FIXED, fixed_color=self.color)
        if self.thresholds is not None:
            return FieldColor(mode=FieldColorModeId.THRESHOLDS)
        return None


SAME = Look()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One query of a panel. `name` is its legend, which may hold labels as `{{label}}`.

    `sparkline` draws its values over time behind the last one. A `hidden` part is not shown, and
    counts for the range of sparklines: Grafana gives those of a panel one range.
    """

    expr: str
    name: str
    look: Look = SAME
    sparkline: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve(Part):
    """One query of a chart, and how its lines are drawn."""

    dashed: bool = False
    width: int = 2
    fill: int = 0
    fill_down_to: str = ""
    below_zero: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table: a query's value, or where `expr` is empty the label `label`.

    Without a `width` it takes its share of the room, of which it needs `at_least` so many pixels.
    """

    title: str
    expr: str = ""
    label: str = ""
    look: Look = SAME
    cell: TableCellOptions | None = None
    width: int | None = None
    at_least: int | None = None
    hidden: bool = False
