"""A case becomes canonical events: the same messages that a hospital would have sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from pydantic import ValidationError

from schemas.base import describe
from schemas.events import (
    EVENT,
    AdverseEvent,
    ImagingReport,
    Observation,
    Patient,
    Status,
    Treatment,
)
from schemas.partial import Effective, PartialDate
from schemas.terminology.analytes import analyte
from services.detector.language.errors import RuleError, unknown
from services.detector.rulebook import deliveries, infections, scans, toxicities, vocabulary
from services.detector.rulebook.context import context_of, regimen_of_intensity, unsaid_start
from services.detector.rulebook.drafts import (
    Draft,
    Fields,
    Frame,
    draft,
    effective_of,
    lugano,
    observation,
    time_of,
    treatment,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from services.detector.language.spec import Rule
    from services.detector.rulebook.cases import Case, Plain, Written

Event = Observation | ImagingReport | AdverseEvent | Treatment | Patient
SECOND = timedelta(seconds=1)


def events_of(case: Case, rule: Rule) -> list[tuple[datetime, Event]]:
    """The events of a case, each with the moment of its receipt, in the order of receipt.

    Receipts of one moment are a second apart, context first, then in the order of writing; what one
    line tells comes in one message.
    `issued_at` is the receipt. Facts of `obs` have the ids `fact-1`, `fact-2`, … by line.

    Args:
        case: the story.
        rule: the rule that it is told to; gives condition and modality of the treatment.

    Raises:
        RuleError: the case uses a word or a value that has no meaning.
    """
    rule = _of_disease(case, rule)
    told = [*context_of(case, rule), *_Happenings(case, rule).drafts()]
    told += unsaid_start(case, rule, told)
    return [(each.received, _event(each)) for each in _in_order(told)]


def _of_disease(case: Case, rule: Rule) -> Rule:
    """The rule as it is asked of the disease that a case names; of several its first, else."""
    disease = case.context.get("disease")
    if disease is None:
        return rule
    if disease not in vocabulary.DISEASES:
        raise RuleError(case.place, *unknown("disease", str(disease), vocabulary.DISEASES))
    return replace(rule, conditions=(vocabulary.DISEASES[str(disease)],))


def parameters_of(case: Case, rule: Rule) -> dict[str, Plain]:
    """The parameters of the rule that a case replaces: its `params`, and some of its `ctx`."""
    found = dict(_single(case.params))
    for key, value in case.context.items():
        name = vocabulary.PARAMETERS.get(key, key)
        if key not in vocabulary.DESCRIBING and rule.parameter(name) is not None:
            found[name] = value
    return found


def _single(params: Mapping[str, Plain]) -> Iterator[tuple[str, Plain]]:
    """`uln: {afp: 10}` is the parameter `uln_afp`."""
    for name, value in params.items():
        if isinstance(value, dict):
            yield from ((f"{name}_{part}", one) for part, one in value.items())
        else:
            yield name, value


def _in_order(told: Iterable[Draft]) -> Iterator[Draft]:
    by_receipt = sorted(told, key=lambda each: each.received)
    for moment, together in groupby(by_receipt, key=lambda each: each.received):
        for position, (_, line) in enumerate(groupby(together, key=lambda each: each.place)):
            for each in line:
                yield each.issued(moment + position * SECOND)


def _event(told: Draft) -> Event:
    try:
        return EVENT.validate_python(told.fields)
    except ValidationError as error:
        raise RuleError(told.place, describe(error)) from None


class _Happenings:
    """What `obs` says: new facts, and new versions of earlier ones."""

    def __init__(self, case: Case, rule: Rule) -> None:
        self._case = case
        self._rule = rule
        self._by_name: dict[str, dict[str, Fields]] = {}  # by what each part is about

    def drafts(self) -> Iterator[Draft]:
        """The facts, numbered by line; a line may hold several."""
        for number, written in enumerate(self._case.facts, 1):
            frame = self._frame(written)
            told = list(self._told(frame)) or list(_withdrawal(frame))
            if not told:
                raise RuleError(written.place, "a line that says nothing", "a result or an event")
            for part, each in enumerate(told):
                event_id = f"fact-{number}" + (f"-{part + 1}" if part else "")
                yield self._remembered(each.named(event_id), frame)

    def _frame(self, written: Written) -> Frame:
        says, before = written.says, self._before(written)
        effective = self._effective(written, before)
        if before is not None and "rx" not in says:
            raise RuleError(written.place, "a correction without its receipt", "`rx`")
        if "rx" in says:
            received = time_of(says["rx"], written.place)
        elif isinstance(effective, PartialDate):
            raise RuleError(written.place, "a month is no day of receipt", "`rx`")
        else:
            received = effective
        earlier = None if before is None else [*before.values()][-1]
        return Frame(effective, received, says, written.place, earlier)

    def _effective(self, written: Written, before: dict[str, Fields] | None) -> Effective:
        """A correction keeps the collection date of what it corrects, unless it gives one."""
        if "t" in written.says:
            return effective_of(written.says["t"], written.place)
        if before is None:
            raise RuleError(written.place, "a fact without a date", "`t`, or `corrects`")
        effective: Effective = next(iter(before.values()))["effective_at"]
        return effective

    def _before(self, written: Written) -> dict[str, Fields] | None:
        name = written.says.get("corrects")
        if name is not None and name not in self._by_name:
            raise RuleError(written.place, "`corrects` names no earlier `id`")
        return self._by_name.get(str(name))

    def _remembered(self, told: Draft, frame: Frame) -> Draft:
        before = self._part(frame, _about(told.fields))
        if before is not None:
            told = told.named(before["event_id"])
        name = frame.says.get("id", frame.says.get("corrects"))
        if isinstance(name, str):
            self._by_name.setdefault(name, {})[_about(told.fields)] = told.fields
        return told

    def _part(self, frame: Frame, about: str) -> Fields | None:
        """What a line corrects: of several results of one line the one of this analyte."""
        parts = self._by_name.get(str(frame.says.get("corrects")), {})
        return frame.before if len(parts) < 2 else parts.get(about)  # noqa: PLR2004  # several

    def _told(self, frame: Frame) -> Iterator[Draft]:
        says = frame.says
        if "event" in says:
            yield self._happening(frame)
        if vocabulary.OF_LUGANO & says.keys():
            yield lugano(frame)
        elif "bone" in says:
            yield scans.bone_scan(frame)
        elif vocabulary.OF_CT & says.keys():
            yield scans.ct(frame, self._rule)
        given = "event" in says or (frame.before or {}).get("type") == "treatment"
        words = vocabulary.KEYS if given else vocabulary.KEYS - vocabulary.OF_DELIVERY
        for name in infections.bedside_first(says):
            if name not in words:  # `mg` is a dose where something is given, else magnesium
                yield from self._results(name, says[name], frame)

    def _results(self, name: str, value: Plain, frame: Frame) -> Iterator[Draft]:
        """One result; or several of one day, or one on the day of a dose."""
        if name in infections.RESULTS:
            yield from infections.results(name, value, frame)
            return
        if name in vocabulary.ON_COURSE_DAY:
            if frame.before is None:
                yield treatment(self._rule, vocabulary.STEPS["dose"], frame)
            name = vocabulary.ON_COURSE_DAY[name]
        renamed = vocabulary.TOGETHER.get(name)
        if renamed is not None and isinstance(value, dict):
            for part, result in value.items():
                yield self._result(renamed.get(part, part), result, frame)
        else:
            yield self._result(name, value, frame)

    def _result(self, name: str, value: Plain, frame: Frame) -> Draft:
        known = analyte(name)
        before = self._part(frame, name if known is None else known.key)
        return observation(name, value, replace(frame, before=before), self._case.context)

    def _happening(self, frame: Frame) -> Draft:
        word = str(frame.says["event"])
        if word in vocabulary.STEPS:
            step, regimen = vocabulary.STEPS[word], regimen_of_intensity(self._case)
            if regimen is not None and step.line == 1:
                frame = replace(frame, says={"regimen": regimen, **frame.says})
            return treatment(self._rule, step, frame)
        if word in vocabulary.FINDINGS:
            return observation(*vocabulary.FINDINGS[word], frame)
        if word in {"ae", "sx"}:
            return toxicities.adverse_event(frame)
        if word in deliveries.WORDS:
            return deliveries.happening(word, frame, self._rule)
        if word in infections.ACID_SUPPRESSION:
            return infections.acid_suppression(word, frame)
        if word == "pet_done" or word in vocabulary.NEW_LESIONS:
            return _scanned(word, frame)
        return _of_the_person(word, frame)


def _scanned(word: str, frame: Frame) -> Draft:
    if word == "pet_done":
        return draft("imaging_report", frame, {"modality": "PT"})
    new = {"modality": "CT", "new_lesions": ("unequivocal",)}
    return draft("imaging_report", frame, new)


def _of_the_person(word: str, frame: Frame) -> Draft:
    if word == "death":
        return draft("patient", frame, {"deceased_at": frame.effective})
    if word == "comfort_only":
        return draft("patient", frame, {"goals_of_care": "comfort-only"})
    raise RuleError(frame.place, f"`event: {word}` means nothing")


def _about(fields: Fields) -> str:
    """The analyte of a result, the type of anything else."""
    return str(fields.get("analyte") or fields["type"])


def _withdrawal(frame: Frame) -> Iterator[Draft]:
    """A version that only takes the fact away."""
    if frame.before is not None and Status(frame.status).withdraws:
        kept = {k: v for k, v in frame.before.items() if k not in {"effective_at", "status"}}
        yield draft(kept["type"], frame, kept)
