"""The direction of flow: no module imports one further along the path of the data."""

import ast
import re
from pathlib import Path

import pytest

from exporter import catalog

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "exporter"

LAYERS = [
    {"problems", "clock", "windows", "yamlfile", "sharding"},
    {"api.endpoints"},
    {"catalog"},
    {"settings"},
    {"scheduler"},
    {"api"},
    {"samples"},
    {"history"},
    {"snapshots", "saved"},
    {"collectors"},
    {"exposition"},
    {"telemetry"},
    {"polling.generation", "polling.context"},
    {"polling.state"},
    {"polling.schedule", "polling.collecting"},
    {"polling.days", "polling.keys", "polling.overload"},
    {"polling.recording", "polling.configuration"},
    {"polling"},
    {"wiring"},
    {"web"},
    {"service", "check", "backfill", "demo"},
    {"commands", "backfill.command", "demo.command"},
    {"cli", "__main__"},
]
"""From the first to the last; a module may import its own layer and those before it."""

RANK = {name: place for place, names in enumerate(LAYERS) for name in names}


def layer(module):
    """Return the layer of `exporter.x.y`, by the longest name that is listed."""
    parts = module.split(".")[1:]
    for end in range(len(parts), 0, -1):
        if (name := ".".join(parts[:end])) in RANK:
            return name
    return None


def imports(path):
    """Return the modules of this package that a file imports when it is loaded."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("exporter"):
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                found.add(inside if layer(inside) != layer(node.module) else node.module)
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.startswith("exporter")}
    return found


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=lambda value: str(value)[-40:])
def test_no_module_imports_one_further_along(module, path):
    own = layer(module)
    if own is None:
        return
    wrong = [
        other
        for other in imports(path)
        if (known := layer(other)) is not None and RANK[known] > RANK[own]
    ]
    assert not wrong


def test_every_part_of_the_diagram_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    diagram = text.split("exporter/\n", 1)[1].split("\ngrafana/", 1)[0]
    for line in diagram.splitlines():
        name = line.split()[0]
        assert (PACKAGE / name).exists(), name
    listed = {line.split()[0].rstrip("/").removesuffix(".py") for line in diagram.splitlines()}
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages <= listed


def test_every_gauge_of_the_table_of_screens_exists():
    text = (ROOT / "docs" / "platform.md").read_text()
    for name in re.findall(r"iblai_[a-z0-9_]+", text):
        assert name in catalog.BY_NAME, name


def test_every_test_that_the_page_on_behavior_names_exists():
    text = (ROOT / "docs" / "behavior.md").read_text()
    named = set(re.findall(r"`([a-z_/]+\.py)`", text))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / "tests" / name).exists()] == []
