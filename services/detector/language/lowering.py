"""Expressions become terms of the engine, and what they ask of the past becomes registers.

Equal questions of the past share one register: a nadir used five times is remembered once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from schemas.alerts import Role
from schemas.terminology.analytes import Analyte, analyte
from schemas.terminology.refusals import Refusal
from schemas.terminology.units import scale
from services.detector.engine import curves, lesions, terms
from services.detector.engine.instants import US_PER_HOUR, add_months
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
from services.detector.engine.terms import Context, Period, Term
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
    from collections.abc import Callable

    from services.detector.engine.fact import Fact
    from services.detector.engine.truth import Truth
    from services.detector.language.spec import Series

_LIMITS = frozenset({"uln", "lln"})
_TIMES = frozenset({"clock", "date"})
_REFERENCES = {"nadir": Role.NADIR, "peak": Role.SUPPORT, "confirmed_nadir": Role.NADIR}
_LESIONS = {
    "lesions": lesions.count_of,
    "lesions_beyond": lesions.beyond,
    "lesions_shared": lesions.shared,
}
_FACTS = frozenset({"first", "last", "previous", "baseline"})


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


def _wrong(node: Node, message: str) -> RuleErrors:
    return RuleErrors([RuleError(node.place, message)])


@dataclass(slots=True)
class Lowering:
    """Lowers the expressions of one rule. `registers` fills up with what they ask of the past."""

    series: dict[str, Series]
    registers: list[tuple[frozenset[int], Register]] = field(default_factory=list)
    reach_days: int = 0
    _known: dict[Any, int] = field(default_factory=dict)

    # -- entry points

    # One line for each form of the grammar: a table, not a tangle.
    def condition(self, node: Node, about: tuple[str, ...]) -> Term:  # noqa: C901, PLR0911
        """A condition; `about` are the series whose facts can be `it`."""
        match node:
            case And(operands=parts):
                return terms.all_of([self.condition(p, about) for p in parts], unparse(node))
            case Or(operands=parts):
                return terms.any_of([self.condition(p, about) for p in parts], unparse(node))
            case Not(operand=inner):
                return terms.negated(self.condition(inner, about), unparse(node))
            case Compare():
                return self._compare(node, about)
            case OneOf(left=left, words=words):
                return terms.one_of(self._word(left, about), words, unparse(node))
            case Has(left=left, word=word):
                return terms.has(self._word(left, about), word, unparse(node))
            case Call(function="exists", args=(Selection() as chosen,)):
                return terms.exists(self._one(chosen, "exists", about), unparse(node))
            case Call(function="rises", args=(Selection() as chosen, Quantity(value=count))):
                return self._rises(chosen, int(count), unparse(node))
            case Call(
                function="plateau",
                args=(Selection() as chosen, Quantity(value=count), Quantity() as share),
            ):
                return self._plateau(chosen, int(count), share, unparse(node))
            case Call(function="below_limit", args=(of, Quantity() as limit)):
                number = self._amount(limit, self._analyte(of, about))
                return terms.below_limit(self._fact(of, about), number, unparse(node))
            case _:
                raise _wrong(node, "a condition is needed here")

    def time(self, node: Node, about: tuple[str, ...]) -> Term:
        """A time, as a day."""
        match node:
            case Name(name="clock"):
                return terms.clock_day()
            case Name(name="date"):
                return terms.fact_day()
            case Call(function="date", args=(inner,)):
                return terms.day_of_fact(self._fact(inner, about), unparse(node))
            case Arithmetic(op=op, left=left, right=Duration() as by) if op in {"+", "-"}:
                moved = shift(by, 1 if op == "+" else -1)
                return terms.shifted(self.time(left, about), moved, unparse(node))
            case _:
                raise _wrong(node, "a time is needed here")

    # -- comparisons

    def _compare(self, node: Compare, about: tuple[str, ...]) -> Term:
        left, right, text = node.left, node.right, unparse(node)
        if self._is_time(left) or self._is_time(right):
            return terms.ordered(node.op, self.time(left, about), self.time(right, about), text)
        if isinstance(left, Name) and left.name == "day" and isinstance(right, Duration):
            limit = terms.shifted(terms.clock_day(), shift(right), f"clock + {unparse(right)}")
            return terms.ordered(node.op, terms.fact_day(), limit, text)
        if isinstance(right, Name) and node.op in {"=", "!="} and self._is_word(right):
            equal = terms.one_of(self._word(left, about), (right.name,), text)
            return equal if node.op == "=" else terms.negated(equal, text)
        of = self._analyte(left, about) or self._analyte(right, about)
        return terms.compared(
            node.op,
            self._number(left, of, about, other=right),
            self._number(right, of, about, other=left),
            text,
        )

    def _is_time(self, node: Node) -> bool:
        match node:
            case Name(name=name):
                return name in _TIMES
            case Call(function="date"):
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
                return terms.multiple_of_limit(self._fact(other, about), value, unit, text)
            case Quantity():
                return self._quantity(node, of, text)
            case Duration():
                return terms.constant(Decimal(days(node)), text)
            case Arithmetic(op=op, left=left, right=right):
                # A factor has no unit; a summand has that of the whole.
                part = None if op in {"*", "/"} else of
                return terms.arithmetic(
                    op,
                    self._number(left, of if self._analyte(left, about) else part, about),
                    self._number(right, of if self._analyte(right, about) else part, about),
                    text,
                )
            case Name(name="day"):
                return terms.days_since(terms.clock_day(), text)
            case Call(function="days_since", args=(inner,)):
                since = (
                    self.time(inner, about) if self._is_time(inner) else self._fact(inner, about)
                )
                return terms.days_since(since, text)
            case Call(function="uln", args=(inner, *default)):
                fallback = self._amount(default[0], of) if default else None
                return terms.upper_limit(self._fact(inner, about), fallback, text)
            case Call(function="count", args=(Selection() as chosen,)):
                return self._register(chosen, "count", Count, (), "number", Role.SUPPORT, text)
            case Call(
                function="doubling_time" | "halving_time" as name,
                args=(Selection() as chosen, Quantity(value=least), span, gap),
            ):
                fit = curves.Fit(self._past(chosen), int(least), days(span), days(gap))
                return curves.doubling_time(fit, falling=name == "halving_time", text=text)
            case Call(function=function, args=(inner,)) if function in _LESIONS:
                return _LESIONS[function](self._fact(inner, about), text)
            case Call(function="median", args=(Selection() as chosen,)):
                return self._past(chosen).median(text)
            case Call(function=function, args=(Selection() as chosen,)) if function in _REFERENCES:
                read = _reader(chosen.attribute)
                return terms.reference_of(self._one(chosen, function, about), read)
            case Call(function="baseline", args=(Selection() as chosen,)):
                read = _reader(chosen.attribute)
                return terms.reference_of(self._one(chosen, "baseline", about), read)
            case Attribute(of="course", field=name):
                return terms.course_field(_whole_of(_COURSE[name]), text, kind="number")
            case Attribute():
                return self._field(node, about, "number")
            case _:
                return terms.value_of(self._fact(node, about))

    def _quantity(self, node: Quantity, of: Analyte | None, text: str) -> Term:
        first = self._amount(node, of)
        if not node.alternatives:
            return terms.constant(first, text)
        others = [(alt.unit or "", self._amount(alt, of)) for alt in node.alternatives]
        return terms.by_unit(first, [(node.unit or "", first), *others], text)

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
                return terms.the_fact(text)
            case Name(name=name) if about == (name,):
                return terms.the_fact(text)
            case Name(name=name) if name in self.series:
                return terms.the_fact_of(self._index(name), text)
            case Call(function=function, args=(Selection() as chosen,)) if (
                function in _FACTS or function in _REFERENCES
            ):
                return self._one(chosen, function, about)
            case _:
                raise _wrong(node, "a fact of a series is needed here")

    def _word(self, node: Node, about: tuple[str, ...]) -> Term:
        match node:
            case Attribute(of="course", field=name):
                return terms.course_field(_COURSE[name], unparse(node))
            case Attribute():
                return self._field(node, about, "word")
            case _:
                return terms.field_of(self._fact(node, about), _code, "word", unparse(node))

    def _field(self, node: Attribute, about: tuple[str, ...], kind: str) -> Term:
        text = unparse(node)
        of = self._fact(Name(node.of, place=node.place), about)
        if node.field not in FIELDS:
            raise _wrong(node, f"no field {node.field}")
        return terms.field_of(of, FIELDS[node.field], kind, text)

    # -- the past

    def _one(self, chosen: Selection, function: str, about: tuple[str, ...]) -> Term:
        """One fact of the past: looked up in a period, or remembered in a register."""
        del about
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
            case "confirmed_nadir":

                def make(admits: Any, *, follows_clock: bool) -> Register:
                    return ConfirmedNadir(admits, follows_clock=follows_clock, number=number)
            case "baseline":
                make = Baseline
            case "last" | "previous":
                make = Latest
            case _:
                make = First
        name = {"previous": "last", "exists": "first"}.get(function, function)
        return self._register(chosen, name, make, (), "fact", role, text)

    def _rises(self, chosen: Selection, count: int, text: str) -> Term:
        def make(admits: Any, *, follows_clock: bool) -> Register:
            return Latest(admits, follows_clock=follows_clock, count=max(count, 2))

        latest = self._register(chosen, "latest", make, (count,), "facts", Role.SUPPORT, text)
        return terms.rising(latest, count, text)

    def _plateau(self, chosen: Selection, count: int, share: Quantity, text: str) -> Term:
        def make(admits: Any, *, follows_clock: bool) -> Register:
            return Latest(admits, follows_clock=follows_clock, count=max(count, 2))

        latest = self._register(chosen, "latest", make, (count,), "facts", Role.SUPPORT, text)
        part = share.value / 100 if share.unit == "%" else share.value
        return curves.plateau(latest, count, part, text)

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
            self.registers.append((self._index(chosen.series), make(admits, follows_clock=follows)))
        index = self._known[key]
        return terms.register(index, self.registers[index][1].read, kind, role, text)

    def _past(self, chosen: Selection) -> Past:
        within, older = chosen.within, chosen.older_than
        hours = isinstance(within, Duration) and within.unit == "h"
        if within is None:
            raise _wrong(chosen, "'older than' needs 'within' as well: how far back to look")
        period = Period(
            within_days=None if hours else days(within),
            within_us=within.amount * US_PER_HOUR
            if isinstance(within, Duration) and hours
            else None,
            older_days=None if older is None else days(older),
        )
        self.reach_days = max(self.reach_days, period.reach_days)
        admits, _ = self._admits(chosen)
        return Past(self._index(chosen.series), period, admits)

    def _admits(self, chosen: Selection) -> tuple[terms.Admits | None, bool]:
        """Which facts of the series a selection takes, and whether that hangs on the clock."""
        parts: list[Callable[[Context], Truth]] = []
        about = (chosen.series,)
        for node, op in ((chosen.since, ">="), (chosen.after, ">"), (chosen.until, "<=")):
            if node is not None:
                limit = self.time(node, about)
                parts.append(terms.ordered(op, terms.fact_day(), limit, "").evaluate)
        if chosen.where is not None:
            parts.append(self.condition(chosen.where, about).evaluate)
        follows = any(
            _asks_clock(part) for part in (chosen.since, chosen.after, chosen.until, chosen.where)
        )
        if not parts:
            return None, follows
        if len(parts) == 1:
            return parts[0], follows
        return terms.all_of([Term("truth", "", part) for part in parts], "").evaluate, follows

    def _index(self, name: str) -> frozenset[int]:
        return frozenset({list(self.series).index(name)})


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


def _code(fact: Fact) -> str | None:
    return fact.code


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
    return None if silent else terms.NOT_SAID


FIELDS: dict[str, Callable[[Fact], Any]] = {
    "sum": _sum,
    "deauville": lambda fact: _verdict(fact, "deauville"),
    "grade": _whole("grade"),
    "cycle": _whole("cycle"),
    "response": lambda fact: _verdict(fact, "response"),
    "new_lesions": lambda fact: getattr(fact.event, "new_lesions", None) or (),
    "timepoint": _plain("timepoint"),
    "term": _plain("term"),
    "regimen": _plain("regimen"),
    "action_taken": _plain("action_taken"),
}
"""Fields that a condition may ask of a fact. A report that lists no new lesion has none."""

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


def _reader(attribute: str | None) -> Callable[[Fact], Decimal | None]:
    if attribute is None:
        return lambda fact: fact.reference
    read: Callable[[Fact], Decimal | None] = FIELDS[attribute]
    return read
