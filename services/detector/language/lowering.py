"""Expressions become terms of the engine, and what they ask of the past becomes registers.

Equal questions of the past share one register: a nadir used five times is remembered once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from schemas.alerts import Role
from schemas.terminology.analytes import Analyte, analyte
from schemas.terminology.causality import kind_of_reason
from schemas.terminology.refusals import Refusal
from schemas.terminology.units import scale
from services.detector.engine import (
    attribution,
    changes,
    coded,
    comparisons,
    curves,
    doses,
    drugs,
    exponentials,
    fields,
    formulas,
    grades,
    held,
    hours,
    lesions,
    logic,
    lookback,
    membership,
    person,
    remembered,
    runs,
    scores,
    spells,
    suspicion,
    times,
    trends,
    uncertainty,
    values,
)
from services.detector.engine.baselines import NadirWithBaseline
from services.detector.engine.comparable import RegisterApart
from services.detector.engine.instants import US_PER_HOUR, US_PER_MINUTE, add_months
from services.detector.engine.lookback import Period
from services.detector.engine.past import Past
from services.detector.engine.registers import (
    Baseline,
    ConfirmedNadir,
    Count,
    Extreme,
    First,
    Latest,
    Register,
)
from services.detector.engine.terms import Context, Term
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
    Quantity,
    Selection,
)
from services.detector.language.errors import RuleError, RuleErrors
from services.detector.language.unparse import unparse
from services.detector.language.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from services.detector.engine.fact import Fact
    from services.detector.engine.truth import Truth
    from services.detector.language.spec import Series

_LIMITS = frozenset({"uln", "lln"})
_TIMES = frozenset({"clock", "date"})
_REFERENCES = {
    "nadir": Role.NADIR,
    "peak": Role.SUPPORT,
    "confirmed_nadir": Role.NADIR,
    "nadir_with_baseline": Role.NADIR,
}
_RECORDS: dict[str, type[ConfirmedNadir | NadirWithBaseline]] = {
    "confirmed_nadir": ConfirmedNadir,
    "nadir_with_baseline": NadirWithBaseline,
}
_LESIONS = {
    "lesions": lesions.count_of,
    "lesions_beyond": lesions.beyond,
    "lesions_shared": lesions.shared,
}
_OF_RESULT = {
    "quantified": changes.quantified,
    "unquantified": changes.unquantified,
    "of_regimen": drugs.of_regimen,
}
_IN_A_ROW = {
    "rises": (trends.rising, 1),
    "steady": (trends.steady, 1),
    "plateau": (trends.level, 0),
}
"""What is sought, and how many values more than were counted: three rises have four."""
_WORDS = {"finding": coded.finding, "organism": coded.organism, "genus": coded.genus}
_BLAME = {"attributed": attribution.attributed, "suspects_other": attribution.suspects_other}
_ALIKE = {"of_same_cycle": doses.of_same_cycle, "first_alike": coded.first_alike}
_WORKED_OUT = {
    "hours_held": None,
    "mean": None,
    "at_baseline": None,
    "fridericia": "qtc",
    "cockcroft_gault": "creatinine_clearance",
    "magnitude": None,
    "grade": None,
    "new_grade": None,
}
"""Numbers that are worked out of several facts, and the analyte of which they are a value."""
_GRADES = frozenset({"grade", "new_grade"})
_BACK_IN_TIME = {"min": US_PER_MINUTE, "h": US_PER_HOUR}
_FACTS = frozenset({"first", "last", "previous", "baseline", "run"})


def days(duration: Node) -> int:
    """A duration in whole days.

    Raises:
        RuleErrors: it is in hours, or in calendar months, which are no fixed number of days.
    """
    if isinstance(duration, Duration) and duration.unit in {"d", "wk"}:
        return duration.amount * (7 if duration.unit == "wk" else 1)
    raise _wrong(duration, "a duration in days or weeks is needed here")


def shift(duration: Duration, sign: int = 1) -> Callable[[int], int]:
    """How a day moves by a duration: calendar months are clamped to the month's end."""
    if duration.unit in {"mo", "y"}:
        months = sign * duration.amount * (12 if duration.unit == "y" else 1)
        return lambda day: add_months(day, months)
    moved = sign * days(duration)
    return lambda day: day + moved


def _share(node: Node) -> Decimal:
    """A share, written in percent or as a factor."""
    if not isinstance(node, Quantity):
        raise _wrong(node, "a share is needed here")
    return node.value / 100 if node.unit == "%" else node.value


def _wrong(node: Node, message: str) -> RuleErrors:
    return RuleErrors([RuleError(node.place, message)])


