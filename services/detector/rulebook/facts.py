"""A case becomes canonical events: the same messages that a hospital would have sent."""

from __future__ import annotations

from datetime import date, datetime, timedelta
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
from services.detector.language.errors import RuleError
from services.detector.rulebook import vocabulary
from services.detector.rulebook.context import context_of, unsaid_start
from services.detector.rulebook.drafts import (
    Draft,
    Fields,
    Frame,
    draft,
    imaging,
    observation,
    time_of,
    treatment,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from services.detector.language.spec import Rule
    from services.detector.rulebook.cases import Case, Plain, Written

Event = Observation | ImagingReport | AdverseEvent | Treatment | Patient
SECOND = timedelta(seconds=1)


def events_of(case: Case, rule: Rule) -> list[tuple[datetime, Event]]:
    """The events of a case, each with the moment of its receipt, in the order of receipt.

    Receipts of one moment are a second apart, context first, then in the order of writing.
    `issued_at` is the receipt. Facts of `obs` have the ids `fact-1`, `fact-2`, … by line.

    Args:
        case: the story.
        rule: the rule that it is told to; gives condition and modality of the treatment.

    Raises:
        RuleError: the case uses a word or a value that has no meaning.
    """
    told = [*context_of(case, rule), *_Happenings(case, rule).drafts()]
    told += unsaid_start(case, rule, told)
    return [(each.received, _event(each)) for each in _in_order(told)]


def parameters_of(case: Case, rule: Rule) -> dict[str, Plain]:
    """The parameters of the rule that a case replaces: its `params`, and some of its `ctx`."""
    found = dict(case.params)
    for key, value in case.context.items():
        name = vocabulary.PARAMETERS.get(key, key)
        if key not in vocabulary.DESCRIBING and rule.parameter(name) is not None:
            found[name] = value
    return found


def _in_order(told: Iterable[Draft]) -> Iterator[Draft]:
    by_receipt = sorted(told, key=lambda each: each.received)
    for moment, together in groupby(by_receipt, key=lambda each: each.received):
        for position, each in enumerate(together):
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
        self._by_name: dict[str, Fields] = {}

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
        received = time_of(says["rx"], written.place) if "rx" in says else effective
        return Frame(effective, received, says, written.place, before)

    def _effective(self, written: Written, before: Fields | None) -> date | datetime:
        """A correction keeps the collection date of what it corrects, unless it gives one."""
        if "t" in written.says:
            return time_of(written.says["t"], written.place)
        if before is None:
            raise RuleError(written.place, "a fact without a date", "`t`, or `corrects`")
        effective: date | datetime = before["effective_at"]
        return effective

    def _before(self, written: Written) -> Fields | None:
        name = written.says.get("corrects")
        if name is not None and name not in self._by_name:
            raise RuleError(written.place, "`corrects` names no earlier `id`")
        return self._by_name.get(str(name))

    def _remembered(self, told: Draft, frame: Frame) -> Draft:
        if frame.before is not None:
            told = told.named(frame.before["event_id"])
        name = frame.says.get("id", frame.says.get("corrects"))
        if isinstance(name, str):
            self._by_name[name] = told.fields
        return told

    def _told(self, frame: Frame) -> Iterator[Draft]:
        says = frame.says
        if "event" in says:
            yield self._happening(frame)
        if vocabulary.OF_IMAGING & says.keys():
            yield imaging(frame)
        for name in says:
            if name not in vocabulary.KEYS:
                yield observation(name, says[name], frame, self._case.context)

    def _happening(self, frame: Frame) -> Draft:
        word = str(frame.says["event"])
        if word in vocabulary.STEPS:
            return treatment(self._rule, vocabulary.STEPS[word], frame)
        if word == "pet_done":
            return draft("imaging_report", frame, {"modality": "PT"})
        if word == "death":
            return draft("patient", frame, {"deceased_at": frame.effective})
        if word == "comfort_only":
            return draft("patient", frame, {"goals_of_care": "comfort-only"})
        raise RuleError(frame.place, f"`event: {word}` means nothing")


def _withdrawal(frame: Frame) -> Iterator[Draft]:
    """A version that only takes the fact away."""
    if frame.before is not None and Status(frame.status).withdraws:
        kept = {k: v for k, v in frame.before.items() if k not in {"effective_at", "status"}}
        yield draft(kept["type"], frame, kept)
