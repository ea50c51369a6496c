"""How wide texts are in Grafana's font, Inter, and what a screen of 1440 pixels leaves for them."""

_CHARACTERS = {
    "ijl": 516,
    " ": 546,
    "I": 558,
    ",.:": 621,
    "!": 623,
    "'": 641,
    ";": 646,
    "`": 690,
    "t": 697,
    "|": 708,
    "()[]": 755,
    "/\\": 757,
    "f": 777,
    "r": 792,
    "1": 850,
    "{}": 902,
    "-": 947,
    "_": 948,
    "^": 976,
    '"': 1012,
    "*": 1066,
    "?": 1080,
    "s": 1103,
    "x": 1141,
    "kz": 1145,
    "L": 1158,
    "a": 1163,
    "7": 1170,
    "v": 1177,
    "Jy": 1178,
    "c": 1182,
    "e": 1203,
    "F": 1207,
    "hnu": 1232,
    "E": 1235,
    "o": 1237,
    "2": 1262,
    "5bdpq": 1266,
    "g": 1269,
    "3": 1284,
    "8": 1289,
    "69": 1290,
    "#": 1308,
    "Z": 1312,
    "P": 1314,
    "0": 1322,
    "$S": 1323,
    "R": 1327,
    "T": 1337,
    "&": 1338,
    "4": 1344,
    "B": 1345,
    "+<=>~": 1367,
    "K": 1408,
    "Y": 1426,
    "X": 1435,
    "AV": 1452,
    "D": 1478,
    "C": 1502,
    "U": 1516,
    "H": 1525,
    "G": 1531,
    "N": 1549,
    "O": 1570,
    "Q": 1574,
    "w": 1698,
    "m": 1819,
    "M": 1869,
    "@": 2012,
    "%": 2034,
    "W": 2054,
}
"""Advances of characters in Inter Medium 4.0 (rsms.me/inter), in units of which 2,048 are an em."""

_EM = 2048
_ADVANCES = {letter: advance / _EM for text, advance in _CHARACTERS.items() for letter in text}
_OTHER = 0.75
"""Advance of other characters, in em: that of a wide capital."""

_SPACING = 0.01071
"""Em that Grafana adds to each character."""

SCREEN = 1440
MENU = 300
MARGIN = 2 * 16
CONTENT = SCREEN - MENU - MARGIN
"""Pixels that Grafana leaves to panels beside its docked menu."""

CONTROLS_END = 144
"""Pixels above the first row: the top of the page and the controls."""

ROW = 38
"""Pixels of a unit of the grid's height, the gap included."""

PANEL_HEADER = 34
LEAST_OF_A_SPARKLINE = 100
"""Pixels of a panel below its header up to which numbers beside each other have no sparkline."""

GAP = 8
_HIDDEN = 2
_TITLE_ROOM = 44
_ICON = 31
_TIME_CONTROLS = 426
"""Pixels of the time picker and the refresh button."""


def width(text, *, size=14):
    """Return the pixels of a text of medium weight."""
    return sum(_ADVANCES.get(letter, _OTHER) + _SPACING for letter in text) * size


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
