"""Which kind of value an expression gives; every sense that it doesn't make is a mistake.

Nothing of a patient is looked at: kinds come from the rule's own `reads`, `let` and `params`,
from the analytes' units and from the table of functions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from services.detector.language.ast import (
    And,
    Arithmetic,
    Attribute,
    Call,
    Compare,
    Duration,
    Has,
    Name,
    Node,
    Not,
    OneOf,
    Or,
    Param,
    Quantity,
    Selection,
)
from services.detector.language.errors import joined, unknown
from services.detector.language.functions import EXTREMES, FUNCTIONS, Function, Takes
from services.detector.language.kinds import (
    ANY,
    DAYS,
    DURATION,
    HOURS,
    LIMIT,
    NUMBER,
    TIME,
    TRUTH,
    WORD,
    Kind,
)
from services.detector.language.names import Names, Scope
from services.detector.language.walk import walk
from services.detector.language.words import GRADING_TABLES, LIMIT_UNITS, SUSPICION


class Inference(Names):
    """Kinds within one rule."""

    def kind(self, node: Node, scope: Scope) -> Kind:
        """What kind of value an expression gives.

        Raises:
            TypeError: a kind of node that the language doesn't have.
        """
        match node:
            case Quantity():
                return self._quantity(node)
            case Duration():
                return self._duration(node)
            case Param() | Name() | Attribute():
                return self._named(node, scope)
            case Selection():
                message = "a period is part of a function"
                return self.wrong(node.place, message, "nadir(psa since clock)")
            case Call():
                return self._call(node, scope)
            case Arithmetic():
                return self._arithmetic(node, scope)
            case _:
                return self._truth(node, scope)

    def _truth(self, node: Node, scope: Scope) -> Kind:
        match node:
            case Compare():
                self._compare(node, scope)
            case OneOf(left=Param() as left, words=words):
                self.kind(left, scope)
                self._chosen(left, words)
            case OneOf(left=left, words=words):
                self.demand(left, scope, "word")
                self._tags(left, words, scope)
            case Has(left=left):
                self.demand(left, scope, "words")
            case Not(operand=operand):
                self.condition(operand, scope)
            case And(operands=operands) | Or(operands=operands):
                for operand in operands:
                    self.condition(operand, scope)
            case _:
                raise TypeError(f"not an expression: {type(node).__name__}")
        return TRUTH

    def _quantity(self, node: Quantity) -> Kind:
        parts = (node, *node.alternatives)
        units = [part.unit for part in parts]
        if any(unit in LIMIT_UNITS for unit in units):
            if len(parts) > 1:
                return self.wrong(node.place, "a multiple of a limit has no alternatives")
            return LIMIT
        if len(parts) > 1 and (None in units or len(set(units)) < len(units)):
            return self.wrong(
                node.place, "alternatives in the same unit", "a different unit in each"
            )
        unknown_units = [part for part in parts if not self._measures.known(part)]
        if unknown_units:
            return ANY
        return Kind("number", units=tuple(unit for unit in units if unit))

    def _duration(self, node: Duration) -> Kind:
        if node.amount < 0:
            return self.wrong(node.place, "a negative duration", "a minus before it instead")
        return DURATION

    # ------------------------------------------------------------ functions

    def _call(self, node: Call, scope: Scope) -> Kind:
        function = FUNCTIONS.get(node.function)
        if function is None:
            return self.wrong(node.place, *unknown("function", node.function, FUNCTIONS))
        if not function.needs <= len(node.args) <= len(function.takes):
            given = len(node.args)
            return self.wrong(
                node.place, f"{function.name} with {given or 'no'} arguments", function.usage
            )
        kinds = [
            self._argument(function, takes, arg, scope)
            for takes, arg in zip(function.takes, node.args, strict=False)
        ]
        if "worked" in function.takes:
            kinds[1] = self._worked(node)
        self._in_particular(function, node, kinds, scope)
        for takes, arg in zip(function.takes[1:], node.args[1:], strict=False):
            if takes in ("value", "number") and not isinstance(arg, Quantity | Param):
                self.wrong(arg.place, "worked out", "a number or a parameter")
        return self._result(function, kinds[1] if function.gives == "worked" else kinds[0])

    def _in_particular(
        self, function: Function, node: Call, kinds: list[Kind], scope: Scope
    ) -> None:
        """What only some functions ask for."""
        if function.scale_first:
            self._scale(node)
        if function.name in ("uln", "lln", "below_limit") and len(kinds) > 1:
            self._measures.comparable(node.args[1], kinds[0].worth, kinds[1].worth)
        if function.name == "time_to_reach":
            self._one_unit(node, kinds)
        if function.name in ("rises", "plateau"):
            self._spanned(function, node)
        if function.name in ("baseline", "at_baseline", "nadir_with_baseline"):
            self.clock_needed.append(node.place)
        if function.name == "baseline" and len(node.args) > 1:
            self._back(node.args[1], ("d", "wk", "mo", "y"))
        if function.of_suspicion:
            self.stands(node.place, scope)

    def _argument(  # noqa: C901, PLR0911  (one line for each kind of argument)
        self, function: Function, takes: Takes, node: Node, scope: Scope
    ) -> Kind:
        match takes:
            case "series":
                return self._selected(function, node)
            case "fact":
                return self.demand(node, scope, "fact")
            case "moment":
                return self._moment(node, scope)
            case "observation":
                return self._observation(node, scope)
            case "event":
                return self._adverse_event(node, scope)
            case "result":
                return self._compared_with(node, scope)
            case "value" | "level":
                return self.demand(node, scope, "number")
            case "number":
                return self._count(node, scope)
            case "duration":
                return self.demand(node, scope, "duration")
            case "condition":
                return self.demand(node, scope, "truth")
            case "worked" | "scale":
                return ANY  # judged with its series; a word
        assert_never(takes)

    def _worked(self, node: Call) -> Kind:
        """What is worked out at each fact of a series speaks of that fact."""
        chosen, wanted = node.args[0], node.args[1]
        name = chosen.series if isinstance(chosen, Selection) else ""
        return self.demand(wanted, Scope((name,) if name in self._series else ()), "number")

    def _scale(self, node: Call) -> None:
        """Which table grades a result; adverse events and treatments that are read count, too."""
        looked_at = ("adverse_event", "treatment")
        self.used |= {f"series:{s.name}" for s in self._series.values() if s.kind in looked_at}
        table = node.args[1]
        if not isinstance(table, Name) or table.name not in GRADING_TABLES:
            self.wrong(table.place, "not a grading table", joined(GRADING_TABLES))

    def _observation(self, node: Node, scope: Scope) -> Kind:
        kind = self.demand(node, scope, "fact")
        if kind.sort == "fact" and kind.source != "observation":
            return self.wrong(
                node.place, "not an observation", "a fact of a series with an analyte"
            )
        return kind

    def _adverse_event(self, node: Node, scope: Scope) -> Kind:
        kind = self.demand(node, scope, "fact")
        if kind.sort == "fact" and kind.source != "adverse_event":
            return self.wrong(node.place, "not an adverse event", "a fact of such a series")
        return kind

    def _one_unit(self, node: Call, kinds: list[Kind]) -> None:
        """A curve goes through values of one thing, and to a level of it."""
        for arg, kind in zip(node.args[1:], kinds[1:], strict=True):
            self._measures.comparable(arg, kinds[0].worth, kind.worth)

    def _spanned(self, function: Function, node: Call) -> None:
        """A row that lasts for so long may have any number of values: how far back to look?"""
        chosen = node.args[0]
        spanned = len(node.args) == len(function.takes)
        if spanned and isinstance(chosen, Selection) and chosen.within is None:
            message = f"{function.name} over a span of everything"
            self.wrong(chosen.place, message, "'within': how far back to look")

    def _moment(self, node: Node, scope: Scope) -> Kind:
        """A fact, or the clock with its hour."""
        if isinstance(node, Name) and node.name == "clock":
            return self.kind(node, scope)
        return self.demand(node, scope, "fact")

    def _compared_with(self, node: Node, scope: Scope) -> Kind:
        """A result, or the lowest or highest of a series, which is one as well."""
        if isinstance(node, Call) and node.function in EXTREMES:
            return self.kind(node, scope)
        return self._observation(node, scope)

    def _count(self, node: Node, scope: Scope) -> Kind:
        kind = self.demand(node, scope, "number")
        whole = not isinstance(node, Quantity) or node.value == node.value.to_integral_value() > 0
        if kind.sort != "any" and not (kind.pure and whole):
            return self.wrong(node.place, "not a count", "a whole number above 0")
        return kind

    def _result(self, function: Function, first: Kind) -> Kind:  # noqa: PLR0911  (as above)
        if first.sort == "any":
            return TRUTH if function.gives == "truth" else ANY
        match function.gives:
            case "fact":
                return first
            case "value" | "limit" | "worked":
                return first.worth
            case "clearance":
                return Kind("number", analytes=("creatinine_clearance",))
            case "truth":
                return TRUTH
            case "number":
                return DAYS if function.name in ("days_since", "days_while") else NUMBER
            case "hours":
                return HOURS
            case "word":
                return WORD
            case "time":
                return TIME
        assert_never(function.gives)

    def _selected(self, function: Function, node: Node) -> Kind:
        if not isinstance(node, Selection):
            return self.wrong(node.place, f"{function.name} of something else", function.usage)
        self._clauses_fit(function, node)
        series = self.series(node.series, node.place)
        if function.of_treatment and series is not None and series.kind != "treatment":
            return self.wrong(node.place, f"{function.name} of no treatment", "a series of steps")
        self._period(node)
        if series is None:
            return ANY
        if node.within is not None and series.unless is not None:
            self._seen_from_there(node, series.unless)
        if node.where is not None:
            self.condition(node.where, Scope((series.name,)))
        fact = self.fact((series.name,))
        if node.attribute is not None:
            found = self._field(node, series.kind, series.name)
            fact = found if found.sort == "any" else replace(fact, value=found)
        return self._numeric(function, node, fact)

    def _clauses_fit(self, function: Function, node: Selection) -> None:
        """The function can do with the period and the condition, and has those it needs."""
        name = function.name
        if function.bounded and node.within is None:
            message = f"a {name.replace('_', ' ')} of everything"
            self.wrong(node.place, message, "'within': how far back to look")
        if function.remembered and node.within is not None:
            message = f"{name} with a period before the fact in question"
            self.wrong(node.place, message, "'since', 'after' or 'until'")
        if function.conditioned and node.where is None:
            self.wrong(node.place, f"{name} of what?", "'where': what its facts share")
        if function.of_suspicion and any(_clauses(node)):
            self.wrong(node.place, f"{name} with a period or a condition", function.usage)

    def _seen_from_there(self, node: Selection, unless: Node) -> None:
        """Which earlier facts a series shows can be told again only from a bounded past."""
        for part in walk(unless):
            if isinstance(part, Selection) and part.within is None:
                message = f"{node.series!r} is looked back into, and its 'unless' asks all the past"
                self.wrong(node.place, message, "'within' in that 'unless'")

    def _numeric(self, function: Function, node: Selection, fact: Kind) -> Kind:
        """A lowest or middle value needs numbers, and numbers of one thing."""
        if not function.only_numeric or fact.sort == "any":
            return fact
        value = fact.worth
        if value.sort == "any":
            return value
        if value.sort != "number":
            return self.wrong(node.place, f"{node.series!r} has no number", "a series with numbers")
        if len(value.analytes) > 1 and not self._series[node.series].apart:
            mixed = f"{function.name} would mix {', '.join(value.analytes)}"
            return self.wrong(node.place, mixed, "a series of one analyte")
        return fact

    def _period(self, node: Selection) -> None:
        for time in (node.since, node.after, node.until):
            if time is not None:
                self._from_clock(time)
        self._back(node.within, ("min", "h", "d", "wk"))
        self._back(node.older_than, ("d", "wk"))
        if node.older_than is not None and node.within is None:
            message = "'older than' without 'within'"
            self.wrong(node.older_than.place, message, "how far back to look")

    def _from_clock(self, time: Node) -> None:
        """What is remembered of the past can't hang on the fact that will be judged with it."""
        self.time(time, Scope(dated=False))
        for part in walk(time):
            if isinstance(part, Call):
                self.wrong(part.place, "a period that begins or ends with a fact", "'clock'")

    def _back(self, length: Node | None, units: tuple[str, ...]) -> None:
        if length is None:
            return
        self.demand(length, Scope(dated=False), "duration")
        value = self._written(length)
        if isinstance(value, Duration) and value.unit not in units:
            self.wrong(length.place, f"a period in {value.unit!r}", joined(units))

    # ------------------------------------------------------------ operators

    def _arithmetic(self, node: Arithmetic, scope: Scope) -> Kind:
        left = self.kind(node.left, scope).worth
        right = self.kind(node.right, scope).worth
        if left.sort == "time":
            return self._shifted(node, right)
        left = self._needs(node.left, left, "number")
        right = self._needs(node.right, right, "number")
        if "any" in (left.sort, right.sort):
            return ANY
        if node.op in "+-":
            return left if self._measures.comparable(node.right, left, right) else ANY
        return self._scaled(node, left, right)

    def _shifted(self, node: Arithmetic, by: Kind) -> Kind:
        if node.op not in "+-":
            return self.wrong(node.place, f"a time with {node.op!r}", "'+' or '-'")
        by = self._needs(node.right, by, "duration")
        hours = isinstance(node.right, Duration) and node.right.unit in ("min", "h")
        if hours:
            return self.wrong(node.right.place, "hours added to a day", "d, wk, mo or y")
        return TIME if by.sort != "any" else ANY

    def _scaled(self, node: Arithmetic, left: Kind, right: Kind) -> Kind:
        if right.pure:
            return left
        if left.pure and node.op == "*":
            return right
        if node.op == "/" and self._measures.comparable(node.right, left, right):
            return NUMBER
        if node.op == "*":
            return self.wrong(
                node.right.place, "a product of two quantities", "a factor without unit"
            )
        return ANY

    def _compare(self, node: Compare, scope: Scope) -> None:
        left = self.kind(node.left, scope).worth
        right = self.kind(node.right, scope).worth
        sorts = {left.sort, right.sort}
        if "any" in sorts:
            return
        if sorts <= {"word", "code"} and "word" in sorts:
            self._same_word(node, left, scope)
            return
        named = [n for n, k in ((node.left, left), (node.right, right)) if k.sort == "code"]
        if named and isinstance(named[0], Name):
            self._unknown_name(named[0])
        else:
            self._ordered(node, left, right)

    def _same_word(self, node: Compare, left: Kind, scope: Scope) -> None:
        if node.op not in ("=", "!="):
            self.wrong(node.place, f"words have no order for {node.op!r}", "'=' or '!='")
        if isinstance(node.left, Param) and isinstance(node.right, Name):
            self._chosen(node.left, (node.right.name,))
        elif left.sort == "code" or isinstance(node.left, Param):
            self.wrong(node.left.place, "a word on the left", "a field or a coded fact")
        if isinstance(node.right, Name):
            self._tags(node.left, (node.right.name,), scope)

    def _chosen(self, asked: Param, words: tuple[str, ...]) -> None:
        """`$profile = IAS`: a parameter is asked for one of the words that it may be."""
        choices = self._choices.get(asked.name, ())
        if not choices and asked.name in self._params:
            self.wrong(asked.place, f"${asked.name} has no choices", "the key 'choices' beside it")
        for word in words if choices else ():
            if word not in choices:
                self.wrong(asked.place, *unknown(f"choice of ${asked.name}", word, choices))

    def _tags(self, asked: Node, words: tuple[str, ...], scope: Scope) -> None:
        """A suspicion has no other tags than its criterion gives."""
        if not isinstance(asked, Attribute) or asked.of != SUSPICION or scope.suspects is None:
            return
        for word in words:
            if word not in scope.suspects:
                self.wrong(asked.place, *unknown("tag of this criterion", word, scope.suspects))

    def _ordered(self, node: Compare, left: Kind, right: Kind) -> None:
        numbers = {"number", "limit"}
        if left.sort in numbers and right.sort in numbers:
            if self._measures.comparable(node.right, left, right):
                self._limited(node, left, right)
        elif {left.sort, right.sort} == {"days", "duration"}:
            self._whole_days(node)
        elif {left.sort, right.sort} == {"hours", "duration"}:
            self._in_hours(node)
        elif left.sort != right.sort or left.sort not in ("time", "days"):
            self.wrong(node.place, f"{left} is compared with {right}", "two of a kind")

    def _limited(self, node: Compare, left: Kind, right: Kind) -> None:
        """`3 uln` is three times the limit of one result, so the other side has to be one."""
        for side, other in ((left, node.right), (right, node.left)):
            if side.sort == "limit" and not isinstance(other, Name | Call):
                self.wrong(other.place, "no result whose reference limit is meant", "a fact")

    def _whole_days(self, node: Compare) -> None:
        """A number of days has no months: how long they are depends on where they begin.

        `day >= 6 mo` does: it begins at the clock.
        """
        from_clock = isinstance(node.left, Name) and node.left.name == "day"
        units = ("d", "wk", "mo", "y") if from_clock else ("d", "wk")
        for side in (node.left, node.right):
            length = self._written(side)
            if isinstance(length, Duration) and length.unit not in units:
                message = f"a number of days is compared with {length.unit!r}"
                self.wrong(side.place, message, joined(units))

    def _in_hours(self, node: Compare) -> None:
        """A day may have 23 hours: what is counted in hours is compared with hours."""
        for side in (node.left, node.right):
            length = self._written(side)
            if isinstance(length, Duration) and length.unit != "h":
                message = f"a number of hours is compared with {length.unit!r}"
                self.wrong(side.place, message, "h")

    def _written(self, node: Node) -> Node | None:
        """A parameter's value, anything else as it is."""
        return self._params.get(node.name) if isinstance(node, Param) else node


def _clauses(node: Selection) -> tuple[Node | None, ...]:
    """Period and condition of a selection."""
    return (node.since, node.after, node.until, node.within, node.older_than, node.where)
