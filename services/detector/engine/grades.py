"""Grades of results inside conditions: `grade(it, ctcae, 5, 28 d) >= 3`.

A grade rests on a result, its own reference limits, the result before treatment, and on what else
is known of the patient that day. Where part of that is missing the grade is a range (`at least 3`,
`at most 1`), which decides what it can; where it can't, the reason is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from schemas.alerts import Role
from schemas.terminology import ctcae, daids
from schemas.terminology.grading import WORST, Graded, LabValue
from services.detector.engine.comparisons import compared
from services.detector.engine.fact import Fact
from services.detector.engine.milder import surely_milder
from services.detector.engine.terms import Cited, Context, Proof, Term, once_a_look
from services.detector.engine.truth import Range, Truth, Unknown, Value, comparison

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.terminology.grade_table import Table

DAIDS = "daids"
FASTING = "fasting"
ANTICOAGULANT = "anticoagulant"
_RUNNING = frozenset({"started", "administered", "reduced"})
_ENDED = frozenset({"stopped", "completed", "held"})


class Scale(NamedTuple):
    """A grading table in one of its versions; a baseline is no older than `window` days."""

    table: str
    version: int
    window: int


class Setting(NamedTuple):
    """What a grade rests on besides the result: a fact each, if there is one."""

    baseline: Fact | None = None
    symptom: Fact | None = None
    anticoagulant: Fact | None = None
    person: Fact | None = None


class Verdict(NamedTuple):
    """The least and the worst grade that may be, and why they differ."""

    least: int
    worst: int
    reason: str | None = None


Finder = Term | None
"""A term that gives a fact; None where the rule reads no such facts."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How the setting is found."""

    baseline: Finder = None
    symptom: Finder = None
    anticoagulant: Finder = None
    person: Finder = None


# ---------------------------------------------------------------- what is remembered


class Symptoms:
    """Register: adverse events that someone put down to an analyte, as long as they last."""

    initial: Any = ()
    follows_clock = False

    def add(self, memory: Any, fact: Fact, context: Context) -> Any:
        """Keep it, and forget those that have ended."""
        lasting = tuple(one for one in memory if _lasts(one, context.fact.day))
        named = fact.topic == "adverse_event" and fact.event.suspected is not None
        return (*lasting, fact) if named else lasting

    def restart(self, memory: Any) -> Any:
        """A new clock ends no symptom."""
        return memory

    def read(self, memory: Any, context: Context) -> Fact | None:
        """One that goes with the fact in question."""
        it = context.it
        fitting = (one for one in memory if one.event.suspected == it.topic and _lasts(one, it.day))
        return next(fitting, None)


def _lasts(fact: Fact, day: int) -> bool:
    ended = fact.event.ended_at
    return ended is None or bool(ended.toordinal() >= day)


class Anticoagulant:
    """Register: the step by which an anticoagulant is being taken; None while there is none."""

    initial: Any = None
    follows_clock = False

    def add(self, memory: Any, fact: Fact, context: Context) -> Any:
        """Begun, gone on with, or ended."""
        del context
        classes = {name.lower() for name in getattr(fact.event, "drug_classes", None) or ()}
        if ANTICOAGULANT not in classes:
            return memory
        if fact.event.phase in _RUNNING:
            return memory or fact
        return None if fact.event.phase in _ENDED else memory

    def restart(self, memory: Any) -> Any:
        """A new clock ends no other drug."""
        return memory

    def read(self, memory: Any, context: Context) -> Fact | None:
        """That step."""
        del context
        found: Fact | None = memory
        return found


# ---------------------------------------------------------------- terms


class Grade(Term):
    """A number from 0 to 4, or a range of them; `verdict` says why it is no single number.

    `below` tells at a glance of a result that it is surely milder than a grade.
    """

    __slots__ = ("below", "verdict")

    verdict: Callable[[Context], Verdict | None]
    below: Callable[[int], Callable[[Context], bool]]


