"""Strategies: the cases of the rules, told again with the mishaps of real traffic.

A case reaches what its rule is for; a mishap then happens to some of its messages. So whatever a
rule can say is met often, and every rule that comes with cases is met without another word here.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st

from schemas.events import EVENT, Observation, Phase, Status, Treatment
from services.detector.rulebook.facts import events_of, parameters_of
from services.detector.rulebook.runner import with_parameters
from support import packs
from support.telling import ONE, OTHER, TIMES, History, person

if TYPE_CHECKING:
    from datetime import time

    from schemas.events import ClinicalEvent

Versions = list["ClinicalEvent"]
"""All versions of one fact, in the order of their release."""

_DELAYS = (0, 1, 3, 8, 30, 100, 400)
_SHIFTS = (-30, -7, -1, 1, 7, 30, 90)


@cache
def cases() -> dict[str, tuple[tuple[ClinicalEvent, ...], ...]]:
    """What was sent in each of the cases, by the rule; of the rules that alert."""
    rules = {one.id: one for one in packs.rules() if one.kind != "function"}
    found: dict[str, list[tuple[ClinicalEvent, ...]]] = {}
    for case in packs.cases():
        spec = rules.get(case.rule)
        if spec is not None:
            asked = with_parameters(spec, parameters_of(case, spec), case.place)
            sent = tuple(event for _, event in events_of(case, asked))
            found.setdefault(spec.id, []).append(sent)
    return {rule: tuple(several) for rule, several in found.items()}


@st.composite
def retellings(
    draw: st.DrawFn, rule: str | None = None, *, people: bool = True, mishaps: int = 6
) -> History:
    """One or two cases of a rule, as one patient's history.

    Args:
        draw: given by Hypothesis.
        rule: whose cases; by default any rule's.
        people: whether people die, change their goals, and are merged.
        mishaps: how many at most.
    """
    told = cases()
    named = rule or draw(st.sampled_from(sorted(told)))
    facts = _facts(draw(st.sampled_from(told[named])), "")
    if draw(st.integers(0, 2)) == 2:
        more = draw(st.sampled_from(told[named]))
        course = draw(st.sampled_from(("", "-again")))
        facts += [
            _on(versions, draw(st.sampled_from((0, 1, 29, 180, 700))), course)
            for versions in _facts(more, "again-")
        ]
    for number in range(draw(st.integers(0, mishaps))):
        _happen(draw, facts, number, people=people)
    if people:
        for number in range(draw(st.sampled_from((0, 0, 0, 1, 1, 2)))):
            facts.append(_person(draw, facts, number))
    return History(named, tuple(version for versions in facts for version in versions))


def _facts(events: tuple[ClinicalEvent, ...], prefix: str) -> list[Versions]:
    by_id: dict[str, Versions] = {}
    for event in events:
        named = _changed(event, event_id=prefix + event.event_id, patient_id=ONE)
        by_id.setdefault(event.event_id, []).append(named)
    return list(by_id.values())


def _day(version: ClinicalEvent) -> date:
    """The day of a fact; of one that is dated to a month or a year, the first."""
    when = version.effective_at
    if isinstance(when, datetime):
        return when.date()
    return when if isinstance(when, date) else when.first


def _moved(version: ClinicalEvent, by: timedelta) -> date | datetime:
    when = version.effective_at
    return (when if isinstance(when, date) else when.first) + by


def _on(versions: Versions, days: int, course: str) -> Versions:
    """The same so many days later, and perhaps in another course of treatment."""
    by = timedelta(days=days)
    moved = []
    for version in versions:
        said: dict[str, Any] = {"effective_at": _moved(version, by)}
        said["issued_at"] = _released(version) + by
        if isinstance(version, Treatment):
            said["course_id"] = version.course_id + course
        moved.append(_changed(version, **said))
    return moved


def _changed(version: ClinicalEvent, **said: Any) -> ClinicalEvent:
    return version.model_copy(update=said)


def _released(version: ClinicalEvent) -> datetime:
    assert version.issued_at is not None, "every message here says when it was released"
    return version.issued_at


def _later(version: ClinicalEvent, days: int, **said: Any) -> ClinicalEvent:
    return _changed(version, issued_at=_released(version) + timedelta(days=days), **said)


# ---------------------------------------------------------------- what may happen


class _Fact(NamedTuple):
    """The fact to which something happens, and what chance has to say about it."""

    draw: st.DrawFn
    facts: list[Versions]
    versions: Versions
    days: int
    number: int

    def like(self, version: ClinicalEvent) -> ClinicalEvent:
        """The same fact, with the content of another one of its kind, and perhaps its day."""
        kin = [v for versions in self.facts for v in versions if _kind(v) == _kind(version)]
        same = {n: getattr(version, n) for n in ("event_id", "source", "patient_id", "issued_at")}
        other = self.draw(st.sampled_from(kin))
        if self.draw(st.booleans()):
            same["effective_at"] = version.effective_at
        return _changed(other, **same)

    def and_then(self, status: Status, **said: Any) -> Versions:
        """One more version."""
        return [*self.versions, _later(self.versions[-1], self.days, status=status, **said)]


def _kind(version: ClinicalEvent) -> object:
    if isinstance(version, Observation):
        return version.analyte or version.code
    return type(version)


def _lost(fact: _Fact) -> list[Versions]:
    return [] if len(fact.facts) > 1 else [fact.versions]


def _late(fact: _Fact) -> list[Versions]:
    return [[_later(version, fact.days) for version in fact.versions]]


def _ahead_of_its_time(fact: _Fact) -> list[Versions]:
    """It is known before its day, as what is planned, or dated by a slip of the pen."""
    return [[_later(version, -fact.days) for version in fact.versions]]


def _planned(fact: _Fact) -> list[Versions]:
    """A step of treatment was planned long before; of anything else, it was known ahead."""
    first = fact.versions[0]
    if not isinstance(first, Treatment):
        return _ahead_of_its_time(fact)
    by = timedelta(days=fact.days)
    said = {"event_id": f"plan-{fact.number}", "phase": Phase.PLANNED}
    plan = _changed(first, effective_at=_moved(first, by), **said)
    return [fact.versions, [plan]]


def _of_another_day(fact: _Fact) -> list[Versions]:
    by = timedelta(days=fact.draw(st.sampled_from(_SHIFTS)))
    return [[_changed(v, effective_at=_moved(v, by)) for v in fact.versions]]


def _with_another_hour(fact: _Fact) -> list[Versions]:
    hour = fact.draw(st.sampled_from(TIMES))
    return [[_changed(v, effective_at=_at(v, hour)) for v in fact.versions]]


def _at(version: ClinicalEvent, hour: time | None) -> date | datetime:
    day = _day(version)
    return day if hour is None else datetime.combine(day, hour)


def _preliminary_first(fact: _Fact) -> list[Versions]:
    first = fact.like(fact.versions[0])
    return [[_later(first, -fact.days, status=Status.PRELIMINARY), *fact.versions]]


def _never_final(fact: _Fact) -> list[Versions]:
    return [[_changed(version, status=Status.PRELIMINARY) for version in fact.versions]]


def _corrected(fact: _Fact) -> list[Versions]:
    other = fact.like(fact.versions[-1])
    return [[*fact.versions, _later(other, fact.days, status=Status.CORRECTED)]]


def _corrected_and_back(fact: _Fact) -> list[Versions]:
    back = _later(fact.versions[-1], 2 * fact.days, status=Status.CORRECTED)
    return [[*_corrected(fact)[0], back]]


def _an_error(fact: _Fact) -> list[Versions]:
    gone = (Status.CANCELLED, Status.ENTERED_IN_ERROR)
    return [fact.and_then(fact.draw(st.sampled_from(gone)))]


def _an_error_and_back(fact: _Fact) -> list[Versions]:
    back = _later(fact.versions[-1], 2 * fact.days, status=Status.CORRECTED)
    return [[*fact.and_then(Status.ENTERED_IN_ERROR), back]]


def _again(fact: _Fact) -> list[Versions]:
    copy = _changed(fact.like(fact.versions[-1]), event_id=f"copy-{fact.number}")
    return [fact.versions, _on([copy], fact.draw(st.sampled_from((0, *_SHIFTS))), "")]


def _of_a_stranger(fact: _Fact) -> list[Versions]:
    return [fact.and_then(Status.CORRECTED, patient_id=OTHER)]


def _first_of_a_stranger(fact: _Fact) -> list[Versions]:
    return [[_later(fact.versions[0], -fact.days, patient_id=OTHER), *fact.versions]]


_MISHAPS = (
    *(_lost, _late, _of_another_day, _with_another_hour, _again, _ahead_of_its_time, _planned),
    *(_preliminary_first, _never_final, _corrected, _corrected_and_back),
    *(_an_error, _an_error_and_back),
)
_BETWEEN_PEOPLE = (_of_a_stranger, _first_of_a_stranger)


def _happen(draw: st.DrawFn, facts: list[Versions], number: int, *, people: bool) -> None:
    """One mishap to one fact."""
    place = draw(st.integers(0, len(facts) - 1))
    fact = _Fact(draw, facts, facts[place], draw(st.sampled_from(_DELAYS)), number)
    mishap = draw(st.sampled_from((*_MISHAPS, *_BETWEEN_PEOPLE) if people else _MISHAPS))
    facts[place : place + 1] = mishap(fact)


# ---------------------------------------------------------------- the person


def _person(draw: st.DrawFn, facts: list[Versions], number: int) -> Versions:
    """Something about the person, some time in the story; sometimes it was an error."""
    told = [version for versions in facts for version in versions]
    base = draw(st.sampled_from(told))
    days = draw(st.sampled_from(_DELAYS))
    day = (_day(base) + timedelta(days=days)).isoformat()
    fields, other = person(draw, day)
    common = {
        "event_id": f"person-{number}",
        "patient_id": draw(st.sampled_from((ONE, ONE, OTHER))),
        "source": "EHR",
        "effective_at": day,
        "issued_at": (_released(base) + timedelta(days=days)).isoformat(),
    }
    first: ClinicalEvent = EVENT.validate_python({**fields, **common})
    second: ClinicalEvent = EVENT.validate_python({**other, **common})
    wrong = _later(first, days, status=Status.ENTERED_IN_ERROR)
    corrected = _later(second, days, status=Status.CORRECTED)
    back = _later(first, 2 * days, status=Status.CORRECTED)
    following = draw(st.sampled_from(((), (), (wrong,), (corrected,), (wrong, back))))
    return [first, *following]
