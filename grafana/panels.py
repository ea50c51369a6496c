"""The shapes of panel: numbers, bars, trends and tables."""

from collections.abc import Sequence
from functools import partial
from string import ascii_uppercase

from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import bargauge, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BarGaugeNamePlacement,
    BarGaugeSizing,
    BarGaugeValueMode,
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphDrawStyle,
    GraphFieldConfig,
    GraphTransform,
    HideSeriesConfig,
    LegendDisplayMode,
    LegendPlacement,
    LineInterpolation,
    LineStyle,
    ReduceDataOptions,
    SortOrder,
    StackingConfig,
    StackingMode,
    TableFooterOptions,
    TableSortByFieldState,
    TooltipDisplayMode,
    VisibilityMode,
    VizLegendOptions,
    VizOrientation,
    VizTextDisplayOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardFieldConfigSourceOverrides,
    DashboardLink,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColor,
    FieldColorModeId,
    FieldConfigSource,
    MatcherConfig,
    Panel,
)

from grafana import promql, style
from grafana.looks import SAME, Column, Curve, Look, Part

POLLS = "5m"
"""Smallest step of charts: by default no poll is more frequent."""

POINTS = 168
"""Most points of a chart: two hours apart in 14 days, so that the first values are seen there."""

GAP = 8 * style.HOUR
"""Longest gap that lines bridge: three hours between a backfill and scrapes, and two steps."""

SPARKS = 100
"""Most points of a sparkline."""


class Chart(Panel):
    """A panel whose chart has marks where an expression begins to hold."""

    mark: str = ""


def numbers(
    title: str,
    description: str,
    *parts: Part,
    look: Look,
    links: tuple[DashboardLink, ...] = (),
    text: BigValueTextMode = BigValueTextMode.VALUE,
    size: int = 28,
    stacked: bool = False,
) -> Panel:
    """Return big numbers of this moment, `size` pixels high: side by side, or `stacked`."""
    sparkling = any(part.sparkline for part in parts)
    return Panel(
        type_val="stat",
        title=title,
        description=description,
        interval=POLLS if sparkling else None,
        max_data_points=SPARKS if sparkling else None,
        targets=_instant(parts),
        links=list(links),
        options=stat.Options(
            graph_mode=BigValueGraphMode.AREA if sparkling else BigValueGraphMode.NONE,
            color_mode=BigValueColorMode.VALUE,
            reduce_options=_last(_shown(parts)),
            text_mode=text,
            text=VizTextDisplayOptions(title_size=13, value_size=size),
            orientation=VizOrientation.HORIZONTAL if stacked else VizOrientation.VERTICAL,
        ),
        field_config=FieldConfigSource(defaults=look.config(), overrides=_overrides(parts)),
    )


def bars(
    title: str, description: str, *parts: Part, look: Look, links: tuple[DashboardLink, ...] = ()
) -> Panel:
    """Return horizontal bars of this moment, one a series."""
    return Panel(
        type_val="bargauge",
        title=title,
        description=description,
        targets=_instant(parts),
        links=list(links),
        options=bargauge.Options(
            display_mode=BarGaugeDisplayMode.BASIC,
            value_mode=BarGaugeValueMode.COLOR,
            orientation=VizOrientation.HORIZONTAL,
            name_placement=BarGaugeNamePlacement.LEFT,
            sizing=BarGaugeSizing.MANUAL,
            max_viz_height=28,
            reduce_options=_last(),
            # Grafana measures names at 12 pixels for bars of this height: larger ones are cut off.
            text=VizTextDisplayOptions(title_size=12, value_size=14),
        ),
        field_config=FieldConfigSource(defaults=look.config(), overrides=_overrides(parts)),
    )


