"""What every dashboard has: variables, links, marks, and rows laid out on the grid."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.models.dashboard import (
    AnnotationContainer,
    AnnotationPanelFilter,
    AnnotationQuery,
    Dashboard,
    DashboardCursorSync,
    DashboardDashboardTemplating,
    DashboardDashboardTime,
    GridPos,
    Panel,
    RowPanel,
    VariableModel,
)

from grafana import links, style, variables
from grafana.panels import Chart
from grafana.variables import SOURCE

GRID = 24
SCHEMA = 39
PLUGINS = "11.0.0"
REFRESH = "5m"
MARKS = "5m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Panels side by side, `height` grid units high; without `widths` they share evenly."""

    height: int
    panels: tuple[Panel, ...]
    widths: tuple[int, ...] = ()

    def placed(self) -> Iterator[tuple[Panel, int]]:
        """Yield each panel with its width."""
        widths = self.widths or (GRID // len(self.panels),) * len(self.panels)
        return zip(self.panels, widths, strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A heading and the lines of panels under it; `collapsed` ones open with a click."""

    title: str
    lines: tuple[Line, ...]
    collapsed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A dashboard, before it is laid out.

    `marks` is an expression with the label `alertname` that begins to hold where all charts get a
    mark. `listed` dashboards are in the drop-down, which takes all variables along. Those with many
    variables have no room to `choose_source`: links bring it along.
    """

    uid: str
    description: str
    variables: Sequence[VariableModel]
    rows: Sequence[Row]
    since: str = "now-14d"
    marks: str = ""
    listed: bool = True
    choose_source: bool = True

    def build(self) -> Dashboard:
        """Return the dashboard as Grafana's model."""
        panels = list(_laid_out(self.rows))
        return Dashboard(
            uid=self.uid,
            title=links.TITLES[self.uid],
            description=self.description,
            tags=[links.TAG, links.LISTED] if self.listed else [links.TAG],
            editable=False,
            timezone="browser",
            time=DashboardDashboardTime(from_val=self.since, to="now"),
            refresh=REFRESH,
            graph_tooltip=DashboardCursorSync.CROSSHAIR,
            schema_version=SCHEMA,
            links=[links.drop_down()],
            templating=DashboardDashboardTemplating(
                list_val=[variables.datasource(hidden=not self.choose_source), *self.variables]
            ),
            annotations=AnnotationContainer(list_val=[*self._marks(), *_marks_of(panels)]),
            panels=panels,
        )

    def _marks(self) -> Iterator[AnnotationQuery]:
        if self.marks:
            yield _Marks(name="Alerts", expr=self.marks, title="{{alertname}}")


class _Marks(AnnotationQuery):
    """Marks where an expression begins to hold; the SDK's model lacks the texts of Prometheus."""

    def __init__(
        self, *, name: str, expr: str, title: str, only: AnnotationPanelFilter | None = None
    ) -> None:
        super().__init__(
            name=name,
            datasource=SOURCE,
            enable=True,
            hide=True,
            icon_color=style.BAD,
            expr=expr,
            filter_val=only,
        )
        self._title = title

    def to_json(self) -> dict[str, object]:
        texts = {"titleFormat": self._title, "textFormat": "", "tagKeys": ""}
        # Grafana asks `target`; older ones make it of `expr` and `step`.
        target = {"refId": "Anno", "expr": self.expr, "interval": MARKS}
        return {**super().to_json(), **texts, "step": MARKS, "target": target}


def _marks_of(panels: Iterable[Panel | RowPanel]) -> Iterator[AnnotationQuery]:
    for panel in panels:
        if isinstance(panel, RowPanel):
            yield from _marks_of(panel.panels or ())
        elif isinstance(panel, Chart) and panel.mark:
            yield _Marks(
                name=panel.title or "",
                expr=panel.mark,
                title="Below the expected range",
                only=AnnotationPanelFilter(ids=[panel.id_val or 0]),
            )


def _laid_out(rows: Iterable[Row]) -> Iterator[Panel | RowPanel]:
    number, y = 0, 0
    for row in rows:
        number += 1
        place = GridPos(x=0, y=y, w=GRID, h=1)
        heading = RowPanel(
            title=row.title, id_val=number, grid_pos=place, panels=[], collapsed=row.collapsed
        )
        y += 1
        top = y
        placed: list[Panel] = []
        for line in row.lines:
            x = 0
            for panel, width in line.placed():
                number += 1
                panel.id_val = number
                panel.datasource = SOURCE
                panel.plugin_version = PLUGINS
                panel.grid_pos = GridPos(x=x, y=y, w=width, h=line.height)
                placed.append(panel)
                x += width
            y += line.height
        if row.collapsed:
            # Grafana moves what is below down when the row is opened.
            heading.panels, y = placed, top
            placed = []
        yield heading
        yield from placed