@dataclass(slots=True)
class Lowering:
    """Lowers the expressions of one rule. `registers` fills up with what they ask of the past.

    `watch` may put a term of its own in place of every comparison.
    """

    series: dict[str, Series]
    watch: Callable[[Compare, Term], Term] | None = None
    registers: list[tuple[frozenset[int], Register]] = field(default_factory=list)
    reach_days: int = 0
    _known: dict[Any, int] = field(default_factory=dict)
    _grounding: set[str] = field(default_factory=set)

    # -- entry points

    # One line for each form of the grammar: a table, not a tangle.
    def condition(self, node: Node, about: tuple[str, ...]) -> Term:  # noqa: C901, PLR0911, PLR0912
        """A condition; `about` are the series whose facts can be `it`."""
        match node:
            case And(operands=parts):
                return logic.all_of([self.condition(p, about) for p in parts], unparse(node))
            case Or(operands=parts):
                return logic.any_of([self.condition(p, about) for p in parts], unparse(node))
            case Not(operand=inner):
                return logic.negated(self.condition(inner, about), unparse(node))
            case Compare():
                found = self._compare(node, about)
                return found if self.watch is None else self.watch(node, found)
            case OneOf(left=Name() as chosen, words=words) if self._is_word(chosen):
                return logic.by_choice(chosen.name in words, unparse(node))
            case OneOf(left=left, words=words):
                return comparisons.one_of(self._word(left, about), words, unparse(node))
            case Has(left=left, word=word):
                return comparisons.has(self._word(left, about), word, unparse(node))
            case Call(function=function, args=(of,)) if function in _BLAME:
                return _BLAME[function](self._fact(of, about), unparse(node))
            case Call(function="possibly", args=(inner,)):
                return uncertainty.possibly(self.condition(inner, about), unparse(node))
            case Call(function="exists", args=(Selection() as chosen,)):
                return logic.exists(self._one(chosen, "exists", about), unparse(node))
            case Call(
                function=function,
                args=(Selection() as chosen, Quantity(value=count), *how),
            ) if function in _IN_A_ROW:
                return self._in_a_row(function, chosen, int(count), how, unparse(node))
            case Call(function="below_limit", args=(of, Quantity() as limit)):
                number = self._amount(limit, self._analyte(of, about))
                return comparisons.below_limit(self._fact(of, about), number, unparse(node))
            case Call(function="settled", args=(Selection() as chosen, least)):
                return self._settled(chosen, days(least), unparse(node))
            case Call(function="differs", args=(one, other)):
                pair = (self._fact(one, about), self._fact(other, about))
                return changes.differs(*pair, unparse(node))
            case Call(function=function, args=(of,)) if function in _OF_RESULT:
                return _OF_RESULT[function](self._fact(of, about), unparse(node))
            case _:
                raise _wrong(node, "a condition is needed here")

    def time(self, node: Node, about: tuple[str, ...]) -> Term:
        """A time, as a day."""
        match node:
            case Name(name="clock"):
                return times.clock_day()
            case Name(name="date"):
                return times.fact_day()
            case Call(function="date", args=(inner,)):
                return times.day_of_fact(self._fact(inner, about), unparse(node))
            case Call(function="date_known", args=(inner,)):
                return times.day_known(self._fact(inner, about), unparse(node))
            case Arithmetic(op=op, left=left, right=Duration() as by) if op in {"+", "-"}:
                moved = shift(by, 1 if op == "+" else -1)
                return times.shifted(self.time(left, about), moved, unparse(node))
            case _:
                raise _wrong(node, "a time is needed here")

    def number(self, node: Node, about: tuple[str, ...]) -> Term:
        """A number, in the canonical unit of its analyte if it has one."""
        return self._number(node, self._analyte(node, about), about)

    # -- comparisons

    def _compare(self, node: Compare, about: tuple[str, ...]) -> Term:
        left, right, text = node.left, node.right, unparse(node)
        if self._is_time(left) or self._is_time(right):
            return comparisons.ordered(
                node.op, self.time(left, about), self.time(right, about), text
            )
        if isinstance(left, Name) and left.name == "day" and isinstance(right, Duration):
            limit = times.shifted(times.clock_day(), shift(right), f"clock + {unparse(right)}")
            return comparisons.ordered(node.op, times.fact_day(), limit, text)
        if isinstance(left, Name) and isinstance(right, Name) and self._is_word(left):
            return logic.by_choice((left.name == right.name) is (node.op == "="), text)
        if isinstance(right, Name) and node.op in {"=", "!="} and self._is_word(right):
            equal = comparisons.one_of(self._word(left, about), (right.name,), text)
            return equal if node.op == "=" else logic.negated(equal, text)
        of = self._analyte(left, about) or self._analyte(right, about)
        sides = (
            self._number(left, of, about, other=right),
            self._number(right, of, about, other=left),
        )
        graded = any(isinstance(side, grades.Grade) for side in sides)
        return (grades.compared_grade if graded else comparisons.compared)(node.op, *sides, text)

    def _is_time(self, node: Node) -> bool:
        match node:
            case Name(name=name):
                return name in _TIMES
            case Call(function="date" | "date_known"):
                return True
            case Arithmetic(left=left):
                return self._is_time(left)
            case _:
                return False

    def _is_word(self, node: Name) -> bool:
        return node.name not in self.series and node.name not in {"it", "day", "clock", "date"}

    # -- numbers

    def _number(  # noqa: C901, PLR0911, PLR0912  (one case for each form of a number)
        self, node: Node, of: Analyte | None, about: tuple[str, ...], *, other: Node | None = None
    ) -> Term:
        """A number in the canonical unit of the analyte `of`."""
        text = unparse(node)
        match node:
            case Quantity(unit=unit, value=value) if unit in _LIMITS:
                if other is None:
                    raise _wrong(node, f"{unit} needs a value on the other side")
                return values.multiple_of_limit(self._fact(other, about), value, unit, text)
            case Quantity():
                return self._quantity(node, of, text)
            case Duration(amount=amount, unit="h"):
                return values.constant(Decimal(amount), text)
            case Duration():
                return values.constant(Decimal(days(node)), text)
            case Arithmetic(op=op, left=left, right=right):
                # A factor has no unit; a summand has that of the whole.
                part = None if op in {"*", "/"} else of
                return values.arithmetic(
                    op,
                    self._number(left, of if self._analyte(left, about) else part, about),
                    self._number(right, of if self._analyte(right, about) else part, about),
                    text,
                )
            case Name(name="day"):
                return times.days_since(times.clock_day(), text)
            case Call(function=function) if function in _WORKED_OUT:
                return self._worked_out(node, about)
            case Call(function="days_since", args=(inner,)):
                since = (
                    self.time(inner, about) if self._is_time(inner) else self._fact(inner, about)
                )
                return times.days_since(since, text)
            case Call(function="uln" | "lln" as which, args=(inner, *default)):
                fallback = self._amount(default[0], of) if default else None
                limit = values.upper_limit if which == "uln" else values.lower_limit
                return limit(self._fact(inner, about), fallback, text)
            case Call(function="time_to_reach", args=(first, second, level)):
                goal = self._number(level, self._analyte(first, about), about)
                ends = self._fact(first, about), self._fact(second, about)
                return exponentials.time_to_reach(*ends, goal, text)
            case Call(function="levels_down", args=(Selection() as chosen,)):
                return self._levels_down(chosen, text)
            case Call(
                function="dose_intensity", args=(Selection() as given, Selection() as plan, *least)
            ):
                return self._dose_intensity(given, plan, least, text)
            case Call(function="performance", args=(inner,)):
                return scores.performance(self._fact(inner, about), text)
            case Call(function="count", args=(Selection(within=Duration()) as chosen,)):
                return self._past(chosen).count(text)
            case Call(function="count", args=(Selection() as chosen,)):
                return self._register(chosen, "count", Count, (), "number", Role.SUPPORT, text)
            case Call(
                function="doubling_time" | "halving_time" as name,
                args=(Selection() as chosen, Quantity(value=least), span, gap),
            ):
                fit = curves.Fit(self._past(chosen), int(least), days(span), days(gap))
                return curves.doubling_time(fit, falling=name == "halving_time", text=text)
            case Call(function="log_rise" | "log_drop" as name, args=(inner,)):
                falling = name == "log_drop"
                return changes.log_change(self._fact(inner, about), falling=falling, text=text)
            case Call(function="days_while", args=(Selection() as chosen,)):
                spell = self._spell(chosen, text)
                return spells.days_while(spell, text)
            case Call(function="hours_since", args=(inner,)):
                return hours.hours_since(self._moment(inner, about), text)
            case Call(function="runs", args=(Selection() as chosen,)):
                return self._runs(chosen).count(text)
            case Call(function="lesions_shared", args=(inner, third)):
                return lesions.shared(
                    self._fact(inner, about), text, without=self._fact(third, about)
                )
            case Call(function=function, args=(inner,)) if function in _LESIONS:
                return _LESIONS[function](self._fact(inner, about), text)
            case Call(function="median", args=(Selection() as chosen,)):
                return self._past(chosen).median(text)
            case Call(args=(Selection(attribute=str() as field),)) if _gives_fact(node):
                return fields.field_of(self._fact(node, about), FIELDS[field], "number", text)
            case Call(function=function, args=(Selection() as chosen,)) if function in _REFERENCES:
                read = _reader(chosen.attribute)
                return values.reference_of(self._one(chosen, function, about), read)
            case Call(function="baseline", args=(Selection() as chosen, *_)):
                return values.reference_of(self._fact(node, about), _reader(chosen.attribute))
            case Attribute(of="course", field=name):
                return fields.course_field(_whole_of(_COURSE[name]), text, kind="number")
            case Attribute(of="patient"):
                return person.age(self._person())
            case Attribute():
                return self._field(node, about, "number")
            case _:
                return values.value_of(self._fact(node, about))

    def _worked_out(self, node: Call, about: tuple[str, ...]) -> Term:
        text = unparse(node)
        match node:
            case Call(function="hours_held", args=(Selection() as chosen,)):
                found = self._runs(chosen)
                return held.Held(found.series, found.period, found.admits, text).term()
            case Call(function="mean", args=(Selection() as chosen, wanted)):
                inner = self.number(wanted, (chosen.series,))
                return formulas.Mean(self._past(chosen), inner, text).term()
            case Call(function="at_baseline", args=(Selection() as chosen, wanted)):
                return self._at_baseline(chosen, wanted, text)
            case Call(function="fridericia", args=(interval, *rates)):
                beats = [self._fact(rate, about) for rate in rates]
                return formulas.fridericia(self._fact(interval, about), beats, text)
            case Call(function="cockcroft_gault", args=(serum, weight)):
                parts = self._fact(serum, about), self._fact(weight, about)
                who = self._person()
                return formulas.clearance(*parts, person.age(who), person.sex(who), text)
            case Call(function="magnitude", args=(of,)):
                return formulas.magnitude(self._fact(of, about), text)
            case _:
                return self._grade(node, about)

    def _at_baseline(self, chosen: Selection, wanted: Node, text: str) -> Term:
        inner = self.number(wanted, (chosen.series,))

        def make(admits: Any, *, follows_clock: bool) -> Register:
            del follows_clock  # it always does
            return formulas.AtBaseline(admits, inner)

        extra, role = (unparse(wanted),), Role.BASELINE
        kept = self._register(chosen, "at_baseline", make, extra, "number", role, text)
        return formulas.at_baseline(kept, text)

    def _grade(self, node: Call, about: tuple[str, ...]) -> Term:
        of, table, version, window = node.args
        if not (isinstance(table, Name) and isinstance(version, Quantity)):
            raise _wrong(node, "a grading table and its version are needed here")
        scale_of = grades.Scale(table.name, int(version.value), days(window))
        around = grades.Surroundings(
            baseline=grades.first_of([self._baseline_of(name) for name in _series_of(of, about)]),
            symptom=self._kept(grades.Symptoms, "adverse_event"),
            anticoagulant=self._kept(grades.Anticoagulant, "treatment"),
            person=person.sex_told(self._person()) if table.name == "daids" else None,
        )
        new = node.function == "new_grade"
        return grades.grade_of(self._fact(of, about), scale_of, around, unparse(node), new=new)

    def _baseline_of(self, series: str) -> Term:
        return self._one(Selection(series), "baseline", (series,))

    def _kept(self, make: Callable[[], Register], kind: str) -> Term | None:
        """What a register remembers of all series of a kind; None if the rule reads none."""
        names = [name for name, one in self.series.items() if one.kind == kind]
        if not names:
            return None
        key = (make, kind)
        if key not in self._known:
            self._known[key] = len(self.registers)
            seats = frozenset[int]().union(*(self._index(name) for name in names))
            self.registers.append((seats, make()))
        index = self._known[key]
        return remembered.register(index, self.registers[index][1].read, "fact", Role.SUPPORT, kind)

    def _person(self) -> int:
        """The register of what is told of the person; its series stands after all others."""
        if "patient" not in self._known:
            self._known["patient"] = len(self.registers)
            self.registers.append((frozenset({len(self.series)}), person.Person()))
        return self._known["patient"]

    @property
    def asks_person(self) -> bool:
        """Whether what is told of the person must be read."""
        return "patient" in self._known

    def _analyte_worked_out(self, node: Call, about: tuple[str, ...]) -> Analyte | None:
        match node:
            case Call(function="mean" | "at_baseline", args=(Selection(series=name), wanted)):
                return self._analyte(wanted, (name,))
            case Call(function="magnitude", args=(of,)):
                return self._analyte(of, about)
            case _:
                known = _WORKED_OUT[node.function]
                return None if known is None else analyte(known)

    def _quantity(self, node: Quantity, of: Analyte | None, text: str) -> Term:
        first = self._amount(node, of)
        if not node.alternatives:
            return values.constant(first, text)
        others = [(alt.unit or "", self._amount(alt, of)) for alt in node.alternatives]
        return values.by_unit(first, [(node.unit or "", first), *others], text)

    def _amount(self, node: Node, of: Analyte | None) -> Decimal:
        """A quantity in the canonical unit of its analyte."""
        if not isinstance(node, Quantity):
            raise _wrong(node, "a number with its unit is needed here")
        if node.unit is None or of is None:
            return node.value
        by = scale(node.unit, of)
        if isinstance(by, Refusal):
            raise _wrong(node, f"{node.unit} is no unit of {of.key}: {by.reason}")
        if not by.accepts(node.value):
            raise _wrong(node, f"too large a number for {node.unit}")
        return by.apply(node.value)

    def _analyte(self, node: Node, about: tuple[str, ...]) -> Analyte | None:
        """The analyte whose unit a number has; None for what has no analyte."""
        for found in walk(node):
            names: tuple[str, ...] = ()
            if isinstance(found, Call) and found.function in _WORKED_OUT:
                return self._analyte_worked_out(found, about)
            if isinstance(found, Name):
                names = about if found.name == "it" else (found.name,)
            elif isinstance(found, Selection) and found.attribute is None:
                names = (found.series,)
            for name in names:
                if name in self.series and self.series[name].analytes:
                    return analyte(self.series[name].analytes[0])
        return None

    # -- facts and words

    def _fact(self, node: Node, about: tuple[str, ...]) -> Term:
        text = unparse(node)
        match node:
            case Name(name="it"):
                return fields.the_fact(text)
            case Name(name=name) if about == (name,):
                return fields.the_fact(text)
            case Name(name=name) if name in self.series:
                return fields.the_fact_of(self._index(name), text)
            case Call(function="previous", args=(Selection() as chosen, Quantity(value=count))):
                return self._before(chosen, int(count), text)
            case Call(function="suspected", args=(Selection(series=name),)):
                return suspicion.suspected(self._index(name), text)
            case Call(function="baseline", args=(Selection() as chosen, Duration() as age)):
                return remembered.no_older(
                    self._one(chosen, "baseline", about), shift(age, -1), text
                )
            case Call(function=function, args=(Selection() as chosen,)) if function in _ALIKE:
                return _ALIKE[function](self._past(chosen), text)
            case Call(function=function, args=(Selection() as chosen,)) if (
                function in _FACTS or function in _REFERENCES
            ):
                return self._one(chosen, function, about)
            case _:
                raise _wrong(node, "a fact of a series is needed here")

    def _word(self, node: Node, about: tuple[str, ...]) -> Term:
        match node:
            case Attribute(of="course", field=name):
                alike = name in _IN_ALL_STEPS
                return fields.course_field(_COURSE[name], unparse(node), in_all=alike)
            case Attribute(of="patient"):
                return person.sex(self._person())
            case Attribute(of="suspicion"):
                return suspicion.tag_of_suspicion(unparse(node))
            case Attribute():
                return self._field(node, about, "word")
            case Call(function=function, args=(inner,)) if function in _WORDS:
                return _WORDS[function](self._fact(inner, about), unparse(node))
            case Call(args=(Selection(attribute=str() as field),)) if _gives_fact(node):
                of = self._fact(node, about)
                return fields.field_of(of, FIELDS[field], "word", unparse(node))
            case _:
                return fields.field_of(self._fact(node, about), _code, "word", unparse(node))

    def _field(self, node: Attribute, about: tuple[str, ...], kind: str) -> Term:
        text = unparse(node)
        of = self._fact(Name(node.of, place=node.place), about)
        if node.field not in FIELDS:
            raise _wrong(node, f"no field {node.field}")
        return fields.field_of(of, FIELDS[node.field], kind, text)

    # -- the past

    def _one(self, chosen: Selection, function: str, about: tuple[str, ...]) -> Term:
        """One fact of the past, with what makes it one of its series."""
        del about
        return self._grounded(chosen, self._of_past(chosen, function))

    def _grounded(self, chosen: Selection, term: Term) -> Term:
        """Evidence of a series that takes only some facts says why it took them.

        The same goes for a period whose condition rests on further facts.
        """
        reasons = [*self._membership(chosen), *self._further(chosen)]
        if not reasons:
            return term
        return membership.grounded(
            term, dict.fromkeys(self._index(chosen.series), logic.all_of(reasons, ""))
        )

    def _membership(self, chosen: Selection) -> Iterator[Term]:
        only = self.series[chosen.series].only
        if only is not None and chosen.series not in self._grounding:
            self._grounding.add(chosen.series)
            yield self.condition(only, (chosen.series,))
            self._grounding.discard(chosen.series)

    def _further(self, chosen: Selection) -> Iterator[Term]:
        where = chosen.where
        if where is None or not any(isinstance(part, Call) for part in walk(where)):
            return
        asked = [part for part in walk(where) if isinstance(part, Selection)]
        bounded = asked and all(part.within is not None for part in asked)
        if chosen.within is not None or bounded:
            yield self.condition(where, (chosen.series,))

    def _of_past(self, chosen: Selection, function: str) -> Term:
        """One fact: looked up in a period, or remembered in a register."""
        text = f"{function}({unparse(chosen)})"
        if chosen.within is not None or chosen.older_than is not None:
            return self._past(chosen).one(function, _reader(chosen.attribute), text)
        number = _reader(chosen.attribute)
        role = _REFERENCES.get(function, Role.BASELINE if function == "baseline" else Role.SUPPORT)
        make: Callable[..., Register]
        match function:
            case "nadir" | "peak":

                def make(admits: Any, *, follows_clock: bool) -> Register:
                    lowest = function == "nadir"
                    return Extreme(
                        admits, follows_clock=follows_clock, lowest=lowest, number=number
                    )
            case "confirmed_nadir" | "nadir_with_baseline":
                kind = _RECORDS[function]

                def make(admits: Any, *, follows_clock: bool) -> Register:
                    return kind(admits, follows_clock=follows_clock, number=number)
            case "baseline":
                make = Baseline
            case "run":
                make = runs.RunStart
            case "last" | "previous":
                make = Latest
            case _:
                make = First
        name = {"previous": "last", "exists": "first"}.get(function, function)
        return self._register(chosen, name, make, (), "fact", role, text)

    def _in_a_row(
        self, function: str, chosen: Selection, count: int, how: Sequence[Node], text: str
    ) -> Term:
        """`rises`, `steady`, `plateau`: so many values, and how they move."""
        holds, further = _IN_A_ROW[function]
        share, span = _share(how[0]) if how else Decimal(0), days(how[1]) if how[1:] else 0
        row = trends.Row(self._earlier(chosen, count, text), count + further, span)
        return self._grounded(chosen, trends.in_a_row(row, holds(share), text))

    def _earlier(self, chosen: Selection, count: int, text: str) -> trends.Earlier:
        """The facts before the one in question: of a period, or the last so many."""
        if chosen.within is not None:
            return trends.of_period(self._past(chosen))

        def make(admits: Any, *, follows_clock: bool) -> Register:
            return Latest(admits, follows_clock=follows_clock, count=max(count, 2))

        held = self._register(chosen, "latest", make, (count,), "facts", Role.SUPPORT, text)
        return trends.remembered(held)

    def _before(self, chosen: Selection, count: int, text: str) -> Term:
        """`previous(s, 2)`: the last but one."""
        earlier = self._earlier(chosen, count, text)
        return self._grounded(chosen, trends.one_before(earlier, count, text))

    def _settled(self, chosen: Selection, least: int, text: str) -> Term:
        def make(admits: Any, *, follows_clock: bool) -> Register:
            return spells.Settled(admits, follows_clock=follows_clock, least=least)

        ends = self._register(chosen, "settled", make, (least,), "facts", Role.SUPPORT, text)
        return spells.settled(ends, text)

    def _spell(self, chosen: Selection, text: str) -> Term:
        make = spells.DaysWhile
        return self._register(chosen, "days_while", make, (), "spell", Role.SUPPORT, text)

    def _levels_down(self, chosen: Selection, text: str) -> Term:
        make, role = doses.Levels, Role.SUPPORT
        held = self._register(chosen, "levels_down", make, (), "levels", role, text)
        admits, _ = self._admits(chosen)
        levels = doses.Levels(admits, follows_clock=False)
        return doses.levels_down(held, levels, self._index(chosen.series), text)

    def _dose_intensity(
        self, given: Selection, plan: Selection, least: Sequence[Node], text: str
    ) -> Term:
        held = [
            self._register(one, "all_of", doses.AllOf, (), "facts", Role.SUPPORT, text)
            for one in (given, plan)
        ]
        cycles = int(least[0].value) if least and isinstance(least[0], Quantity) else None
        return doses.dose_intensity(held[0], held[1], cycles, text)

    def _moment(self, node: Node, about: tuple[str, ...]) -> Term:
        """A fact with its hour; the clock is one too."""
        if isinstance(node, Name) and node.name == "clock":
            return hours.the_clock()
        return self._fact(node, about)

    def _runs(self, chosen: Selection) -> runs.Runs:
        past, where = self._past(replace(chosen, where=None)), chosen.where
        if where is None:
            raise _wrong(chosen, "a run needs 'where': what its facts have in common")
        fulfil = self.condition(where, (chosen.series,)).evaluate
        return runs.Runs(past.series, past.period, fulfil)

    def _register(
        self,
        chosen: Selection,
        name: str,
        make: Callable[..., Register],
        extra: tuple[Any, ...],
        kind: str,
        role: Role,
        text: str,
    ) -> Term:
        key = (name, chosen, extra)
        if key not in self._known:
            admits, follows = self._admits(chosen)
            # What a series shows from the clock on must be forgotten when the clock moves.
            follows = follows or _asks_clock(self.series[chosen.series].since)
            self._known[key] = len(self.registers)
            made: Register = make(admits, follows_clock=follows)
            apart = self.series[chosen.series].apart or isinstance(made, NadirWithBaseline)
            held = RegisterApart(made) if apart else made
            self.registers.append((self._index(chosen.series), held))
        index = self._known[key]
        register = self.registers[index][1]
        own = register.own if isinstance(register, RegisterApart) else None
        return remembered.register(index, register.read, kind, role, text, own)

    def _past(self, chosen: Selection) -> Past:
        within, older = chosen.within, chosen.older_than
        hours = isinstance(within, Duration) and within.unit in _BACK_IN_TIME
        if within is None:
            raise _wrong(chosen, "'older than' needs 'within' as well: how far back to look")
        period = Period(
            within_days=None if hours else days(within),
            within_us=within.amount * _BACK_IN_TIME[within.unit]
            if isinstance(within, Duration) and hours
            else None,
            older_days=None if older is None else days(older),
        )
        further, self.reach_days = self.reach_days, 0
        admits, _ = self._admits(chosen, self.series[chosen.series])
        # A condition inside the period may look back by itself, from where it stands.
        self.reach_days = max(further, period.reach_days + self.reach_days)
        apart = self.series[chosen.series].apart
        return Past(self._index(chosen.series), period, admits, apart)

    def _admits(
        self, chosen: Selection, shown: Series | None = None
    ) -> tuple[lookback.Admits | None, bool]:
        """Which facts of the series a selection takes, and whether that hangs on the clock.

        A register is given only what the series shows; a look back has to leave out for itself what
        `shown` doesn't show.
        """
        parts: list[Callable[[Context], Truth]] = []
        about = (chosen.series,)
        begins = ((None if shown is None else shown.since, ">="), (chosen.since, ">="))
        for node, op in (*begins, (chosen.after, ">"), (chosen.until, "<=")):
            if node is not None:
                limit = self.time(node, about)
                parts.append(comparisons.ordered(op, times.fact_day(), limit, "").evaluate)
        if shown is not None and shown.unless is not None:
            parts.append(uncertainty.not_surely(self.condition(shown.unless, about)).evaluate)
        if shown is not None and shown.only is not None:
            parts.append(uncertainty.surely(self.condition(shown.only, about)).evaluate)
        if chosen.where is not None:
            parts.append(self.condition(chosen.where, about).evaluate)
        follows = any(
            _asks_clock(part) for part in (chosen.since, chosen.after, chosen.until, chosen.where)
        )
        if not parts:
            return None, follows
        if len(parts) == 1:
            return parts[0], follows
        return logic.all_of([Term("truth", "", part) for part in parts], "").evaluate, follows

    def _index(self, name: str) -> frozenset[int]:
        return frozenset({list(self.series).index(name)})


