"""YAML as text with places: no types are guessed, so `0.20` stays `0.20` and `no` stays `no`.

Built from the parser's events, not its constructor. What a rule file has no use for is refused:
duplicate keys, tags, several documents, nesting and alias expansion beyond any rule's size.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from services.detector.language.ast import Place
from services.detector.language.errors import RuleError
from services.detector.language.syntax import place_at

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_CHARACTERS: Final = 200_000
"""The longest rule of the catalogue has about 6,000."""
MAX_NODES: Final = 20_000
"""After expansion of aliases: nine aliases of nine aliases of … stop here."""
MAX_DEPTH: Final = 30

_ANCHOR: Final = re.compile(r"&\S+\s+")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A piece of text.

    Attributes:
        text: the value, as YAML understands its quotes and folds.
        place: where it begins.
        source: the same as it stands in the file, without quotes; newlines kept. Offsets in it
            are offsets in the file, which those in `text` are not.
        source_place: where `source` begins.
        bare: written without quotes, so that an empty one means "nothing".
    """

    text: str
    place: Place
    source: str
    source_place: Place
    bare: bool = True
    size: int = 1


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Yaml, ...]
    place: Place
    size: int = 1


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in the order of the text; no key occurs twice."""

    entries: tuple[tuple[Scalar, Yaml], ...]
    place: Place
    size: int = 1

    def get(self, key: str) -> Yaml | None:
        """The value of a key."""
        return next((value for k, value in self.entries if k.text == key), None)


Yaml = Scalar | Items | Mapping

_FAST = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""Ten times as fast, where PyYAML was built with libyaml, as its wheels are."""


def read_document(text: str, file: str) -> Yaml:
    """Read the one document of a file.

    Args:
        text: the file's text.
        file: its name, for the places.

    Raises:
        RuleError: not YAML, more than one document, or more than any rule needs.
    """
    start = Place(file, 1, 1)
    if len(text) > MAX_CHARACTERS:
        raise RuleError(start, "the file is too large", f"at most {MAX_CHARACTERS} characters")
    with suppress(yaml.YAMLError):  # which the other reader words better
        return _Composer(text, file, _FAST).document()
    try:
        return _Composer(text, file, yaml.SafeLoader).document()
    except yaml.YAMLError as error:
        raise _not_yaml(error, start) from None


def _not_yaml(error: yaml.YAMLError, start: Place) -> RuleError:
    mark = getattr(error, "problem_mark", None)
    place = Place(start.file, mark.line + 1, mark.column + 1) if mark else start
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    return RuleError(place, f"not YAML: {problem}")


class _Composer:
    """Events into values. Aliases share the value; `size` counts it as often as it is used."""

    def __init__(self, text: str, file: str, loader: Any) -> None:
        self._text = text
        self._file = file
        self._anchors: dict[str, Yaml] = {}
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=loader))

    def document(self) -> Yaml:
        """The first document, and nothing after it."""
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                break
            if isinstance(event, StreamEndEvent):
                raise RuleError(Place(self._file, 1, 1), "the file is empty", "a rule")
        value = self._value(next(self._events), 1)
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                raise RuleError(self._place(event), "a second document", "one rule in a file")
        return value

    def _place(self, event: Any) -> Place:
        return Place(self._file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _value(self, event: Any, depth: int) -> Yaml:
        place = self._place(event)
        if depth > MAX_DEPTH:
            raise RuleError(place, "too deeply nested", f"at most {MAX_DEPTH} levels")
        if isinstance(event, AliasEvent):
            return self._aliased(event, place)
        if event.tag is not None:
            raise RuleError(place, "a YAML tag", "plain text, a list or a mapping")
        value = self._plain(event, place, depth)
        if value.size > MAX_NODES:
            raise RuleError(place, "the file says too much", f"at most {MAX_NODES} values")
        self._remember(event, value)
        return value

    def _plain(self, event: Any, place: Place, depth: int) -> Yaml:
        if isinstance(event, SequenceStartEvent):
            return self._items(place, depth)
        if isinstance(event, MappingStartEvent):
            return self._mapping(place, depth)
        return self._scalar(event, place)

    def _aliased(self, event: AliasEvent, place: Place) -> Yaml:
        """Anchors are known only when complete, so nothing can contain itself."""
        if event.anchor not in self._anchors:
            raise RuleError(place, f"nothing is called '&{event.anchor}' before this alias")
        return self._anchors[event.anchor]

    def _remember(self, event: NodeEvent, value: Yaml) -> None:
        if event.anchor is not None:
            self._anchors[event.anchor] = value

    def _items(self, place: Place, depth: int) -> Items:
        items: list[Yaml] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._value(event, depth + 1))
        return Items(tuple(items), place, 1 + sum(i.size for i in items))

    def _mapping(self, place: Place, depth: int) -> Mapping:
        entries: list[tuple[Scalar, Yaml]] = []
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._key(self._value(event, depth + 1), {k.text: k.place for k, _ in entries})
            entries.append((key, self._value(next(self._events), depth + 1)))
        return Mapping(tuple(entries), place, 1 + sum(v.size + 1 for _, v in entries))

    def _key(self, key: Yaml, seen: dict[str, Place]) -> Scalar:
        if not isinstance(key, Scalar):
            raise RuleError(key.place, "a key that is not a word", "a word")
        if key.text in seen:
            first = seen[key.text].line
            raise RuleError(key.place, f"key {key.text!r} again, first in line {first}")
        return key

    def _scalar(self, event: Any, place: Place) -> Scalar:
        raw = self._text[event.start_mark.index : event.end_mark.index]
        anchor = _ANCHOR.match(raw) if event.anchor is not None else None
        if anchor is not None:
            place = place_at(raw, place, anchor.end())
            raw = raw[anchor.end() :]
        if not event.style:
            return Scalar(event.value, place, raw, place)
        if event.style in "|>":
            body = Place(place.file, place.line + 1, 1)
            return Scalar(event.value, place, raw.partition("\n")[2], body, bare=False)
        return _quoted(event.value, raw[1:-1], place)


def _quoted(value: str, inside: str, place: Place) -> Scalar:
    """Escapes shift offsets: then the value itself serves, and places are near, not exact."""
    first = Place(place.file, place.line, place.column + 1)
    exact = "\\" not in inside and "''" not in inside
    return Scalar(value, place, inside if exact else value, first, bare=False)
