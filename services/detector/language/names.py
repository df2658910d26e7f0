"""What the names in an expression stand for: variables, series, `let`s, parameters, fields."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.detector.language.ast import Attribute, Name, Node, Param
from services.detector.language.errors import RuleError, unknown
from services.detector.language.kinds import ANY, CODE, DAYS, TIME, WORD, Kind, Sort
from services.detector.language.measures import Measures
from services.detector.language.vocabulary import FIELDS
from services.detector.language.words import PATIENT, SUSPICION

if TYPE_CHECKING:
    from services.detector.language.ast import Place
    from services.detector.language.spec import Rule, Series
    from services.detector.language.vocabulary import Terminology


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may speak of, by where it stands.

    judged: the series whose fact is in question, empty where there is no fact; `it` is that fact.
    dated: whether `date` and `day` mean something.
    suspects: the tags that the suspicion which stands may have; None where none can stand, so that
        `suspected` and `suspicion` mean nothing.
    """

    judged: tuple[str, ...] = ()
    dated: bool = True
    suspects: frozenset[str] | None = None


class Names(ABC):
    """The names of one rule; collects mistakes, and remembers what was used."""

    def __init__(self, rule: Rule, terminology: Terminology) -> None:
        self.errors: list[RuleError] = []
        self.used: set[str] = set()  # "series:psa", "param:rise", "let:low"
        self.clock_needed: list[Place] = []
        self._series = {series.name: series for series in rule.series}
        self._lets = dict(rule.lets)
        self._params = {parameter.name: parameter.value for parameter in rule.params}
        self._choices = {parameter.name: parameter.choices for parameter in rule.params}
        self._open_lets: list[str] = []  # the `let`s being looked into
        self._judged_lets: dict[tuple[str, Scope], Kind] = {}
        self._measures = Measures(terminology, self.wrong)

    def wrong(self, place: Place, message: str, expected: str | None = None) -> Kind:
        """Note a mistake; what it stands in is judged no further."""
        self.errors.append(RuleError(place, message, expected))
        return ANY

    # ------------------------------------------------------------ what the frame asks for

    def demand(self, node: Node, scope: Scope, *sorts: Sort) -> Kind:
        """The kind of an expression that has to be one of these sorts."""
        return self._needs(node, self.kind(node, scope), *sorts)

    def condition(self, node: Node, scope: Scope) -> None:
        """It has to be true, false or unknown."""
        self.demand(node, scope, "truth")

    def time(self, node: Node, scope: Scope) -> None:
        """It has to be a day."""
        self.demand(node, scope, "time")

    def series(self, name: str, place: Place) -> Series | None:
        """The series of that name; it counts as used."""
        found = self._series.get(name)
        if found is None:
            self.wrong(place, *unknown("series", name, self._series))
        self.used.add(f"series:{name}")
        return found

    def fact(self, names: tuple[str, ...]) -> Kind:
        """The kind of a fact of one of these series."""
        found = [self._series[name] for name in names if name in self._series]
        worth = [self._measures.worth_of(series) for series in found]
        kinds = {series.kind for series in found}
        source = kinds.pop() if len(kinds) == 1 else None
        return Kind("fact", value=self._measures.merged(worth), source=source)

    @abstractmethod
    def kind(self, node: Node, scope: Scope) -> Kind:
        """What kind of value an expression gives; `Inference` says."""

    def _needs(self, node: Node, kind: Kind, *sorts: Sort) -> Kind:
        kind = kind if "fact" in sorts else kind.worth
        if kind.sort in (*sorts, "any"):
            return kind
        if kind.sort == "code" and isinstance(node, Name):
            return self._unknown_name(node)
        return self.wrong(node.place, f"this is {kind}", str(Kind(sorts[0])))

    def _unknown_name(self, node: Name) -> Kind:
        known = {*self._series, *self._lets, "it", "day", "date", "clock"}
        return self.wrong(node.place, *unknown("name", node.name, known))

    # ------------------------------------------------------------ names

    def _named(self, node: Param | Name | Attribute, scope: Scope) -> Kind:
        match node:
            case Param():
                return self._param(node, scope)
            case Name():
                return self._name(node, scope)
            case Attribute():
                return self._attribute(node, scope)

    def _param(self, node: Param, scope: Scope) -> Kind:
        value = self._params.get(node.name)
        if value is None:
            return self.wrong(node.place, *unknown("parameter", node.name, self._params))
        self.used.add(f"param:{node.name}")
        return WORD if isinstance(value, Name) else self.kind(value, scope)

    def _name(self, node: Name, scope: Scope) -> Kind:
        match node.name:
            case "clock":
                self.clock_needed.append(node.place)
                return TIME
            case "date" | "day" | "it":
                return self._variable(node, scope)
            case _:
                return self._own_name(node, scope)

    def _own_name(self, node: Name, scope: Scope) -> Kind:
        if node.name in self._lets:
            return self._let(node, scope)
        if node.name in self._series:
            return self._named_series(node, scope)
        return CODE

    def _variable(self, node: Name, scope: Scope) -> Kind:
        if node.name == "it":
            if scope.judged:
                return self.fact(scope.judged)
        elif scope.dated:
            if node.name == "day":
                self.clock_needed.append(node.place)
            return DAYS if node.name == "day" else TIME
        return self.wrong(node.place, f"{node.name!r} means nothing here: no fact is in question")

    def _named_series(self, node: Name, scope: Scope) -> Kind:
        self.used.add(f"series:{node.name}")
        if node.name in scope.judged:
            return self.fact((node.name,))
        return self.wrong(
            node.place,
            f"{node.name!r} is not the fact in question here",
            f"a function of it, for example last({node.name})",
        )

    def stands(self, place: Place, scope: Scope) -> None:
        """A suspicion is only known to what is asked while it stands."""
        if scope.suspects is None:
            where = "in confirm, refute, reset or tags of a criterion that suspects"
            self.wrong(place, "no suspicion stands here", where)

    def _let(self, node: Name, scope: Scope) -> Kind:
        """Judged where it is used, since `it` is another fact in each place."""
        self.used.add(f"let:{node.name}")
        order = list(self._lets)
        if self._open_lets and order.index(node.name) >= order.index(self._open_lets[-1]):
            return self.wrong(node.place, f"{node.name!r} is not yet defined", "a 'let' above it")
        key = (node.name, scope)
        if key not in self._judged_lets:
            self._open_lets.append(node.name)
            self._judged_lets[key] = self.kind(self._lets[node.name], scope)
            self._open_lets.pop()
        found = self._judged_lets[key]
        # A `let` may name a code: `let: {bad: PMD}`.
        return WORD if found.sort == "code" else found

    def _attribute(self, node: Attribute, scope: Scope) -> Kind:
        if node.of == SUSPICION:
            self.stands(node.place, scope)
        if node.of in ("course", PATIENT, SUSPICION):
            return self._field(node, node.of, node.of)
        if node.of in self._lets:
            return self.wrong(
                node.place, f"a field of the 'let' {node.of!r}", "a field of a series"
            )
        owner = self._name(Name(node.of, place=node.place), scope)
        if owner.sort == "code":
            return self._unknown_name(Name(node.of, place=node.place))
        if owner.sort == "any":
            return ANY
        if owner.sort != "fact":
            return self.wrong(node.place, f"{node.of!r} is {owner}", "a fact")
        if owner.source is None:
            return self.wrong(node.place, "facts of different kinds", "the name of a series")
        return self._field(node, owner.source, node.of)

    def _field(self, node: Node, kind: str, of: str) -> Kind:
        field = node.field if isinstance(node, Attribute) else getattr(node, "attribute", "")
        found = FIELDS[kind].get(field)
        if found is None:
            named = of if kind in ("course", PATIENT, SUSPICION) else kind.replace("_", " ")
            return self.wrong(node.place, *unknown(f"field of {named}", field, FIELDS[kind]))
        return found
