"""What can be wrong with a rule file: always a place, what was found, and what was expected.

A rule file belongs to its author and holds no patient's data, so its words may be quoted.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.detector.language.ast import Place


@dataclass(eq=False)
class RuleError(Exception):
    """One mistake in a rule file.

    Attributes:
        place: file, 1-based line and column.
        message: what is wrong.
        expected: what would have been right, as far as that can be said in a few words.
    """

    place: Place
    message: str
    expected: str | None = None

    def __str__(self) -> str:
        hint = f" (expected {self.expected})" if self.expected else ""
        return f"{self.place}: {self.message}{hint}"


class RuleErrors(Exception):  # noqa: N818  # it holds many
    """All mistakes of a rule file at once, in the order of the text."""

    def __init__(self, errors: Iterable[RuleError]) -> None:
        self.errors: tuple[RuleError, ...] = in_order(errors)
        super().__init__("\n".join(str(error) for error in self.errors))


def in_order(errors: Iterable[RuleError]) -> tuple[RuleError, ...]:
    """Sort by file, line and column; the same mistake is told once."""
    found = dict.fromkeys((e.place, e.message, e.expected) for e in errors)
    told = [RuleError(*key) for key in found]
    return tuple(sorted(told, key=lambda e: (e.place.file, e.place.line, e.place.column)))


def unknown(kind: str, found: str, known: Iterable[str]) -> tuple[str, str | None]:
    """Say that a word is not of a list: with the likeliest meaning, else with the whole list.

    Args:
        kind: what the word should have been.
        found: the word.
        known: the list; a tuple keeps its order.

    Returns:
        Message and expectation of a RuleError.
    """
    words = list(known) if isinstance(known, tuple) else sorted(set(known))
    near = get_close_matches(found, words, n=1)
    if near:
        return f"unknown {kind} {found!r}, did you mean {near[0]!r}?", None
    return f"unknown {kind} {found!r}", joined(words)


def joined(words: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    if not words:
        return "nothing"
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))