def trend(
    title: str,
    description: str,
    *curves: Curve,
    look: Look,
    smooth: bool = False,
    stacked: bool = False,
    legend: LegendPlacement = LegendPlacement.BOTTOM,
    at_least: float | None = None,
    bridged: int = GAP,
    tints: Sequence[tuple[str, str]] = (),
    mark: str = "",
) -> Chart:
    """Return lines over time, the axis reaching from 0 to `at_least`.

    A value stays until the next one, unless it is a `smooth` rate. Where no value is known there
    is a gap, unless it is shorter than the seconds that are `bridged`. `tints` are colors by
    regular expressions on the names of lines. The chart is marked where `mark` begins to hold.

    A legend at the right is a table, greatest value first.
    """
    aside = legend is LegendPlacement.RIGHT
    defaults = look.config()
    if look.color is None and look.thresholds is None:
        defaults.color = FieldColor(mode=FieldColorModeId.PALETTE_CLASSIC)
    defaults.custom = GraphFieldConfig(
        draw_style=GraphDrawStyle.LINE,
        line_interpolation=LineInterpolation.LINEAR if smooth else LineInterpolation.STEP_AFTER,
        line_width=2,
        fill_opacity=40 if stacked else 0,
        show_points=VisibilityMode.AUTO,
        span_nulls=bridged * 1000 if bridged else False,
        axis_soft_min=0,
        axis_soft_max=at_least,
        stacking=StackingConfig(mode=StackingMode.NORMAL if stacked else StackingMode.NONE),
    )
    chart = Chart(
        type_val="timeseries",
        title=title,
        description=description,
        interval=POLLS,
        max_data_points=POINTS,
        targets=[
            _query(curve, ref, instant=False, form=prometheus.PromQueryFormat.TIME_SERIES)
            for ref, curve in zip(ascii_uppercase, curves, strict=False)
        ],
        options=timeseries.Options(
            legend=VizLegendOptions(
                display_mode=LegendDisplayMode.TABLE if aside else LegendDisplayMode.LIST,
                placement=legend,
                show_legend=True,
                # The last value of a line may be old: the big numbers tell the current one.
                calcs=["max"] if aside else [],
                sort_by="Max" if aside else None,
                sort_desc=True if aside else None,
            ),
            tooltip=VizTooltipOptions(mode=TooltipDisplayMode.MULTI, sort=SortOrder.DESCENDING),
        ),
        field_config=FieldConfigSource(
            defaults=defaults,
            overrides=[
                _override("byFrameRefID", ref, {**curve.look.properties(), **_drawn(curve)})
                for ref, curve in zip(ascii_uppercase, curves, strict=False)
                if curve.look.properties() or _drawn(curve)
            ]
            + [
                _override("byRegexp", f"/{names}/", Look(color=color).properties())
                for names, color in tints
            ],
        ),
    )
    chart.mark = promql.beginning(mark) if mark else ""
    return chart


unbridged = partial(trend, bridged=0)
"""Lines with every gap: of what works all the time, where a gap is an outage."""


def grid(
    title: str,
    description: str,
    *columns: Column,
    sort: str,
    descending: bool = False,
    then: str | None = None,
    limit: int = 200,
    nothing: str | None = None,
    rows: str = "",
) -> Panel:
    """Return a table in pages, `limit` rows at most, and `nothing` where there are none.

    There are none where `rows` has no result, by default the column `sort`. Rows are sorted by
    the column titled `sort`, equal ones by that titled `then`, upwards.
    """
    if nothing is not None and sum(bool(column.expr) for column in columns) > 1:
        rows = rows or next(column.expr for column in columns if column.title == sort)
        columns = (*columns, _nothing(columns, rows, nothing))
    order = [{"field": sort, "desc": descending}]
    if then is not None:
        order.append({"field": then, "desc": False})
    values = [column for column in columns if column.expr]
    refs = dict(zip((column.title for column in values), ascii_uppercase, strict=False))
    # Grafana names the value of a lone query "Value", those of several "Value #A" and so on.
    fields = {
        column.title: column.label
        or (f"Value #{refs[column.title]}" if len(values) > 1 else "Value")
        for column in columns
    }
    return Panel(
        type_val="table",
        title=title,
        description=description,
        targets=[
            _query(
                Part(expr=column.expr, name=""),
                refs[column.title],
                instant=True,
                form=prometheus.PromQueryFormat.TABLE,
            )
            for column in values
        ],
        transformations=[
            DataTransformerConfig(id_val="merge", options={}),
            DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": {"Time": True},
                    "indexByName": {field: place for place, field in enumerate(fields.values())},
                    "renameByName": {field: shown for shown, field in fields.items()},
                },
            ),
            # Grafana sorts by one column at a time, and leaves equal rows in their order.
            *(
                DataTransformerConfig(id_val="sortBy", options={"sort": [by]})
                for by in reversed(order)
            ),
            DataTransformerConfig(id_val="limit", options={"limitField": limit}),
        ],
        options=_Pages(
            sort_by=[
                TableSortByFieldState(display_name=str(by["field"]), desc=bool(by["desc"]))
                for by in order
            ],
            footer=TableFooterOptions(show=False, reducer=["sum"], enable_pagination=True),
        ),
        field_config=FieldConfigSource(
            defaults=Look(unit=style.COUNT, nothing=nothing or style.MISSING).config(),
            overrides=[_override("byName", column.title, _cells(column)) for column in columns],
        ),
    )


