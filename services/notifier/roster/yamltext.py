"""YAML as plain text with places, so that a mistake in a team's file is told by line and column."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import yaml

_PLAIN: Final = "tag:yaml.org,2002:"
Path = tuple[str | int, ...]


class Mistake(NamedTuple):
    """One mistake in a file, and what was expected."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class NotPlain(Exception):  # noqa: N818 - a verdict on the text, caught where it is read
    """The text can't be used."""

    def __init__(self, mark: Any, message: str) -> None:
        super().__init__(message)
        self.line: int = mark.line + 1 if mark else 1
        self.column: int = mark.column + 1 if mark else 1
        self.message = message


class Places(dict[Path, tuple[int, int]]):
    """Line and column of each value, by its path."""

    def of(self, path: Path) -> tuple[int, int]:
        """Where a path leads, or what holds it."""
        while path and path not in self:
            path = path[:-1]
        return self.get(path, (1, 1))


def read(text: str) -> tuple[Any, Places]:
    """Mappings, lists and text, and where they stand. `no` stays `no`, and 08:00 stays 08:00.

    Raises:
        NotPlain: not YAML; or tags, aliases, keys that repeat, of which readers think differently.
    """
    places = Places()
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise NotPlain(event.start_mark, "an alias (*name); write it out")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or "unreadable"
        raise NotPlain(getattr(error, "problem_mark", None), f"not YAML: {problem}") from None
    except RecursionError:
        raise NotPlain(None, "too deeply nested") from None
    if node is None:
        raise NotPlain(None, "the file is empty")
    return _value(node, (), places), places


def _value(node: yaml.Node, path: Path, places: Places) -> Any:
    mark = node.start_mark
    places[path] = (mark.line + 1, mark.column + 1)
    if not node.tag.startswith(_PLAIN) or "/" in node.tag:
        raise NotPlain(mark, "a YAML tag; plain text is enough")
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, places)
    if isinstance(node, yaml.SequenceNode):
        return [_value(each, (*path, at), places) for at, each in enumerate(node.value)]
    return node.value


def _mapping(node: yaml.MappingNode, path: Path, places: Places) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise NotPlain(key.start_mark, "a key that is not a word")
        if key.value in found:
            raise NotPlain(key.start_mark, "a key for the second time")
        found[key.value] = _value(value, (*path, key.value), places)
        places[(*path, key.value, "[key]")] = (
            key.start_mark.line + 1,
            key.start_mark.column + 1,
        )
    return found
