"""A YAML file as keys and texts, each with its line."""

import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from exporter.problems import ConfigError, Loc, dotted

MAX_BYTES = 16 << 20
"""Enough for 100,000 orgs in one file."""

MAX_DEPTH = 20
MAX_ALIASED = 250_000
"""Values that aliases may add to those of the file."""

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_NULL = f"{_TAG}null"
_TYPED = {f"{_TAG}{name}": name for name in ("bool", "int", "float")}
_TEXT = {f"{_TAG}{name}" for name in ("str", "timestamp", "value")}

_ALIAS = "a value begins with * or &, which YAML reads as an alias; quote it"
_HINTS = {
    "undefined alias": _ALIAS,
    "alphabetic or numeric": _ALIAS,
    "another document": "a second document begins here; remove the `---`",
    "duplicate anchor": "an anchor (&name) is set twice; rename one",
    "mapping values are not allowed": (
        "an unexpected colon; check the indentation, or quote the value"
    ),
    "expected ':'": "not `key: value`, here or on the line above; add a space after the colon",
    "cannot start any token": "a value begins with a special character; quote it",
    "expected key": "is not aligned with the lines above; indent the keys of a mapping alike",
    "'-' indicator": "is not aligned with the lines above; indent the items of a list alike",
}

# The C parser is some ten times faster; a build of PyYAML without it reads the same files.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Unquoted(str):
    """A text without quotes that YAML reads as a number or boolean."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a file: mappings, lists, texts and None, with the line of each."""

    tree: Any
    lines: dict[Loc, int]
    problems: tuple[str, ...] = ()


EMPTY = Document({}, {})


def read(path: Path) -> Document:
    """Read a YAML file of keys and values. Raise `ConfigError` if it cannot be parsed.

    What is wrong in a part of it, such as a duplicate key, is in `problems` instead.
    """
    document = read_any(path)
    if not isinstance(document.tree, dict):
        raise ConfigError([f"{path}:1: must contain keys and values, such as `interval: 5m`"])
    return document


def read_any(path: Path) -> Document:
    """Read a YAML file of any form; an empty one is an empty mapping."""
    text = _text(path)
    try:
        size = _size(path, text)
        root = _Loader(text).get_single_node()
    except yaml.YAMLError as error:
        raise ConfigError([_syntax(path, text, error)]) from None
    if root is None:
        return EMPTY
    walk = _Walk(path, most=size + MAX_ALIASED)
    tree = walk.value(root, ())
    return Document({} if tree is None else tree, walk.lines, tuple(walk.problems))


