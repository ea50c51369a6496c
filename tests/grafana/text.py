"""How wide texts are in Grafana's font, Inter, and what a screen of 1440 pixels leaves for them."""

_ADVANCES = {
    " ": 0.28,
    "a": 0.561,
    "b": 0.612,
    "c": 0.571,
    "d": 0.612,
    "e": 0.583,
    "f": 0.356,
    "g": 0.612,
    "h": 0.594,
    "i": 0.242,
    "j": 0.242,
    "k": 0.543,
    "l": 0.242,
    "m": 0.876,
    "n": 0.594,
    "o": 0.602,
    "p": 0.612,
    "q": 0.612,
    "r": 0.379,
    "s": 0.533,
    "t": 0.358,
    "u": 0.594,
    "v": 0.561,
    "w": 0.806,
    "x": 0.546,
    "y": 0.561,
    "z": 0.551,
    ",": 0.29,
    ".": 0.29,
    "/": 0.36,
    "-": 0.46,
    "M": 0.905,
    "W": 0.99,
    "I": 0.266,
    "%": 0.96,
}
"""Advances in em. Other characters take the width of a wide capital."""

_OTHER = 0.75
_MEDIUM = 1.04
"""Titles are of medium weight: measured at two titles of a real Grafana."""

SCREEN = 1440
MENU = 300
MARGIN = 2 * 16
CONTENT = SCREEN - MENU - MARGIN
"""Pixels that Grafana leaves to panels beside its docked menu."""

GAP = 8
_HIDDEN = 2
_TITLE_ROOM = 44
_ICON = 31
_TIME_CONTROLS = 426
"""Pixels of the time picker and the refresh button."""


def width(text, *, size=14):
    """Return the pixels of a text of medium weight."""
    return sum(_ADVANCES.get(letter, _OTHER) for letter in text) * size * _MEDIUM


def panel_width(columns):
    """Return the pixels of a panel that is so many of 24 columns wide."""
    return (CONTENT + GAP) / 24 * columns - GAP


def title_room(columns, *, icons):
    """Return the pixels for the title of a panel with so many icons: description and links."""
    return panel_width(columns) - _TITLE_ROOM - icons * _ICON


def controls(variables, longest):
    """Return the pixels of the row of variables, links and time controls.

    `variables` are those of a dashboard, `longest` maps their names to their longest texts.
    """
    total = 0
    for variable in variables:
        if variable.get("hide") == _HIDDEN:
            continue
        label = 0 if variable.get("hide") else width(variable["label"], size=12) + 18
        chip = 48 if variable.get("multi") else 0
        total += label + width(longest[variable["name"]]) + 40 + chip + GAP
    return total + width("Dashboards", size=12) + 48 + GAP + _TIME_CONTROLS
