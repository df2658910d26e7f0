"""Where in a file a text goes wrong, and what to tell its author."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lark import UnexpectedCharacters, UnexpectedToken

from services.detector.language.ast import Place
from services.detector.language.errors import joined

if TYPE_CHECKING:
    from lark import UnexpectedInput

_VALUE: Final = {"NUMBER", "PARAM"}
_WORD: Final = {"NAME", "QUOTED"}
_OPERATOR: Final = {"RELATION", "PLUS", "TIMES", "BY", "AND", "OR", "IN", "HAS"}
_PERIOD: Final = {"SINCE", "AFTER", "UNTIL", "WITHIN", "OLDER", "WHERE"}
_SHOWN: Final = {
    "UNIT": "a unit",
    "LPAR": "'('",
    "RPAR": "')'",
    "COMMA": "','",
    "THAN": "'than'",
    "$END": "the end",
}


def place_at(text: str, start: Place, offset: int) -> Place:
    """Place of the character at an offset of a text that begins at `start`."""
    before = text[:offset]
    lines = before.count("\n")
    if lines == 0:
        return Place(start.file, start.line, start.column + offset)
    return Place(start.file, start.line + lines, offset - before.rfind("\n"))


def found_and_expected(error: UnexpectedInput) -> tuple[str, str]:
    """What stands there, and what could have.

    Returns:
        Message and expectation of a RuleError.
    """
    return _found(error), _expected(_terminals(error))


def _found(error: UnexpectedInput) -> str:
    if isinstance(error, UnexpectedToken):
        if error.token.type == "$END":
            return "the expression ends too early"
        return f"unexpected {str(error.token)!r}"
    if isinstance(error, UnexpectedCharacters):
        return f"unexpected {error.char!r}"
    return "the expression ends too early"


def _terminals(error: UnexpectedInput) -> set[str]:
    """What the parser would really have taken there; its table alone says more than that."""
    parser = getattr(error, "interactive_parser", None)
    if parser is not None:
        return set(parser.accepts())
    return set(getattr(error, "accepts", None) or ())


def _expected(terminals: set[str]) -> str:
    """Groups first: a list of twenty terminals helps nobody."""
    parts = []
    if terminals & _VALUE:
        parts.append("a value")
    elif terminals & _WORD:
        parts.append("a word")
    if terminals & _OPERATOR and not terminals & _VALUE:
        parts.append("an operator")
    if terminals & _PERIOD and not terminals & _VALUE:
        parts.append("a period")
    starts_value = terminals & _VALUE
    shown = {t: w for t, w in _SHOWN.items() if not (t == "LPAR" and starts_value)}
    parts.extend(word for name, word in shown.items() if name in terminals)
    return joined(parts or ["an expression"])