@dataclass(slots=True)
class _Walk:
    """Turns the nodes of a file into a tree. Aliases are followed up to a limit."""

    path: Path
    most: int
    lines: dict[Loc, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    nodes: int = 0

    def value(self, node: yaml.Node, loc: Loc) -> Any:
        """Return the value of a node, and note the lines of everything in it."""
        self._bound(node, loc)
        self.lines.setdefault(loc, _line(node))
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*loc, i)) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc)
        if node.tag == _NULL:
            return None
        if node.tag in _TYPED:
            return Unquoted(node.value)
        if node.tag not in _TEXT:
            self._note(node, loc, "has a tag (a word that begins with !); remove it")
        return str(node.value)

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in self._pairs(node, loc):
            if not isinstance(key, yaml.ScalarNode):
                self._note(key, loc, "has a key that is not a plain word; write `key: value`")
                continue
            name = str(key.value)
            place = (*loc, name)
            if name in found:
                self._note(
                    key, place, f"is set twice (first on line {self.lines[place]}); remove one"
                )
                continue
            self.lines[place] = _line(key)
            found[name] = self.value(value, place)
        for merged in self._merged(node, loc):
            for key, value in self._pairs(merged, loc):
                if isinstance(key, yaml.ScalarNode) and str(key.value) not in found:
                    name = str(key.value)
                    self.lines[*loc, name] = _line(key)
                    found[name] = self.value(value, (*loc, name))
        return found

    def _pairs(self, node: yaml.MappingNode, loc: Loc) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        for key, value in node.value:
            if key.tag != _MERGE:
                self._bound(key, loc)
                yield key, value

    def _merged(self, node: yaml.MappingNode, loc: Loc) -> Iterator[yaml.MappingNode]:
        """Yield the mappings that `<<` brings in, the more important first."""
        for key, value in node.value:
            if key.tag != _MERGE:
                continue
            for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                self._bound(part, loc)
                if not isinstance(part, yaml.MappingNode) or part is node:
                    self._note(key, loc, "`<<` needs another mapping, such as *defaults")
                    continue
                yield part
                yield from self._merged(part, (*loc, "<<"))

    def _bound(self, node: yaml.Node, loc: Loc) -> None:
        self.nodes += 1
        if len(loc) > MAX_DEPTH or self.nodes > self.most:
            problem = (
                f"{self.path}:{_line(node)}: aliases (*name) add more than {MAX_ALIASED} values "
                f"or more than {MAX_DEPTH} levels; use fewer"
            )
            raise ConfigError([problem])

    def _note(self, node: yaml.Node, loc: Loc, what: str) -> None:
        place = f"{self.path}:{_line(node)}:"
        self.problems.append(f"{place} {dotted(loc)}: {what}" if loc else f"{place} {what}")


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ConfigError([f"{path}: {_why(error)}"]) from None
    if len(content) > MAX_BYTES:
        raise ConfigError([f"{path}: is larger than 16 MiB; check the path"])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{path}:{line}: is not UTF-8 text; save it as UTF-8"]) from None


def _why(error: OSError | ValueError) -> str:
    match getattr(error, "errno", None):
        case errno.ENOENT | errno.ENOTDIR:
            return "there is no such file; check the path"
        case errno.EISDIR:
            return "is a directory; name a file in it"
        case errno.EACCES | errno.EPERM:
            return "permission denied; let the user of the exporter read it"
        case _:
            return f"cannot be read ({getattr(error, 'strerror', None) or 'not a path'})"


def _size(path: Path, text: str) -> int:
    """Return the number of values. Reject nesting so deep that it would exhaust the stack."""
    depth = events = 0
    for event in yaml.parse(text, Loader=_Loader):
        events += 1
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ConfigError(
                [f"{path}:{_line(event)}: is nested more than {MAX_DEPTH} levels deep; write less"]
            )
    return events


def _syntax(path: Path, text: str, error: yaml.YAMLError) -> str:
    """Return what is wrong with the YAML. The parser may quote a secret: its text is left out."""
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    if mark is None:
        return f"{path}: contains control characters; remove them"
    context = getattr(error, "context", None) or ""
    begun = getattr(error, "context_mark", None)
    if begun is not None and ("quoted" in context or "flow" in context):
        quote = "a quote that is not closed; close it"
        bracket = "a [ or { that is not closed, or a missing comma; add it"
        return f"{path}:{begun.line + 1}: {quote if 'quoted' in context else bracket}"
    lines = re.split(r"\r\n|[\n\r\x85\u2028\u2029]", text)
    near = lines[max(mark.line - 1, 0) : mark.line + 1]
    return f"{path}:{mark.line + 1}: {_hint(getattr(error, 'problem', None) or '', near)}"


def _hint(problem: str, near: list[str]) -> str:
    if any("\t" in line[: len(line) - len(line.lstrip())] for line in near):
        return "a tab in the indentation; indent with spaces"
    hint = next((hint for part, hint in _HINTS.items() if part in problem), None)
    return hint or "is not YAML; check indentation, quotes and brackets near this line"


def _line(part: yaml.Node | yaml.Event) -> int:
    mark = part.start_mark
    assert mark is not None
    return int(mark.line) + 1