def _series_of(node: Node, about: tuple[str, ...]) -> tuple[str, ...]:
    """The series to which a fact belongs."""
    for found in walk(node):
        if isinstance(found, Selection):
            return (found.series,)
        if isinstance(found, Name):
            return about if found.name == "it" else (found.name,)
    raise _wrong(node, "a fact of a series is needed here")


def _gives_fact(call: Call) -> bool:
    """Whether a function gives a fact as it was reported, so that a field of it may be asked."""
    return call.function in {"first", "last", "previous", "suspected", *_ALIKE}


def _asks_clock(node: Node | None) -> bool:
    """Whether the answer hangs on where the clock stands."""
    return node is not None and any(
        isinstance(part, Name) and part.name in {"clock", "day"} for part in walk(node)
    )


# ---------------------------------------------------------------- fields of facts


def _sum(fact: Fact) -> Decimal | None:
    found: Decimal | None = getattr(fact.event, "sum_of_diameters_mm", None)
    return found


def _whole(name: str) -> Callable[[Fact], Decimal | None]:
    def read(fact: Fact) -> Decimal | None:
        value = getattr(fact.event, name, None)
        return None if value is None else Decimal(value)

    return read


def _plain(name: str) -> Callable[[Fact], Any]:
    return lambda fact: getattr(fact.event, name, None)


