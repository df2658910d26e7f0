"""Two journals beside each other: what is one finding, and in what its two tellings differ."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.small_rules import lab, person, small_rule

from schemas.alerts import Severity, State
from schemas.events import EVENT
from services.detector.adapters.review import Aspect, Difference, Episode, Kind, Said, compare
from services.detector.adapters.review_run import BATCH, Sides, batches, by_patient, review
from services.detector.language.compiler import compile_rule

if TYPE_CHECKING:
    from schemas.events import ClinicalEvent
    from services.detector.engine.rule import CompiledRule

DAY_0 = datetime(2024, 3, 1, 12, tzinfo=UTC)
S, C, R = State.SUSPECTED, State.CONFIRMED, State.RETRACTED


def said(day: int, state: State, **other: Any) -> Said:
    empty = (None,) * 4
    severity, evidence = Severity.URGENT, frozenset({("a", "trigger")})
    plain = Said(
        *(DAY_0 + timedelta(days=day), state, *empty, severity, None),
        *(evidence, None, False, None, None),
    )
    return plain._replace(**other)


def episode(*entries: Said, number: int = 1, alert: str = "alert") -> Episode:
    return Episode(alert, "HOSP|1", "RULE", "rise", number, entries)


def only(old: list[Episode], new: list[Episode]) -> Difference:
    (found,) = compare(old, new)
    assert isinstance(found, Difference)
    return found


def test_the_same_is_no_difference() -> None:
    one = episode(said(0, S), said(30, C))
    assert list(compare([one], [one])) == [(one, one)]


@pytest.mark.parametrize(
    ("entries", "aspect"),
    [
        ((said(0, S), said(31, C)), Aspect.TIME),
        ((said(0, S),), Aspect.STATES),
        ((said(0, S), said(30, C, tag="early")), Aspect.FINDING),
        ((said(0, S), said(30, C, onset=date(2024, 2, 1))), Aspect.FINDING),
        ((said(0, S), said(30, C, severity=Severity.CRITICAL)), Aspect.SEVERITY),
        ((said(0, S), said(30, C, evidence=frozenset())), Aspect.EVIDENCE),
        ((said(0, S), said(30, C, act_by=date(2024, 6, 1))), Aspect.DEADLINE),
        ((said(0, S), said(9, S), said(30, C)), Aspect.REPETITION),
    ],
)
def test_each_aspect_is_seen_alone(entries: tuple[Said, ...], aspect: Aspect) -> None:
    found = only([episode(said(0, S), said(30, C))], [episode(*entries)])
    assert found.aspects == (aspect,)
    assert found.kind is (Kind.MOVED if aspect is Aspect.TIME else Kind.CHANGED)


def test_a_finding_that_is_told_while_the_other_is_open_has_moved() -> None:
    found = only([episode(said(0, C))], [episode(said(90, C))])
    assert (found.kind, found.shift_days) == (Kind.MOVED, 90)
    assert only([episode(said(90, C))], [episode(said(0, C))]).shift_days == -90


def test_a_finding_after_the_other_was_over_is_another() -> None:
    old, new = episode(said(0, C), said(20, R)), episode(said(21, C))
    assert list(compare([old], [new])) == [
        Difference(Kind.REMOVED, old, None),
        Difference(Kind.ADDED, None, new),
    ]


def test_of_several_episodes_each_meets_its_own() -> None:
    first, second = episode(said(0, C), said(20, R)), episode(said(100, C), number=2)
    alone = replace(second, number=1)
    assert list(compare([first, second], [alone])) == [
        Difference(Kind.REMOVED, first, None),
        (second, alone),
    ]


def test_alerts_do_not_meet_each_other() -> None:
    one, other = episode(said(0, C)), episode(said(0, C), alert="other")
    assert list(compare([one], [other])) == [
        Difference(Kind.REMOVED, one, None),
        Difference(Kind.ADDED, None, other),
    ]


# ---------------------------------------------------------------- archives


def rise(limit: int, title: str = "A small rule") -> CompiledRule:
    text = f"- {{name: rise, each: psa, confirmed: psa > {limit} ng/mL}}"
    return compile_rule(replace(small_rule("psa: {analyte: psa}", text), title=title))


def archive(patients: int) -> list[ClinicalEvent]:
    found = [
        lab("psa", f"2024-0{month}-01", str(month), "ng/mL", patient_id=f"HOSP|{number}")
        for number in range(patients)
        for month in range(1, 8)
    ]
    return [EVENT.validate_python(one) for one in found]


def test_worker_processes_say_what_one_process_says() -> None:
    events, sides = archive(2 * BATCH // 7 + 2), Sides.of((rise(3),), (rise(5),))
    seen: list[tuple[int, int]] = []
    alone = review(events, sides, jobs=1)
    several = review(events, sides, jobs=2, progress=lambda *done: seen.append(done))
    assert several == alone
    assert len(alone.differences) == several.patients == 2 * BATCH // 7 + 2
    assert {one.shift_days for one in alone.differences} == {61}  # 1 April to 1 June
    assert len(seen) > 1
    assert seen[-1] == (several.patients, several.patients)


def test_what_says_the_same_is_not_run() -> None:
    sides = Sides.of((rise(3), rise(5)), (rise(5), rise(4, "Other words")))
    assert [rule.card.version for rule in sides.old] == [rise(3).card.version]
    assert [rule.card.title for rule in sides.new] == ["Other words"]
    assert sides.same == ("SMALL",)


def test_other_words_are_no_difference() -> None:
    found = review(archive(2), Sides.of((rise(3),), (rise(3, "Other words"),)))
    assert (found.differences, found.same) == ([], {("SMALL", "rise"): 2})


def test_merged_records_are_run_together_and_count_once() -> None:
    merged = person("2024-05-05", patient_id="HOSP|0", merged_into="HOSP|2")
    events = [*archive(3), EVENT.validate_python(merged)]
    groups = by_patient(events)
    assert [{event.patient_id for event in facts} for facts in groups] == [
        {"HOSP|0", "HOSP|2"},
        {"HOSP|1"},
    ]
    assert review(events, Sides.of((rise(3),), ())).patients == 2
    assert sum(len(batch) for batch in batches(groups)) == 2


def test_the_clock_runs_to_the_last_issue_of_the_whole_archive() -> None:
    """A patient of the first batch falls due because a patient of the last is still alive."""
    text = "- {name: gap, missing: psa, after: [{clock: true, due: clock + 30 d}]}"
    overdue = compile_rule(small_rule("psa: {analyte: psa}", text, course=True))
    treatment = {
        "type": "treatment",
        "event_id": "start",
        "patient_id": "HOSP|0",
        "source": "EHR",
        "effective_at": "2024-01-01",
        "course_id": "c",
        "condition": "cancer",
        "modality": "targeted",
        "phase": "started",
    }
    late = lab("psa", "2024-07-01", "1", "ng/mL", patient_id="HOSP|1")
    events = [EVENT.validate_python(one) for one in (treatment, late)]
    found = review(events, Sides.of((), (overdue,)))
    assert [one.kind for one in found.differences] == [Kind.ADDED]


def test_an_empty_archive_differs_in_nothing() -> None:
    assert review([], Sides.of((rise(3),), (rise(5),))).patients == 0
