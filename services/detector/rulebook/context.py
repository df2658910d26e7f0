"""What the `ctx` of a case says, as facts: anchors, and what was known before them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from schemas.partial import PartialDate
from schemas.terminology.analytes import analyte
from services.detector.language.errors import RuleError, unknown
from services.detector.rulebook import deliveries, infections, toxicities, vocabulary
from services.detector.rulebook.drafts import (
    Draft,
    Frame,
    day_of,
    draft,
    effective_of,
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
        yield told if "event_id" in told.fields else told.named(f"context-{number}")


def unsaid_start(case: Case, rule: Rule, told: list[Draft]) -> Iterator[Draft]:
    """The start of the course, where the rule needs one and the case leaves it out.

    A case about what follows the last dose need not say when the first was given.
    """
    if not rule.per_course or _begins_later(case):
        return
    own = [d for d in told if _is_own(rule, d)]
    phases = {d.fields["phase"] for d in own}
    if own and (rule.clock is None or phases & {*rule.clock[1:]}):
        return
    day = _begun(case, [day_of(d.fields["effective_at"]) for d in own])
    yield treatment(rule, Step("started"), Frame(day, day, {}, case.place)).named("context-start")


def _begins_later(case: Case) -> bool:
    """Whether the case is about a later line, told by that alone, or about no treatment at all."""
    told = {str(written.says.get("event")) for written in case.facts}
    return bool({"asct", "untreated"} & case.context.keys()) or "salvage_cycle" in told


def _begun(case: Case, steps: list[date]) -> date:
    """The day on which a course began of which other steps are told, or none."""
    if not steps:
        return first_day(case)
    if any("t" in written.says for written in case.facts) and first_day(case) < min(steps):
        return first_day(case) - DAY  # what is told first happened on this treatment
    return min(steps)


def _is_own(rule: Rule, told: Draft) -> bool:
    fields = told.fields
    if fields["type"] != "treatment" or fields["line"] != 1:
        return False
    return not rule.modalities or fields["modality"] in rule.modalities


def first_day(case: Case) -> date:
    """The day of the first fact in order of writing."""
    if not case.facts and "end" in case.context:
        return day_of(time_of(case.context["end"], case.place))
    for written in case.facts:
        if "t" in written.says:
            return day_of(effective_of(written.says["t"], written.place))
    raise RuleError(case.place, "nothing in the case has a date")


def _refuse_unknown_words(case: Case, rule: Rule) -> None:
    for key, value in case.context.items():
        known = vocabulary.DESCRIBING | vocabulary.ATTENDANT | infections.CONTEXT
        known |= toxicities.CONTEXT | deliveries.CONTEXT
        if key in vocabulary.ANCHORS or key in known:
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
            when = effective_of(says[key], case.place)
            start = when.first if isinstance(when, PartialDate) else when
            yield treatment(rule, step, replace(_frame(case, start), effective=when))
    if start is None and {"drug", "untreated"} & says.keys():
        start = first_day(case)
        yield _since_the_first_fact(case, rule, start)
    if "vf_fired" in says:
        yield from _failure(case, rule)
    if "base" in says:
        if start is None:
            start = first_day(case) - DAY
            yield treatment(rule, Step("started"), _frame(case, start))
        yield from _baselines(case, _baseline_day(case, start))
    if "measurable" in says:
        yield from _not_measurable(case, _frame(case, start or first_day(case)))
    if vocabulary.ATTENDANT & says.keys():
        yield from _attendant(case, rule, start or first_day(case))
    yield from _known_before(case, start)
    yield from _of_infection(case, start)
    yield from _of_toxicity(case)
    yield from deliveries.told_before(case, rule)
    if "sex" in says:
        sex = vocabulary.SEXES.get(str(says["sex"]))
        yield draft("patient", _frame(case, start or first_day(case)), {"sex": sex})


def _of_infection(case: Case, start: date | datetime | None) -> Iterator[Draft]:
    if infections.speaks(case):
        yield from infections.told_before(case, start or first_day(case))


def _of_toxicity(case: Case) -> Iterator[Draft]:
    if not toxicities.CONTEXT.isdisjoint(case.context):
        yield from toxicities.told_before(case, first_day(case))


def _failure(case: Case, rule: Rule) -> Iterator[Draft]:
    """Virological failure by all definitions, known on a day: a year of therapy, two high loads."""
    fired = time_of(case.context["vf_fired"], case.place)
    start = fired - 365 * DAY
    yield treatment(rule, Step("started"), Frame(start, start, {}, case.place))
    for day, name in ((fired - 100 * DAY, "first"), (fired, "second")):
        frame = Frame(day, day, {"unit": "{copies}/mL"}, case.place)
        yield observation("hiv_rna", "5000", frame).named(f"context-{name}")
    if "vf_retracted" in case.context:
        known = time_of(case.context["vf_retracted"], case.place)
        says = {"unit": "{copies}/mL", "status": "entered-in-error"}
        frame = Frame(fired, known, says, case.place)
        yield observation("hiv_rna", "5000", frame).named("context-second")


def regimen_of_intensity(case: Case) -> str | None:
    """A regimen of the intensity that a case names, if it does."""
    intensity = case.context.get("intensity")
    if intensity is None:
        return None
    if str(intensity) not in vocabulary.INTENSITIES:
        raise RuleError(case.place, *unknown("intensity", str(intensity), vocabulary.INTENSITIES))
    return vocabulary.INTENSITIES[str(intensity)]


def _frame(case: Case, day: date | datetime) -> Frame:
    says = case.context
    drug = says.get("drug", regimen_of_intensity(case))
    followed = infections.regimen_of_follow_up(case)
    about = {
        "regimen": says.get("regimen", says.get("modality", drug or followed)),
        "class": says.get("class", says.get("drug")),
    }
    return Frame(day, day, {k: v for k, v in about.items() if v is not None}, case.place)


def _since_the_first_fact(case: Case, rule: Rule, start: date | datetime) -> Draft:
    """A course of which only the drug is told, or only that there is none: watch and wait."""
    modality = "observation" if "untreated" in case.context else None
    return treatment(rule, Step("started", modality), _frame(case, start))


def _known_before(case: Case, start: date | datetime | None) -> Iterator[Draft]:
    """Findings from the start on."""
    for key in sorted(vocabulary.KNOWN_BEFORE.keys() & case.context.keys()):
        name = vocabulary.KNOWN_BEFORE[key]
        word = case.context[key] if name is None else "increased"
        yield observation(name or key, word, _frame(case, start or first_day(case)))


def _baseline_day(case: Case, start: date | datetime) -> date | datetime:
    """The day before the start, unless the case names another."""
    named = case.context.get("base_t")
    return start - DAY if named is None else time_of(named, case.place)


def _baselines(case: Case, day: date | datetime) -> Iterator[Draft]:
    """Results from before the treatment, in the unit of the result that is judged."""
    base, (judged, unit) = case.context["base"], _first_result(case)
    judged = toxicities.BASELINES.get(judged, judged)
    values = base if isinstance(base, dict) else {judged: base}
    if judged in toxicities.CUSTOMARY_BASELINES:
        unit = None
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