def _milligrams(fact: Fact) -> Decimal | None:
    """The amount of a dose, per day or at once; None where it isn't given as a mass."""
    factor = _MASS.get((fact.event.dose_unit or "").removesuffix("/d"))
    dose: Decimal | None = fact.event.dose
    return None if dose is None or factor is None else dose * factor


_MASS = {"mg": Decimal(1), "g": Decimal(1000), "ug": Decimal("0.001")}


def _kind_of_reason(fact: Fact) -> str | None:
    """Why a step of treatment was taken, as one of a few kinds of reasons."""
    reason: str | None = fact.event.reason
    return None if reason is None else kind_of_reason(reason)


def _code(fact: Fact) -> str | None:
    return fact.code


def _method(fact: Fact) -> Any:
    return fact.event.method or fields.NOT_SAID


def _test(fact: Fact) -> Any:
    """The code under which a result was sent."""
    return fields.NOT_SAID if fact.event.code is None else fact.event.code.code


def _code_beside(fact: Fact) -> Any:
    """The coded part of a result; a number that came without a word says nothing more."""
    return fields.NOT_SAID if fact.code is None and fact.value is not None else fact.code


def _verdict(fact: Fact, name: str) -> Any:
    """A reported verdict; missing only in a report that gives no verdict in any other form.

    A report with a sum of diameters but no response has not left the response unsaid: it says
    nothing about it, and conditions on it are false, not unknown.
    """
    value = getattr(fact.event, name, None)
    if value is not None:
        return Decimal(value) if isinstance(value, int) else value
    spoken = ("response", "deauville", "sum_of_diameters_mm", "new_lesions")
    silent = all(getattr(fact.event, one, None) is None for one in spoken)
    return None if silent else fields.NOT_SAID