def grade_of(of: Term, scale: Scale, around: Surroundings, text: str, *, new: bool) -> Grade:
    """The worst grade of a result; with `new`, of terms in which it is worse than the baseline.

    The evidence names of the setting only what the grade would be another without.
    """

    @once_a_look  # each level of a criterion asks for the same grade
    def judge(context: Context) -> tuple[Fact, Setting, Verdict] | None:
        fact = of.evaluate(context)
        if fact.__class__ is not Fact or fact.event.type != "observation":
            return None
        setting = _setting(fact, scale, around, context)
        return fact, setting, verdict_of(fact, scale, setting, new=new)

    def evaluate(context: Context) -> Value:
        judged = judge(context)
        return None if judged is None else _as_value(judged[2])

    def prove(context: Context) -> Proof:
        judged = judge(context)
        cited = of.prove(context).cited
        if judged is not None:
            cited += _needed(*judged, scale, new=new)
        return Proof(text, evaluate(context), cited)

    def verdict(context: Context) -> Verdict | None:
        judged = judge(context)
        return None if judged is None else judged[2]

    def before(fact: Fact, context: Context) -> LabValue | None:
        baseline = _baseline(fact, scale, around, context)
        return None if baseline is None else lab_value(baseline)

    grade = Grade("number", text, evaluate, prove)
    grade.verdict = verdict
    grade.below = lambda limit: surely_milder(of, _table(scale), scale.version, limit, before)
    return grade


def compared_grade(op: str, left: Term, right: Term, text: str) -> Term:
    """Compare a grade; where that can't be decided, say what of the result is missing."""
    plain = compared(op, left, right, text)
    grades = [side for side in (left, right) if isinstance(side, Grade)]

    def fully(context: Context) -> Truth:
        truth: Truth = plain.evaluate(context)
        if not isinstance(truth, Unknown):
            return truth
        verdicts = (side.verdict(context) for side in grades)
        reasons = (verdict.reason for verdict in verdicts if verdict and verdict.reason)
        return Unknown(next(reasons, truth.reason))

    evaluate: Callable[[Context], Truth] = fully
    if isinstance(left, Grade) and right.fixed is not None and op in _ORDERED:
        evaluate = _against_limit(op, left, right.fixed, fully)

    def prove(context: Context) -> Proof:
        return plain.prove(context)._replace(result=evaluate(context))

    return Term("truth", text, evaluate, prove).joining(op, left, right)


_RISING = frozenset({">", ">="})
_ORDERED = _RISING | {"<", "<="}


def _never(context: Context) -> bool:
    del context
    return False


def _against_limit(
    op: str, grade: Grade, limit: Decimal, fully: Callable[[Context], Truth]
) -> Callable[[Context], Truth]:
    """A grade against a fixed one: what holds of the least and the worst holds of all between."""
    verdict_at = grade.verdict
    truths = tuple(comparison(op)(each, limit) for each in _GRADES)
    rising = op in _RISING and True in truths
    surely_below = grade.below(truths.index(True)) if rising else _never

    def evaluate(context: Context) -> Truth:
        if surely_below(context):
            return False
        verdict = verdict_at(context)
        if verdict is None:
            return False
        truth = truths[verdict[0]]
        return truth if truths[verdict[1]] is truth else fully(context)

    return evaluate


_GRADES = tuple(Decimal(grade) for grade in range(WORST + 1))


def _as_value(verdict: Verdict) -> Value:
    low, high = _GRADES[verdict.least], _GRADES[verdict.worst]
    return low if low is high else Range(low, high, high_included=True)


def _setting(fact: Fact, scale: Scale, around: Surroundings, context: Context) -> Setting:
    here = context if context.it is fact else context.at(fact)
    return Setting(
        _baseline(fact, scale, around, here),
        _found(around.symptom, here),
        _found(around.anticoagulant, here),
        _found(around.person, here),
    )


def _found(term: Finder, here: Context) -> Fact | None:
    value = None if term is None else term.evaluate(here)
    return value if value.__class__ is Fact else None


def _baseline(fact: Fact, scale: Scale, around: Surroundings, context: Context) -> Fact | None:
    here = context if context.it is fact else context.at(fact)
    found = _found(around.baseline, here)
    return found if found is not None and _usable(found, fact, scale, here) else None


def _usable(baseline: Fact, fact: Fact, scale: Scale, context: Context) -> bool:
    """Of the same analyte, and not too old when the treatment began."""
    clock = context.clock
    young = clock is not None and clock.day - baseline.day <= scale.window
    return young and baseline.topic == fact.topic and baseline.event.value is not None


