"""The limits that an alert's explanation names, as lines for a chart. Pure.

A limit is read from a comparison of the proof: `psa >= nadir(psa) + 2.0 ng/mL` with its numbers,
`hiv_rna > 1000 {copies}/mL`, `alt >= 3 uln`. What can't be read exactly is left out, never guessed:
the proof itself stands below the chart in full.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from schemas.events import ImagingReport, Observation
from schemas.terminology import Refusal, analyte, convert
from services.notifier.inbox.words import TIMES, number, readable

if TYPE_CHECKING:
    from schemas.alerts import Explanation

_COMPARISON: Final = re.compile(r"(?P<left>[\w.]+) (?P<op>>=|<=|>|<) (?P<right>.+)")
_LITERAL: Final = re.compile(r"(?P<value>\d+(\.\d+)?)(?: (?P<unit>\S+))?")
_CALL: Final = re.compile(r"([a-z]\w*)\([^()]*\)")
SIGNS: Final = {">=": "≥", "<=": "≤", ">": ">", "<": "<"}
_MM: Final = "mm"

SUM: Final = "sum"
"""What a limit for a sum of diameters is called."""

Facts = Mapping[str, Observation | ImagingReport]
Units = Mapping[str, str]
"""Analyte: the unit of its chart."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit for a quantity, in `unit`.

    what: the analyte's key, or `SUM` for a sum of diameters.
    words: the comparison without its number: `≥`, `≥ nadir + 2.0 ng/mL`.
    """

    what: str
    value: Decimal
    unit: str
    words: str

    @property
    def label(self) -> str:
        """The limit in words, for the margin: `≥ nadir + 2.0 ng/mL = 2.6 ng/mL`."""
        quantity = readable(f"{number(_short(self.value))} {self.unit}".rstrip())
        joint = " " if self.words.endswith(tuple(SIGNS.values())) else " = "
        return f"{self.words}{joint}{quantity}"

    def within(self, units: Units) -> Limit | None:
        """The same limit in the unit of its chart; None if it can't be said in that."""
        known, unit = analyte(self.what), units.get(self.what)
        if known is None or unit is None:
            return self if known is None else None
        value = convert(self.value, self.unit, unit, known)
        return None if isinstance(value, Refusal) else replace(self, value=value, unit=unit)


def limits(explanation: Explanation | None, facts: Facts, units: Units) -> list[Limit]:
    """Every limit that the proof names, each once.

    Args:
        explanation: the proof.
        facts: the facts of the patient, by event id.
        units: the unit wanted for each analyte.
    """
    if explanation is None:
        return []
    found = (one.within(units) for one in _walk(explanation, facts))
    return list({(one.what, one.value, one.words): one for one in found if one}.values())


def _walk(node: Explanation, facts: Facts) -> Iterator[Limit]:
    limit = _limit(node, facts)
    if limit is not None:
        yield limit
    for part in node.because:
        yield from _walk(part, facts)


def _limit(node: Explanation, facts: Facts) -> Limit | None:
    comparison = _COMPARISON.fullmatch(node.text)
    if comparison is None or re.search(r" (and|or) ", node.text):
        return None
    left = _part(node, comparison["left"])
    fact = next((facts[e] for e in left.events if e in facts), None) if left else None
    if left is None or fact is None:
        return None
    sign, right = SIGNS[comparison["op"]], comparison["right"]
    literal = _LITERAL.fullmatch(right)
    if literal is not None:
        return _written(literal["value"], literal["unit"] or "", fact, sign)
    return _computed(_part(node, right), _decimal(left.value), fact, sign)


def _part(node: Explanation, text: str) -> Explanation | None:
    return next((part for part in node.because if part.text == text), None)


def _decimal(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        return None


def _written(text: str, unit: str, fact: Observation | ImagingReport, sign: str) -> Limit | None:
    """A limit that stands in the rule, or a multiple of the result's own reference limit."""
    value = Decimal(text)
    if unit in ("uln", "lln") and isinstance(fact, Observation):
        reference = fact.reference_high if unit == "uln" else fact.reference_low
        if reference is None:
            return None
        times = f"{sign} {text} {TIMES} {unit.upper()}"
        return _named(fact, value * reference, fact.unit or "", times)
    return _named(fact, value, unit, sign)


def _computed(
    node: Explanation | None, left: Decimal | None, fact: Observation | ImagingReport, sign: str
) -> Limit | None:
    """A limit that was worked out; its unit is the one in which the left side was compared."""
    value = _decimal(node.value) if node is not None else None
    unit = _compared_in(fact, left)
    if node is None or value is None or unit is None:
        return None
    return _named(fact, value, unit, f"{sign} {simplified(node.text)}")


def _compared_in(fact: Observation | ImagingReport, value: Decimal | None) -> str | None:
    """The unit in which the proof's number is the reported one."""
    if isinstance(fact, ImagingReport):
        return _MM
    known = analyte(fact.analyte or "")
    if known is None or fact.value is None or value is None:
        return None
    units = (known.unit, known.customary, fact.unit or "")
    return next((u for u in units if convert(fact.value, fact.unit, u, known) == value), None)


def _named(
    fact: Observation | ImagingReport, value: Decimal, unit: str, words: str
) -> Limit | None:
    if isinstance(fact, ImagingReport):
        return Limit(SUM, value, _MM, words)
    known = analyte(fact.analyte or "")
    return None if known is None else Limit(known.key, value, unit, words)


def _short(value: Decimal) -> Decimal:
    """No more than five significant digits in a label; the line stands at the exact value."""
    rounded = Decimal(f"{value:.5g}").normalize()
    return rounded or Decimal(0)


def simplified(text: str) -> str:
    """An expression for the margin: `2 * nadir(psa after clock)` becomes twice `nadir`."""
    previous = ""
    while text != previous:
        previous, text = text, _CALL.sub(r"\1", text)
    text = text.replace(" | ", " or ").replace(" * ", f" {TIMES} ").replace("uln", "ULN")
    return readable(text.replace("_", " "))
