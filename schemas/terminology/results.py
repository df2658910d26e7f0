"""What laboratories print: results such as `<20 detected`, and reference ranges such as `10-40`.

A printed result is an interval. `<20` says less than a number, and is never turned into one: no
half of the limit, no limit itself. What can't be read for certain is `invalid`, so that somebody
looks, rather than a guess that fires or silences a rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from schemas.base import parse_number
from schemas.events import Comparator
from schemas.terminology.ucum import logarithmic, normalise, read

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LENGTH = 80
"""Longest result text that is read as a number; anything longer is a comment."""

_ZERO = Decimal(0)
_SIGNS = {
    "<": Comparator.LESS,
    "<=": Comparator.LESS_OR_EQUAL,
    "\N{LESS-THAN OR EQUAL TO}": Comparator.LESS_OR_EQUAL,
    ">": Comparator.GREATER,
    ">=": Comparator.GREATER_OR_EQUAL,
    "\N{GREATER-THAN OR EQUAL TO}": Comparator.GREATER_OR_EQUAL,
}
_SIGN = r"<=|>=|<|>|\N{LESS-THAN OR EQUAL TO}|\N{GREATER-THAN OR EQUAL TO}"
_FIGURE = r"[+-]?(?:\d[\d.,]*|\.\d+)(?:[eE][+-]?\d{1,2})?"
_PLAIN = re.compile(r"[+-]?(\d+(\.\d+)?|\.\d+)([eE][+-]?\d{1,2})?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
_QUANTITY = re.compile(rf"(?P<sign>{_SIGN})?\s*(?P<figure>{_FIGURE})(?P<rest>.*)")
_LOG = re.compile(r"(?:log10|log)\b\s*", re.IGNORECASE)
_DIGITS_FIRST = re.compile(r"\d(?!0\s*[*^eE(])")
"""`1 250/uL` is 1250, not one of `250/uL`; `4.2 10*3/uL` is a number and a unit."""
_BETWEEN = re.compile(
    rf"[(\[]?\s*(?P<low>{_FIGURE})\s*(?:-|\N{{EN DASH}}|\bto\b)\s*(?P<high>{_FIGURE})\s*[)\]]?"
)
_BY_SEX = re.compile(r"\b(?P<sex>male|female|m|f)\s*[:=]\s*", re.IGNORECASE)

NOT_DETECTED = frozenset(
    {"not detected", "target not detected", "tnd", "undetected", "undetectable", "none detected"}
)
"""`ND` is not here: it also stands for "not done"."""


class Kind(StrEnum):
    """What sort of statement a result text makes."""

    EXACT = "exact"
    LEFT = "left"  # below a limit
    RIGHT = "right"  # above a limit
    NOT_DETECTED = "not_detected"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Result:
    """A result text, read.

    number: the printed number, or the limit; 0 when not detected; None when invalid.
    comparator: of a limit. detected: None when the text doesn't say (`<20` alone doesn't: some
    laboratories print it for a signal below the limit, others for none).
    unit: the unit printed behind the number, in UCUM. logarithmic: the number is a log10.
    """

    kind: Kind
    number: Decimal | None = None
    comparator: Comparator | None = None
    detected: bool | None = None
    unit: str | None = None
    logarithmic: bool = False

    def compare(self, operator: str, limit: Decimal) -> bool | None:
        """Compare with a limit on the same scale: `<`, `<=`, `>`, `>=`.

        Returns:
            None when the interval lies on both sides of the limit, or there is no number.
        """
        if self.number is None:
            return None
        if operator in (">", ">="):
            opposite = self.compare("<=" if operator == ">" else "<", limit)
            return None if opposite is None else not opposite
        if self._all_below(operator, limit):
            return True
        return False if self._none_below(operator, limit) else None

    def _all_below(self, operator: str, limit: Decimal) -> bool:
        if self.number is None or self.kind is Kind.RIGHT:
            return False
        open_end = self.comparator is Comparator.LESS
        return self.number < limit or (self.number == limit and (operator == "<=" or open_end))

    def _none_below(self, operator: str, limit: Decimal) -> bool:
        if self.number is None:
            return False
        if self.kind is Kind.LEFT:  # [0, number): amounts are not negative, logarithms may be
            return not self.logarithmic and (limit < 0 or (limit == 0 and operator == "<"))
        open_end = self.comparator is Comparator.GREATER
        return self.number > limit or (self.number == limit and (operator == "<" or open_end))


INVALID = Result(Kind.INVALID)


def parse_result(text: str) -> Result:
    """Read a result text (OBX-5 of type ST or TX, `valueString`).

    Returns:
        `INVALID` for ordinals (`2+`), comments, empty texts, and numbers that two countries read
        differently (`1,25`, `1.250,5`).
    """
    words = " ".join(text.replace(";", " ").split())
    if not words or len(words) > MAX_LENGTH:
        return INVALID
    if words.casefold() in NOT_DETECTED:
        return Result(Kind.NOT_DETECTED, _ZERO, detected=False)
    statement, detected = _detection(words)
    result = _quantity(_without_repetition(statement))
    if detected is None or result.kind is Kind.INVALID:
        return result
    if detected is False:
        return Result(Kind.NOT_DETECTED, _ZERO, None, detected=False, unit=result.unit)
    return replace(result, detected=True)


def _detection(words: str) -> tuple[str, bool | None]:
    """Take `detected` or `not detected` off either end."""
    for word, said in (("target not detected", False), ("not detected", False), ("detected", True)):
        folded = words.casefold()
        if folded.startswith(word):
            return words[len(word) :].strip(" ,:()"), said
        if folded.endswith(word):
            return words[: -len(word)].strip(" ,:()"), said
    return words, None


def _without_repetition(words: str) -> str:
    """`<1.3 log (<20)` says the same twice; the first one counts."""
    head, bracket, tail = words.partition("(")
    if bracket and tail.endswith(")") and head.strip():
        first, second = _quantity(head.strip()), _quantity(tail[:-1].strip())
        if first.kind is second.kind is not Kind.INVALID:
            return head.strip()
    return words


def _quantity(words: str) -> Result:
    match = _QUANTITY.fullmatch(words)
    number = _number(match["figure"]) if match else None
    if match is None or number is None:
        return INVALID
    known, unit, is_log = _unit(match["rest"].strip())
    if not known:
        return INVALID
    comparator = _SIGNS[match["sign"]] if match["sign"] else None
    kind = _kind(comparator)
    seen = True if kind is not Kind.LEFT and (is_log or number > 0) else None
    return Result(kind, number, comparator, seen, unit, is_log)


def _kind(comparator: Comparator | None) -> Kind:
    if comparator is None:
        return Kind.EXACT
    return Kind.LEFT if comparator in (Comparator.LESS, Comparator.LESS_OR_EQUAL) else Kind.RIGHT


def _number(figure: str) -> Decimal | None:
    """A number that every country reads alike, or with commas between groups of three."""
    if _THOUSANDS.fullmatch(figure):
        figure = figure.replace(",", "")
    if not _PLAIN.fullmatch(figure):
        return None
    try:
        return parse_number(figure)
    except ValueError:
        return None


def _unit(rest: str) -> tuple[bool, str | None, bool]:
    """The unit behind a number: whether it is one, its UCUM spelling, and whether it is a log."""
    if not rest:
        return True, None, False
    whole = read(rest)
    if whole is not None and not _DIGITS_FIRST.match(rest):
        return True, normalise(rest), whole.logarithmic
    log = _LOG.match(rest)
    if log is None:
        return False, None, False
    linear = rest[log.end() :]
    if not linear:
        return True, None, True
    unit = logarithmic(linear)
    return unit is not None, unit, True


@dataclass(frozen=True, slots=True)
class Range:
    """A reference range in the unit of its result. `<40` has 40 as its upper limit.

    Strictly, 40 itself is outside `<40` and inside `10-40`; for multiples of the limit both are 40
    (our choice).
    """

    low: Decimal | None = None
    high: Decimal | None = None


def parse_range(text: str | None, sex: str | None = None) -> Range | None:
    """Read a reference range (OBX-7, `referenceRange.text`).

    Args:
        text: `10-40`, `<40`, `>60`, `0.0 - 1.2`, `M: 10-50 F: 10-35`, with or without a unit.
        sex: `female` or `male`, to choose from a text that gives both.

    Returns:
        None when the text has no numeric limit, or has one for each sex and the sex isn't known.
    """
    if text is None or len(text) > MAX_LENGTH:
        return None
    words = _for_sex(" ".join(text.split()), sex)
    if words is None:
        return None
    match = _BETWEEN.match(words)
    if match and _unit(words[match.end() :].strip())[0]:
        return _between(_number(match["low"]), _number(match["high"]))
    limit = _quantity(words)
    if limit.kind is Kind.LEFT:
        return Range(high=limit.number)
    return Range(low=limit.number) if limit.kind is Kind.RIGHT else None


def _between(low: Decimal | None, high: Decimal | None) -> Range | None:
    return None if low is None or high is None or low > high else Range(low, high)


def _for_sex(words: str, sex: str | None) -> str | None:
    """The part of `M: 10-50 F: 10-35` that is for this sex; the whole if it names none."""
    marks = list(_BY_SEX.finditer(words))
    if not marks:
        return words
    if sex is None or marks[0].start() > 0:
        return None
    ends = [mark.start() for mark in marks[1:]] + [len(words)]
    for mark, end in zip(marks, ends, strict=True):
        if mark["sex"][0].casefold() == sex[:1].casefold():
            return words[mark.end() : end].strip(" ,;/")
    return None


def upper_limit(
    text: str | None,
    *,
    sex: str | None = None,
    configured: Mapping[str, Decimal] | None = None,
) -> Decimal | None:
    """The upper reference limit: from this message, else as the site configured it for the sex.

    There is never a default: limits for ALT run from 19 to 55 U/L between laboratories, so that
    three times the limit is anything from 57 to 165.
    """
    found = parse_range(text, sex)
    if found is not None or sex is None or configured is None:
        return found.high if found is not None else None
    return configured.get(sex)
