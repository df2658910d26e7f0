"""Whether two numbers may be compared: units, analytes and multiples of reference limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.detector.language.kinds import ANY, NUMBER, WORD, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from services.detector.language.ast import Node, Place, Quantity
    from services.detector.language.spec import Series
    from services.detector.language.vocabulary import Terminology

    class Wrong(Protocol):
        """Notes a mistake."""

        def __call__(self, place: Place, message: str, expected: str | None = None) -> object:
            """Place, what is wrong, what was expected."""
            ...


_MEANT: Final = {
    "hour": "h",
    "day": "d",
    "week": "wk",
    "w": "wk",
    "month": "mo",
    "m": "mo",
    "year": "y",
}


class Measures:
    """Numbers of one rule against the terminology."""

    def __init__(self, terminology: Terminology, wrong: Wrong) -> None:
        self._terminology = terminology
        self._wrong = wrong

    def known(self, node: Quantity) -> bool:
        """Whether the unit of a literal exists; if not, that is a mistake."""
        if node.unit is None or self._terminology.is_unit(node.unit):
            return True
        meant = _MEANT.get(node.unit) or _MEANT.get(node.unit.removesuffix("s"))
        hint = f"{node.value:f} {meant}" if meant else "a UCUM unit"
        self._wrong(node.place, f"unknown unit {node.unit!r}", hint)
        return False

    def worth_of(self, series: Series) -> Kind | None:
        """The kind of value that facts of a series have: observations only."""
        if series.kind != "observation":
            return None
        units = [self._terminology.unit(name) for name in series.analytes]
        if not units or None in units:
            return ANY
        if not any(units):
            return WORD
        return Kind("number", analytes=series.analytes) if all(units) else ANY

    def merged(self, kinds: Iterable[Kind | None]) -> Kind | None:
        """The kind that facts of several series have in common."""
        distinct = list(dict.fromkeys(kinds))
        if len(distinct) <= 1:
            return distinct[0] if distinct else ANY
        if all(kind is not None and kind.analytes for kind in distinct):
            names = (name for kind in distinct if kind is not None for name in kind.analytes)
            return Kind("number", analytes=tuple(dict.fromkeys(names)))
        return ANY

    def comparable(self, node: Node, left: Kind, right: Kind) -> bool:
        """Whether numbers of these kinds may meet; if not, `node` (the right one) is a mistake."""
        if "any" in (left.sort, right.sort):
            return True
        if "limit" in (left.sort, right.sort):
            return self._with_limit(node, left, right)
        if left.analytes and right.analytes:
            return self._values(node, left, right)
        if left.analytes or right.analytes:
            value, literal = (left, right) if left.analytes else (right, left)
            return self._value_and_literal(node, value, literal)
        return self._literals(node, left, right)

    def _with_limit(self, node: Node, left: Kind, right: Kind) -> bool:
        """`3 uln` takes the limit from the value on the other side, so there has to be one."""
        if left.analytes or right.analytes:
            return True
        return self._mistake(node, "no value here whose reference limit could be meant", "a value")

    def _values(self, node: Node, left: Kind, right: Kind) -> bool:
        units = [self._terminology.unit(name) or "" for name in (*left.analytes, *right.analytes)]
        same = set(left.analytes) == set(right.analytes)
        if same or all(self._terminology.same_dimension(units[0], unit) for unit in units):
            return True
        return self._mistake(node, f"{right} is compared with {left}", f"a unit such as {units[0]}")

    def _value_and_literal(self, node: Node, value: Kind, literal: Kind) -> bool:
        for name in value.analytes:
            unit = self._terminology.unit(name) or ""
            if literal.pure and not self._terminology.unitless(name):
                return self._mistake(node, f"a number without a unit for {name}", unit)
            wrong = next(
                (u for u in literal.units if not self._terminology.measures(u, name)), None
            )
            if wrong is not None:
                return self._mistake(
                    node, f"{wrong!r} does not measure {name}", f"for example {unit}"
                )
        return True

    def _literals(self, node: Node, left: Kind, right: Kind) -> bool:
        if left == right == NUMBER:
            return True
        ours = left.units and right.units
        if ours and self._terminology.same_dimension(left.units[0], right.units[0]):
            return True
        return self._mistake(node, f"{right} is compared with {left}", str(left))

    def _mistake(self, node: Node, message: str, expected: str) -> bool:
        self._wrong(node.place, message, expected)
        return False
