"""A site's YAML as plain text with places, and what is wrong with it, told by line and column.

Nothing is guessed: `no` stays `no`, `010` stays `010`. Mappings, lists and text are all that a site
needs. Duplicate keys, tags and aliases are refused: two readers of the file could understand them
differently.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import ValidationError

MAX_CHARACTERS: Final = 4 * 1024 * 1024
"""A code map of 20,000 lines has about 1.5 million."""
MAX_DEPTH: Final = 16

Path = tuple[str | int, ...]
KEY: Final = "[key]"
"""Ends the path of a key itself, as in pydantic's errors."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake in a file, and what was expected."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


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
        NotYaml: it is none, or has more in it than a site needs.
    """
    if len(text) > MAX_CHARACTERS:
        raise NotYaml(Mark(1, 1), f"more than {MAX_CHARACTERS} characters")
    try:
        _refuse_strange(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise _not_yaml(error) from None
    if node is None:
        raise NotYaml(Mark(1, 1), "the file is empty")
    found = Text()
    found.value = _value(node, (), found.places)
    return found


def explained(
    error: ValidationError, said: Text, file: str, hint: Callable[[Path], str] = lambda _: ""
) -> Iterator[Mistake]:
    """What a model says against a text, at the places where the text says it.

    Args:
        error: of the model.
        said: the text.
        file: its name.
        hint: what to add of an unknown key, by its path.
    """
    for each in error.errors(include_url=False, include_input=False):
        path: Path = tuple(part for part in each["loc"] if part != KEY)
        message = each["msg"].removeprefix("Value error, ")
        if each["type"] == "extra_forbidden":
            mark = said.place((*path, KEY))
            yield Mistake(file, *mark, f"unknown key {path[-1]!r}{hint(path)}")
        elif each["type"] == "missing":
            yield Mistake(file, *said.place(path[:-1]), f"the key {path[-1]!r} is missing")
        else:
            where = ".".join(map(str, path))
            mark = said.place(tuple(each["loc"]))
            yield Mistake(file, *mark, f"{where}: {message}" if where else message)


def _refuse_strange(text: str) -> None:
    """Before it is composed, which goes as deep as the text does."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise NotYaml(_mark(event), "an alias (*name); write it out")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise NotYaml(_mark(event), "too deeply nested")


def _value(node: yaml.Node, path: Path, places: dict[Path, Mark]) -> Any:
    places.setdefault(path, _mark(node))
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
        places[(*inside, KEY)] = _mark(key)
        found[key.value] = _value(value, inside, places)
    return found


def _not_yaml(error: yaml.YAMLError) -> NotYaml:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    place = Mark(mark.line + 1, mark.column + 1) if mark is not None else Mark(1, 1)
    return NotYaml(place, f"not YAML: {problem}")


def _mark(node: Any) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)
