"""The format in which a grading scale is written down: terms, units and the limits of each grade.

`ctcae.toml` describes the format at its head. Nothing here knows a scale or a term by name, so
another scale (DAIDS) is another file, not other code.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ANY_UNIT = "any"
"""Column of limits without a unit of their own: multiples of the range or of the baseline."""

CONDITIONS = frozenset(
    {
        "baseline high",
        "baseline normal",
        "baseline low",
        "symptomatic",
        "anticoagulated",
        "not anticoagulated",
        "fasting",
        "not fasting",
        "male",
    }
)

_ONE = Decimal(1)
_GRADES = 4  # grade 5 is death, never a number
_LIMIT = re.compile(
    r"(?P<operator>>=|<=|>|<)(?: (?P<factor>\d+(?:\.\d+)?))?(?: (?P<reference>uln|lln|baseline))?"
    r"(?: (?P<sign>[+-]) (?P<offset>\d+(?:\.\d+)?))?"
)


@dataclass(frozen=True, slots=True)
class Limit:
    """Compare a value by `operator` with `factor` times `reference` plus `offset`.

    `reference` is `uln`, `lln`, `baseline`, or `one` for an absolute limit.
    """

    operator: str
    factor: Decimal
    reference: str
    offset: Decimal


@dataclass(frozen=True, slots=True)
class Arm:
    """One way into a grade: all limits passed and all conditions met."""

    grade: int
    limits: tuple[Limit, ...]
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """One adverse event term that grades one analyte on one side.

    Attributes:
        columns: the arms, by the unit in which the value must be reported.
        same: reported unit -> unit of a column in which the number is the same.
        unitless: a value without a unit is graded too (a ratio, a pH).
        not_graded: why this analyte never has a grade here; then there are no columns.
    """

    name: str
    meddra: str | None
    analyte: str
    direction: str
    versions: frozenset[int]
    columns: Mapping[str, tuple[Arm, ...]]
    same: Mapping[str, str]
    unitless: bool
    not_graded: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """A scale.

    Attributes:
        name: of the scale.
        scale: reported unit -> unit of the columns, and the exact factor that leads there.
        index: the terms in their order, by version and analyte.
    """

    name: str
    scale: Mapping[str, tuple[str, Decimal]]
    index: Mapping[tuple[int, str], tuple[Term, ...]]

    def of(self, version: int, analyte: str) -> tuple[Term, ...]:
        """Give the terms that grade an analyte; none if the version has no such term."""
        return self.index.get((version, analyte), ())

    def analytes(self, version: int) -> frozenset[str]:
        """Name the analytes for which the version has limits in numbers."""
        return frozenset(
            analyte
            for (number, analyte), terms in self.index.items()
            if number == version and any(term.columns for term in terms)
        )

    def scaled(self, unit: str | None) -> tuple[str | None, Decimal]:
        """Name the unit of the columns, and the factor that leads there."""
        return (None, _ONE) if unit is None else self.scale.get(unit, (unit, _ONE))


def parse_table(text: str) -> Table:
    """Read a scale from TOML.

    Raises:
        ValueError: a limit, condition or direction that the format does not know, with the term
            that has it.
    """
    raw = tomllib.loads(text, parse_float=Decimal)
    units = {unit: (to, Decimal(factor)) for unit, (to, factor) in raw.get("scale", {}).items()}
    index: dict[tuple[int, str], tuple[Term, ...]] = {}
    for term in map(_parse_term, raw["term"]):
        for version in term.versions:
            key = version, term.analyte
            index[key] = (*index.get(key, ()), term)
    return Table(raw["name"], units, index)


def _parse_term(raw: Mapping[str, Any]) -> Term:
    name, columns = raw["name"], raw.get("grades", {})
    if raw["direction"] not in {"high", "low"}:
        raise ValueError(f"{name}: the direction is high or low")
    if bool(columns) == ("not_graded" in raw):
        raise ValueError(f"{name}: needs either grades or not_graded")
    return Term(
        name=name,
        meddra=raw.get("meddra"),
        analyte=raw["analyte"],
        direction=raw["direction"],
        versions=frozenset(raw["versions"]),
        columns={unit: _parse_column(name, unit, grades) for unit, grades in columns.items()},
        same=raw.get("same", {}),
        unitless=raw.get("unitless", False),
        not_graded=raw.get("not_graded"),
    )


def _parse_column(name: str, unit: str, grades: list[str]) -> tuple[Arm, ...]:
    if len(grades) != _GRADES:
        raise ValueError(f"{name}: needs a limit or '-' for each of the grades 1 to 4")
    arms = tuple(
        _parse_arm(name, number, alternative)
        for number, text in enumerate(grades, start=1)
        if text != "-"
        for alternative in text.split("; ")
    )
    limits = [limit for arm in arms for limit in arm.limits]
    if unit == ANY_UNIT and any(limit.reference == "one" or limit.offset for limit in limits):
        raise ValueError(f"{name}: an absolute limit needs a unit")
    return arms


def _parse_arm(name: str, number: int, text: str) -> Arm:
    limits, _, conditions = text.partition(" if ")
    asked = tuple(conditions.split(" and ")) if conditions else ()
    if not CONDITIONS.issuperset(asked):
        raise ValueError(f"{name}, grade {number}: unknown condition in {text!r}")
    return Arm(number, tuple(_parse_limit(name, part) for part in limits.split(" and ")), asked)


def _parse_limit(name: str, text: str) -> Limit:
    found = _LIMIT.fullmatch(text)
    if not found or not (found["factor"] or found["reference"]):
        raise ValueError(f"{name}: cannot read the limit {text!r}")
    return Limit(
        operator=found["operator"],
        factor=Decimal(found["factor"] or 1),
        reference=found["reference"] or "one",
        offset=Decimal((found["sign"] or "") + (found["offset"] or "0")),
    )
