"""Draw the expected range of a simulated org: `python -m benchmarks.backtest_plot`.

It writes docs/images/expected-range.svg. All of it is simulated.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from benchmarks import backtest_orgs
from benchmarks.backtest_series import Series, Values
from exporter.history.expected import SENSITIVITY, ExpectedRange, expected_range

IMAGE = Path(__file__).parents[1] / "docs" / "images" / "expected-range.svg"
FIRST, LAST = date(2025, 9, 22), date(2025, 12, 14)
DROP = date(2025, 11, 5)
DROP_DAYS, LEFT = 5, 0.5

_DAY = timedelta(days=1)
_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 900, 380, 50, 44, 16, 30
_STYLE = """<style>
text { font: 12px sans-serif; fill: #555 }
.value { stroke: #1f77b4; stroke-width: 2; fill: none }
.expected { stroke: #2ca02c; stroke-width: 1.5; stroke-dasharray: 5 3; fill: none }
.low { stroke: #d62728; stroke-width: 1.5; fill: none }
.quiet { fill: #8884 }
.fires { fill: #d62728 }
.axis { stroke: #8888; stroke-width: 1 }
</style>"""


@dataclass(frozen=True, slots=True)
class _Scale:
    top: float

    def x(self, day: date) -> float:
        share = (day - FIRST).days / (LAST - FIRST).days
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - value / self.top * (_HEIGHT - _TOP - _BOTTOM)


def drawing() -> str:
    """Return the plot as SVG."""
    series = next(
        one
        for one in backtest_orgs.series(6, seed=2)
        if one.group == "campus" and one.figure == "active_users"
    )
    daily = dict(series.daily)
    for number in range(DROP_DAYS):
        daily[DROP + _DAY * number] = round((daily[DROP + _DAY * number] or 0) * LEFT)
    days = [FIRST + _DAY * n for n in range((LAST - FIRST).days + 1)]
    ranges = [_range(series, daily, day) for day in days]
    values = [daily[day] for day in days]
    top = max(v for v in (*values, *(r.value for r in ranges)) if v is not None) * 1.05
    return "\n".join(_lines(_Scale(top), series, days, values, ranges)) + "\n"


def _range(series: Series, daily: Values, day: date) -> ExpectedRange:
    return expected_range(
        daily,
        day,
        length=1,
        is_quiet=series.quiet.__contains__,
        sensitivity=SENSITIVITY["normal"],
        kind=series.kind,
    )


def _lines(
    scale: _Scale,
    series: Series,
    days: Sequence[date],
    values: Sequence[float | None],
    ranges: Sequence[ExpectedRange],
) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="Daily active users of a simulated org with their expected range">'
    )
    yield _STYLE
    half = (scale.x(days[1]) - scale.x(days[0])) / 2
    for day in days:
        if day in series.quiet:
            yield (
                f'<rect class="quiet" x="{scale.x(day) - half:.1f}" y="{_TOP}" '
                f'width="{2 * half:.1f}" height="{_HEIGHT - _TOP - _BOTTOM}"/>'
            )
    for day in days:
        if day.weekday() == 0:
            yield f'<text x="{scale.x(day) - 14:.1f}" y="{_HEIGHT - 10}">{day:%m-%d}</text>'
    for tick in _ticks(scale.top):
        y = scale.y(tick)
        yield f'<line class="axis" x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}"/>'
        yield f'<text x="8" y="{y + 4:.1f}">{tick:.0f}</text>'
    shown = {
        "expected": [one.value for one in ranges],
        "low": [one.low for one in ranges],
        "value": values,
    }
    for name, line in shown.items():
        yield from _polylines(name, scale, zip(days, line, strict=True))
    for day, value, one in zip(days, values, ranges, strict=True):
        if value is not None and one.low is not None and value < one.low:
            yield (
                f'<circle class="fires" cx="{scale.x(day):.1f}" cy="{scale.y(value):.1f}" r="5"/>'
            )
    yield from _legend()
    yield "</svg>"


def _polylines(
    name: str, scale: _Scale, points: Iterable[tuple[date, float | None]]
) -> Iterator[str]:
    """Yield a line for each run of known values."""
    run: list[str] = []
    for day, value in (*points, (LAST, None)):
        if value is not None:
            run.append(f"{scale.x(day):.1f},{scale.y(value):.1f}")
        elif run:
            yield f'<polyline class="{name}" points="{" ".join(run)}"/>'
            run = []


def _ticks(top: float) -> Iterator[float]:
    step = 10 ** (len(str(int(top))) - 1)
    step = step if top / step > 2 else step / 4  # noqa: PLR2004 - two lines at least
    value = 0.0
    while value < top:
        yield value
        value += step


def _legend() -> Iterator[str]:
    entries = (("value", "active users"), ("expected", "expected"), ("low", "lower bound"))
    for number, (name, words) in enumerate(entries):
        x = _LEFT + 140 * number
        yield f'<line class="{name}" x1="{x}" y1="22" x2="{x + 24}" y2="22"/>'
        yield f'<text x="{x + 30}" y="26">{words}</text>'
    x = _LEFT + 140 * len(entries)
    yield f'<circle class="fires" cx="{x}" cy="22" r="5"/><text x="{x + 12}" y="26">below it</text>'
    yield f'<rect class="quiet" x="{x + 100}" y="14" width="14" height="16"/>'
    yield f'<text x="{x + 120}" y="26">quiet days</text>'


def main() -> None:
    """Write the image."""
    IMAGE.write_text(drawing(), encoding="utf-8")


if __name__ == "__main__":
    main()