def _nothing(columns: Sequence[Column], rows: str, text: str) -> Column:
    """Return a column that makes a row with a text where the table has no other.

    Grafana shows what it says about a panel without data only where there is one query.
    """
    labels = [column for column in columns if column.label and not column.hidden]
    place = next((column for column in labels if not column.look.links), labels[0])
    return Column(
        title="Nothing",
        expr=f'label_replace(vector(0) unless on () ({rows}), "{place.label}", "{text}", "", "")',
        hidden=True,
    )


class _Pages(table.Options):
    """A table in pages: Grafana 12.2 moved the option out of the footer, where the SDK has it."""

    def to_json(self) -> dict[str, object]:
        return {**super().to_json(), "enablePagination": True}


def _cells(column: Column) -> dict[str, object]:
    unit = {} if column.expr else {"unit": style.TEXT}
    found = {**unit, **column.look.properties(), "noValue": style.ABSENT}
    if column.expr:
        # Without it, the bar of what is absent would be the color of 0.
        found["mappings"] = [*column.look.mappings, style.absent()]
    if column.cell is not None:
        found["custom.cellOptions"] = column.cell
    if column.width is not None:
        found["custom.width"] = column.width
    if column.at_least is not None:
        found["custom.minWidth"] = column.at_least
    if column.hidden:
        found["custom.hidden"] = True  # until Grafana 12.1
        found["custom.hideFrom"] = HideSeriesConfig(viz=True, legend=True, tooltip=True)
    return found


def _drawn(curve: Curve) -> dict[str, object]:
    found: dict[str, object] = {}
    if curve.dashed:
        found["custom.lineStyle"] = LineStyle(fill="dash", dash=[6, 6])
    if curve.width != Curve.__dataclass_fields__["width"].default:
        found["custom.lineWidth"] = curve.width
    if curve.fill:
        found["custom.fillOpacity"] = curve.fill
    if curve.fill_down_to:
        found["custom.fillBelowTo"] = curve.fill_down_to
    if curve.below_zero:
        found["custom.transform"] = GraphTransform.NEGATIVE_Y
    return found


def _instant(parts: Sequence[Part]) -> list[Dataquery]:
    form = prometheus.PromQueryFormat.TIME_SERIES
    return [
        _query(part, ref, instant=not part.sparkline, form=form)
        for ref, part in zip(ascii_uppercase, parts, strict=False)
    ]


def _query(part: Part, ref: str, *, instant: bool, form: prometheus.PromQueryFormat) -> Dataquery:
    return prometheus.Dataquery(
        expr=part.expr if instant else promql.in_steps(part.expr),
        ref_id=ref,
        legend_format=part.name or None,
        instant=instant,
        range_val=not instant,
        format_val=form,
        editor_mode=prometheus.QueryEditorMode.CODE,
    )


def _overrides(parts: Sequence[Part]) -> list[DashboardFieldConfigSourceOverrides]:
    return [
        _override("byFrameRefID", ref, part.look.properties())
        for ref, part in zip(ascii_uppercase, parts, strict=False)
        if part.look != SAME
    ]


def _override(
    matcher: str, option: str, properties: dict[str, object]
) -> DashboardFieldConfigSourceOverrides:
    return DashboardFieldConfigSourceOverrides(
        matcher=MatcherConfig(id_val=matcher, options=option),
        properties=[
            DynamicConfigValue(id_val=key, value=value) for key, value in properties.items()
        ],
    )


def _shown(parts: Sequence[Part]) -> str:
    """Return the pattern of the fields that become numbers, empty for all but times."""
    hidden = "|".join(part.name for part in parts if part.hidden)
    return f"/^(?!(Time|{hidden})$)/" if hidden else ""


def _last(fields: str = "") -> ReduceDataOptions:
    return ReduceDataOptions(calcs=["lastNotNull"], fields=fields, values=False)
