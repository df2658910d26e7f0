"""Taking a mapping of a rule file apart: known keys, typed values, every mistake noted.

Reading goes on after a mistake, so that an author sees all of them at once; nothing that was
read survives when there was one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from services.detector.language.ast import Duration, Name, Node, Param
from services.detector.language.document import Items, Mapping, Scalar, Yaml
from services.detector.language.errors import RuleError, joined, unknown
from services.detector.language.expressions import parse_expression
from services.detector.language.words import PLAIN_WORD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from services.detector.language.ast import Place

T = TypeVar("T")
_UNREADABLE: Final = Name("?")


class Reading:
    """What is known while one file is read: mistakes, places, and the durations of `params`."""

    def __init__(self) -> None:
        self.errors: list[RuleError] = []
        self.places: dict[str, Place] = {}
        self.durations: dict[str, Duration] = {}

    def wrong(self, place: Place, message: str, expected: str | None = None) -> None:
        """Note a mistake."""
        self.errors.append(RuleError(place, message, expected))

    def text(self, node: Yaml) -> str:
        """A text on one line; an empty one is a mistake."""
        if isinstance(node, Scalar) and node.text.strip():
            return " ".join(node.text.split())
        self.wrong(node.place, "no text here", "text")
        return ""

    def word(self, node: Yaml) -> str:
        """A single word: a code, a tag, a name."""
        if isinstance(node, Scalar) and node.text and len(node.text.split()) == 1:
            return node.text
        self.wrong(node.place, "not a word", "a single word")
        return ""

    def one_of(self, node: Yaml, allowed: Iterable[str]) -> str:
        """A word of a closed list."""
        known = tuple(allowed)
        word = node.text if isinstance(node, Scalar) else ""
        if not word:
            self.wrong(node.place, "not a word", joined(known))
        elif word not in known:
            self.wrong(node.place, *unknown("word", word, known))
        return word

    def listed(self, node: Yaml, read: Callable[[Yaml], T]) -> tuple[T, ...]:
        """A list, or one value that stands for a list of one."""
        return tuple(read(item) for item in (node.items if isinstance(node, Items) else (node,)))

    def expression(self, node: Yaml) -> Node:
        """A condition, time or value."""
        if not isinstance(node, Scalar):
            self.wrong(node.place, "not an expression", "an expression")
            return _UNREADABLE
        try:
            return parse_expression(node.source, node.source_place)
        except RuleError as error:
            self.errors.append(error)
            return _UNREADABLE

    def duration(self, node: Yaml) -> Duration:
        """A length of time, written out or as a parameter that is one."""
        before = len(self.errors)
        read = self.expression(node)
        if isinstance(read, Param) and read.name in self.durations:
            given = self.durations[read.name]
            return Duration(given.amount, given.unit, param=read.name, place=read.place)
        if isinstance(read, Duration):
            return read
        if len(self.errors) == before:
            self.wrong(node.place, "not a duration", "for example 7 d, 4 wk or 6 mo")
        return Duration(0, "d", place=node.place)

    def integer(self, node: Yaml) -> int:
        """A small whole number, such as a grade."""
        if isinstance(node, Scalar) and node.text.isascii() and node.text.isdigit():
            return int(node.text[:9])
        self.wrong(node.place, "not a whole number", "a whole number")
        return 0

    def truth(self, node: Yaml) -> bool:
        """`true` or `false`, spelt so."""
        return self.one_of(node, ("true", "false")) == "true"

    def name(self, node: Scalar) -> str:
        """The name that an author gives to a series, a parameter, a value or a criterion."""
        if not PLAIN_WORD.fullmatch(node.text):
            self.wrong(node.place, f"{node.text!r} is not a name", "letters, digits and _")
        return node.text


class Form:
    """One mapping, whose keys are known beforehand."""

    def __init__(self, reading: Reading, node: Yaml, known: Iterable[str], path: str) -> None:
        """Refuse unknown keys at once.

        Args:
            reading: where mistakes and places go.
            node: the mapping; anything else is a mistake and counts as an empty one.
            known: its keys.
            path: what `Rule.place_of` calls this part; empty for the whole.
        """
        self.reading = reading
        self.place = node.place
        self._path = f"{path}." if path else ""
        if path:
            reading.places.setdefault(path, node.place)
        self._values: dict[str, Yaml] = {}
        if not isinstance(node, Mapping):
            reading.wrong(node.place, "not a mapping", f"keys such as {next(iter(known))!r}")
            return
        for key, value in node.entries:
            self._take(key, value, tuple(known))

    def _take(self, key: Scalar, value: Yaml, known: tuple[str, ...]) -> None:
        empty = isinstance(value, Scalar) and value.bare and value.text in ("", "~", "null")
        if key.text not in known and empty and not PLAIN_WORD.fullmatch(key.text):
            message = "a comma in braces ends a value"
            self.reading.wrong(key.place, message, "quotes around an expression with a comma")
        elif key.text not in known:
            self.reading.wrong(key.place, *unknown("key", key.text, known))
        elif empty:
            self.reading.wrong(key.place, f"{key.text!r} is empty", "a value, or no such key")
        else:
            self._values[key.text] = value
            self.reading.places[self._path + key.text] = value.place

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def path(self, key: str) -> str:
        """What `Rule.place_of` calls the value of this key."""
        return self._path + key

    def node(self, key: str) -> Yaml | None:
        """The value as it stands."""
        return self._values.get(key)

    def get(self, key: str, read: Callable[[Yaml], T]) -> T | None:
        """The value, read; None if the key isn't there."""
        node = self._values.get(key)
        return None if node is None else read(node)

    def need(self, key: str, read: Callable[[Yaml], T]) -> T | None:
        """The same; a missing key is a mistake."""
        if key not in self._values:
            self.reading.wrong(self.place, f"no {key!r}", f"the key {key!r}")
        return self.get(key, read)

    def listed(self, key: str, read: Callable[[Yaml], T]) -> tuple[T, ...]:
        """A list or a single value; nothing if the key isn't there."""
        node = self._values.get(key)
        if isinstance(node, Items):
            for index, item in enumerate(node.items):
                self.reading.places[f"{self.path(key)}.{index}"] = item.place
        return () if node is None else self.reading.listed(node, read)

    def entries(self, key: str) -> tuple[tuple[Scalar, Yaml], ...]:
        """Keys and values of a mapping whose keys are the author's."""
        node = self._values.get(key)
        if node is None:
            return ()
        if not isinstance(node, Mapping):
            self.reading.wrong(node.place, "not a mapping", f"names under {key!r}")
            return ()
        return node.entries
