"""Small charts as SVG, drawn on the server."""

from collections.abc import Callable, Mapping
from datetime import date

from markupsafe import Markup

_BAR, _GAP, _HEIGHT = 6, 2, 48


def bars(title: str, days: Mapping[date, float | None], *, shown: Callable[[float], str]) -> Markup:
    """Draw one bar for each day, in order; a day that is not known has a dot and no bar.

    `shown` formats the values.
    """
    highest = max((v for v in days.values() if v is not None), default=0) or 1
    shapes = []
    for place, (day, value) in enumerate(sorted(days.items())):
        x = place * (_BAR + _GAP)
        height = 0 if value is None else max(value / highest * _HEIGHT, 1 if value else 0)
        weekend = " weekend" if day.weekday() >= 5 else ""  # noqa: PLR2004 - Saturday
        if value is None:
            shapes.append(
                Markup('<circle cx="{}" cy="{}" r="1"><title>{}: unknown</title></circle>').format(
                    x + _BAR / 2, _HEIGHT - 1, day
                )
            )
        else:
            shapes.append(
                Markup(
                    '<rect class="bar{}" x="{}" y="{:.1f}" width="{}" height="{:.1f}">'
                    "<title>{}: {}</title></rect>"
                ).format(weekend, x, _HEIGHT - height, _BAR, height, day, shown(value))
            )
    return Markup(
        '<svg role="img" aria-label="{} by day" viewBox="0 0 {} {}" preserveAspectRatio="none">'
        "{}</svg>"
    ).format(title, len(days) * (_BAR + _GAP) - _GAP, _HEIGHT, Markup().join(shapes))