FIELDS: dict[str, Callable[[Fact], Any]] = {
    "sum": _sum,
    "deauville": lambda fact: _verdict(fact, "deauville"),
    "grade": _whole("grade"),
    "cycle": _whole("cycle"),
    "response": lambda fact: _verdict(fact, "response"),
    "new_lesions": lambda fact: getattr(fact.event, "new_lesions", None) or (),
    "new_sum": lambda fact: fields.NOT_SAID if (s := lesions.size_of_new(fact)) is None else s,
    "timepoint": _plain("timepoint"),
    "term": _plain("term"),
    "regimen": _plain("regimen"),
    "phase": _plain("phase"),
    "action_taken": _plain("action_taken"),
    "code": _code_beside,
    "analyte": lambda fact: fact.topic,
    "method": _method,
    "test": _test,
    "line": _whole("line"),
    "drug": _plain("drug"),
    "level": _whole("dose_level"),
    "dose": _milligrams,
    "reason": _kind_of_reason,
}
"""Fields that a condition may ask of a fact. A report that lists no new lesion has none."""

_IN_ALL_STEPS = frozenset({"condition", "modality"})
"""What every step of a course says."""

_COURSE: dict[str, Callable[[Fact], Any]] = {
    "regimen": _plain("regimen"),
    "drug_classes": _plain("drug_classes"),
    "line": _plain("line"),
    "intent": _plain("intent"),
    "modality": _plain("modality"),
    "condition": _plain("condition"),
}


def _whole_of(read: Callable[[Fact], Any]) -> Callable[[Fact], Decimal | None]:
    def number(fact: Fact) -> Decimal | None:
        value = read(fact)
        return None if value is None else Decimal(value)

    return number


_reference: Callable[[Fact], Decimal | None] = attrgetter("reference")


def _reader(attribute: str | None) -> Callable[[Fact], Decimal | None]:
    if attribute is None:
        return _reference
    read = FIELDS[attribute]

    def number(fact: Fact) -> Decimal | None:
        found = read(fact)
        return found if isinstance(found, Decimal) else None

    return number
