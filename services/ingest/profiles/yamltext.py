"""YAML as plain text with places: nothing is guessed, so `no` stays `no` and `010` stays `010`.

Mappings, lists and text are all that a profile needs. Duplicate keys, tags and aliases are refused:
two readers of the file could understand them differently.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import yaml

MAX_CHARACTERS: Final = 4 * 1024 * 1024
"""A code map of 20,000 lines has about 1.5 million."""
MAX_DEPTH: Final = 8

Path = tuple[str | int, ...]


class Mark(NamedTuple):
    """A place in a text, counted from 1."""

    line: int
    column: int


class NotYaml(Exception):  # noqa: N818 - a verdict on the text, caught where it is read
    """The text can't be used; `mark` says where."""

    def __init__(self, mark: Mark, message: str) -> None:
        super().__init__(message)
        self.mark = mark
        self.message = message


@dataclass(slots=True)
class Text:
    """What a file says, and where.

    Attributes:
        value: mappings, lists and text.
        places: where each value begins, by its path; of a key that has one, the key.
    """

    value: Any = None
    places: dict[Path, Mark] = field(default_factory=dict)

    def place(self, path: Path) -> Mark:
        """Where a path leads, or what holds it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Mark(1, 1))


def read_yaml(text: str) -> Text:
    """Read the one document of a text.

    Raises:
        NotYaml: it is none, or has more in it than a profile needs.
    """
    if len(text) > MAX_CHARACTERS:
        raise NotYaml(Mark(1, 1), f"more than {MAX_CHARACTERS} characters")
    try:
        _refuse_aliases(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise _not_yaml(error) from None
    if node is None:
        raise NotYaml(Mark(1, 1), "the file is empty")
    found = Text()
    found.value = _value(node, (), found.places)
    return found


def _refuse_aliases(text: str) -> None:
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise NotYaml(_mark(event), "an alias (*name); write it out")


def _value(node: yaml.Node, path: Path, places: dict[Path, Mark]) -> Any:
    places.setdefault(path, _mark(node))
    if len(path) > MAX_DEPTH:
        raise NotYaml(_mark(node), "too deeply nested")
    if not node.tag.startswith("tag:yaml.org,2002:") or "/" in node.tag:
        raise NotYaml(_mark(node), "a YAML tag; plain text is enough")
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, places)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, at), places) for at, item in enumerate(node.value)]
    return node.value


def _mapping(node: yaml.MappingNode, path: Path, places: dict[Path, Mark]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise NotYaml(_mark(key), "a key that is not a word")
        if key.value in found:
            raise NotYaml(_mark(key), f"key {key.value!r} again")
        inside = (*path, key.value)
        places[(*inside, "[key]")] = _mark(key)
        found[key.value] = _value(value, inside, places)
    return found


def _not_yaml(error: yaml.YAMLError) -> NotYaml:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    place = Mark(mark.line + 1, mark.column + 1) if mark is not None else Mark(1, 1)
    return NotYaml(place, f"not YAML: {problem}")


def _mark(node: Any) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)
