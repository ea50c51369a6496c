"""What every dashboard has: variables, links, annotations, and rows laid out on the grid."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.models.dashboard import (
    AnnotationContainer,
    AnnotationQuery,
    Dashboard,
    DashboardCursorSync,
    DashboardDashboardTemplating,
    DashboardDashboardTime,
    DashboardLink,
    GridPos,
    Panel,
    RowPanel,
    VariableModel,
)

from grafana import promql, style, variables
from grafana.links import TITLES
from grafana.variables import SOURCE

GRID = 24
SCHEMA = 39
PLUGINS = "11.0.0"
REFRESH = "5m"
MARKS = "60s"


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
    """A heading, and the lines of panels under it."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A dashboard, before it is laid out."""

    uid: str
    description: str
    variables: Sequence[VariableModel]
    rows: Sequence[Row]
    links: Sequence[DashboardLink]
    since: str = "now-14d"
    alerts_where: str = promql.ORG

    def build(self) -> Dashboard:
        """Return the dashboard as Grafana's model."""
        return Dashboard(
            uid=self.uid,
            title=TITLES[self.uid],
            description=self.description,
            tags=["ibl.ai", "iblai-exporter"],
            editable=False,
            timezone="browser",
            time=DashboardDashboardTime(from_val=self.since, to="now"),
            refresh=REFRESH,
            graph_tooltip=DashboardCursorSync.CROSSHAIR,
            schema_version=SCHEMA,
            links=list(self.links),
            templating=DashboardDashboardTemplating(
                list_val=[variables.datasource(), *self.variables]
            ),
            annotations=AnnotationContainer(list_val=[_Alerts(self.alerts_where)]),
            panels=list(_laid_out(self.rows)),
        )


class _Alerts(AnnotationQuery):
    """Marks the times at which alerts fired; the SDK's model lacks the texts of Prometheus."""

    def __init__(self, where: str) -> None:
        super().__init__(
            name="Firing alerts",
            datasource=SOURCE,
            enable=True,
            icon_color=style.BAD,
            expr=promql.firing("alertname", "severity", "window", where=where),
        )

    def to_json(self) -> dict[str, object]:
        texts = {"titleFormat": "{{alertname}} {{window}}", "textFormat": "", "tagKeys": "severity"}
        # Grafana asks `target`; older ones make it of `expr` and `step`.
        target = {"refId": "Anno", "expr": self.expr, "interval": MARKS}
        return {**super().to_json(), **texts, "step": MARKS, "target": target}


def _laid_out(rows: Iterable[Row]) -> Iterator[Panel | RowPanel]:
    number, y = 0, 0
    for row in rows:
        number += 1
        heading = GridPos(x=0, y=y, w=GRID, h=1)
        yield RowPanel(title=row.title, id_val=number, grid_pos=heading, panels=[])
        y += 1
        for line in row.lines:
            x = 0
            for panel, width in line.placed():
                number += 1
                panel.id_val = number
                panel.datasource = SOURCE
                panel.plugin_version = PLUGINS
                panel.grid_pos = GridPos(x=x, y=y, w=width, h=line.height)
                yield panel
                x += width
            y += line.height