def _needed(
    fact: Fact, setting: Setting, verdict: Verdict, scale: Scale, *, new: bool
) -> tuple[Cited, ...]:
    """What of the setting the least grade rests on."""
    cited: tuple[Cited, ...] = ()
    for name, role in _ROLES.items():
        found = getattr(setting, name)
        without = setting._replace(**{name: None})
        if found is not None and verdict_of(fact, scale, without, new=new) != verdict:
            cited += ((found, role),)
    return cited


_ROLES = {
    "baseline": Role.BASELINE,
    "symptom": Role.SUPPORT,
    "anticoagulant": Role.SUPPORT,
    "person": Role.SUPPORT,
}


def first_of(terms: list[Term]) -> Term:
    """The fact that the first of some terms gives, of the analyte of the fact in question."""

    def evaluate(context: Context) -> Fact | None:
        for term in terms:
            found = term.evaluate(context)
            if isinstance(found, Fact) and found.topic == context.it.topic:
                return found
        return None

    return Term("fact", terms[0].text if terms else "", evaluate)


# ---------------------------------------------------------------- verdicts


def verdict_of(fact: Fact, scale: Scale, setting: Setting, *, new: bool) -> Verdict:
    """Grade a result of a graded analyte; one in a unit that isn't its own has any grade."""
    if isinstance(fact.value, Unknown):
        return Verdict(0, WORST, fact.value.reason)
    if fact.event.value is None:
        return Verdict(0, WORST, "no numeric value")
    base = setting.baseline
    now = _graded(fact, scale, setting)
    if not new or base is None:
        return _worst([(one.at_least, one.at_most, one.reason) for one in now])
    # The baseline is its own baseline: nobody begins with a toxicity.
    before = _graded(base, scale, setting)
    return _worst([_newly(one, was) for one, was in zip(now, before, strict=True)])


def _newly(now: Graded, before: Graded) -> tuple[int, int, str | None]:
    """The grade, as far as it is worse than the one before treatment."""
    least = now.at_least if now.at_least > before.at_most else 0
    worst = now.at_most if now.at_most > before.at_least else 0
    return least, worst, now.reason or before.reason


def _worst(terms: list[tuple[int, int, str | None]]) -> Verdict:
    least = max((low for low, _, _ in terms), default=0)
    worst = max((high for _, high, _ in terms), default=0)
    reasons = (why for _, high, why in terms if why is not None and high > least)
    return Verdict(least, worst, next(reasons, None) if worst > least else None)


def _graded(fact: Fact, scale: Scale, setting: Setting) -> tuple[Graded, ...]:
    base, person = setting.baseline, setting.person
    told = None if person is None else person.event.sex
    return graded_by(
        Question(
            scale,
            fact.topic,
            lab_value(fact),
            None if base is None else lab_value(base),
            setting.symptom is not None,
            setting.anticoagulant is not None,
            FASTING in {fact.event.method, fact.event.specimen},
            told if told in {"female", "male"} else None,
        )
    )


def graded_analytes(scale: Scale) -> frozenset[str]:
    """The analytes for which a scale has limits in numbers."""
    if scale.table == DAIDS:
        return daids.graded_analytes()
    return ctcae.graded_analytes(scale.version)


def _table(scale: Scale) -> Table:
    return daids.table() if scale.table == DAIDS else ctcae.table()


def lab_value(fact: Fact) -> LabValue:
    """A result as it was reported: grades never convert from one unit to another."""
    event = fact.event
    said = event if event.form is None else event.form
    return LabValue(
        event.value, said.unit, said.comparator, said.reference_low, said.reference_high
    )


class Question(NamedTuple):
    """All that a grade may rest on, as the tables want it."""

    scale: Scale
    analyte: str
    result: LabValue
    baseline: LabValue | None
    symptomatic: bool
    anticoagulated: bool
    fasting: bool
    sex: Literal["female", "male"] | None


@lru_cache(maxsize=4096)  # a condition asks for the same grade several times
def graded_by(asked: Question) -> tuple[Graded, ...]:
    """One verdict for each term that the table has for the analyte."""
    if asked.scale.table == DAIDS:
        return daids.grade(
            asked.analyte,
            asked.result,
            sex=asked.sex,
            baseline=asked.baseline,
            anticoagulated=asked.anticoagulated,
            fasting=asked.fasting,
        )
    return ctcae.grade(
        asked.analyte,
        asked.result,
        version=asked.scale.version,
        baseline=asked.baseline,
        symptomatic=asked.symptomatic,
        anticoagulated=asked.anticoagulated,
        fasting=asked.fasting,
    )
