"""What the `ctx` of a case says, as facts: anchors, and what was known before them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from schemas.terminology.analytes import analyte
from services.detector.language.errors import RuleError
from services.detector.rulebook import vocabulary
from services.detector.rulebook.drafts import (
    Draft,
    Frame,
    day_of,
    draft,
    observation,
    time_of,
    treatment,
)
from services.detector.rulebook.vocabulary import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.detector.language.spec import Rule
    from services.detector.rulebook.cases import Case, Plain

DAY = timedelta(days=1)


def context_of(case: Case, rule: Rule) -> Iterator[Draft]:
    """The facts of `ctx`.

    Raises:
        RuleError: a word that has no meaning for this rule.
    """
    _refuse_unknown_words(case, rule)
    for number, told in enumerate(_told(case, rule), 1):
        yield told.named(f"context-{number}")


def unsaid_start(case: Case, rule: Rule, told: list[Draft]) -> Iterator[Draft]:
    """The start of the course, where the rule needs one and the case leaves it out.

    A case about what follows the last dose need not say when the first was given.
    """
    if not rule.per_course:
        return
    own = [d for d in told if _is_own(rule, d)]
    phases = {d.fields["phase"] for d in own}
    if own and (rule.clock is None or phases & {*rule.clock[1:]}):
        return
    day = min([day_of(d.fields["effective_at"]) for d in own] or [first_day(case)])
    yield treatment(rule, Step("started"), Frame(day, day, {}, case.place)).named("context-start")


def _is_own(rule: Rule, told: Draft) -> bool:
    fields = told.fields
    if fields["type"] != "treatment" or fields["line"] != 1:
        return False
    return not rule.modalities or fields["modality"] in rule.modalities


def first_day(case: Case) -> date:
    """The day of the first fact in order of writing."""
    for written in case.facts:
        if "t" in written.says:
            return day_of(time_of(written.says["t"], written.place))
    raise RuleError(case.place, "nothing in the case has a date")


def _refuse_unknown_words(case: Case, rule: Rule) -> None:
    for key, value in case.context.items():
        if key in vocabulary.ANCHORS or key in vocabulary.DESCRIBING | vocabulary.ATTENDANT:
            continue
        if rule.parameter(vocabulary.PARAMETERS.get(key, key)) is not None:
            continue
        if key == "profile" and value == vocabulary.PUBLISHED_PROFILES.get(rule.id):
            continue
        raise RuleError(case.place, f"ctx: `{key}` means nothing to {rule.id}")


def _told(case: Case, rule: Rule) -> Iterator[Draft]:
    says, start = case.context, None
    for key, step in vocabulary.ANCHORS.items():
        if key in says:
            start = time_of(says[key], case.place)
            yield treatment(rule, step, _frame(case, start))
    if "base" in says:
        if start is None:
            start = first_day(case) - DAY
            yield treatment(rule, Step("started"), _frame(case, start))
        yield from _baselines(case, start - DAY)
    if "measurable" in says:
        yield from _not_measurable(case, _frame(case, start or first_day(case)))
    if vocabulary.ATTENDANT & says.keys():
        yield from _attendant(case, rule, start or first_day(case))
    if "sex" in says:
        sex = vocabulary.SEXES.get(str(says["sex"]))
        yield draft("patient", _frame(case, start or first_day(case)), {"sex": sex})


def _frame(case: Case, day: date | datetime) -> Frame:
    says = case.context
    about = {"regimen": says.get("regimen", says.get("modality")), "class": says.get("class")}
    return Frame(day, day, {k: v for k, v in about.items() if v is not None}, case.place)


def _baselines(case: Case, day: date | datetime) -> Iterator[Draft]:
    """Results from before the treatment, in the unit of the result that is judged."""
    base, (judged, unit) = case.context["base"], _first_result(case)
    values = base if isinstance(base, dict) else {judged: base}
    for name, value in values.items():
        says = {"unit": unit} if name == judged and unit is not None else {}
        yield observation(name, value, Frame(day, day, says, case.place), case.context)


def _first_result(case: Case) -> tuple[str, Plain]:
    for written in case.facts:
        for name in written.says:
            if analyte(name) is not None:
                return name, written.says.get("unit")
    raise RuleError(case.place, "ctx: `base` of what? the case has no result")


def _attendant(case: Case, rule: Rule, start: date | datetime) -> Iterator[Draft]:
    """Symptoms and drugs that go with a result, where they are facts and no parameters."""
    for key in sorted(vocabulary.ATTENDANT & case.context.keys()):
        if case.context[key] not in {"true", "false"}:
            raise RuleError(case.place, f"ctx: `{key}` is not a truth value", "true or false")
        if case.context[key] == "false" or rule.parameter(key) is not None:
            continue
        if key == "anticoagulant":
            frame = Frame(start, start, {"class": "anticoagulant"}, case.place)
            yield treatment(rule, Step("started", "anticoagulation"), frame)
        else:
            yield _symptoms(case)


def _symptoms(case: Case) -> Draft:
    """An adverse event on the day of the result: someone saw a patient, not only a number."""
    name, _ = _first_result(case)
    known, day = analyte(name), first_day(case)
    if known is None or known.key not in vocabulary.SYMPTOMATIC:
        raise RuleError(case.place, f"ctx: no symptoms are known of `{name}`")
    # The grader links an adverse event to a value by what it was put down to.
    fields = {"term": vocabulary.SYMPTOMATIC[known.key], "suspected": known.key}
    return draft("adverse_event", Frame(day, day, {}, case.place), fields)


def _not_measurable(case: Case, frame: Frame) -> Iterator[Draft]:
    """Light-chain disease: neither serum nor urine shows an M-protein at the start."""
    if case.context["measurable"] != "flc":
        raise RuleError(case.place, "ctx: `measurable`", "flc")
    for name in ("mspike", "umprot"):
        yield observation(name, "0", frame)
