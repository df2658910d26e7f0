"""What a case expects, beside what the engine said: the comparison can fail, and says how."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from schemas.alerts import AlertRevision
from services.detector.adapters.replay import GradedEvent, ReplayResult, Unknown
from services.detector.language.ast import NOWHERE
from services.detector.language.errors import RuleError
from services.detector.language.spec import Rule
from services.detector.rulebook.verdict import compare

if TYPE_CHECKING:
    from services.detector.rulebook.cases import Plain

RULE = Rule(id="R", title="", kind="failure", plain="", criteria=(), series=())
GRADING = replace(RULE, kind="function")


def said(day: str, state: str, **more: Any) -> AlertRevision:
    about: dict[str, Any] = {
        "alert_id": "a",
        "revision": 1,
        "digest": "d",
        "change": "raised",
        "episode": 1,
        "state": state,
        "kind": "failure",
        "severity": "urgent",
        "patient_id": "p",
        "rule": "R",
        "rule_version": "1",
        "title": "",
        "summary": "",
        "at": f"{day}T12:00:00Z",
    }
    return AlertRevision.model_validate(about | more)


def result_of(*revisions: AlertRevision, doubts: tuple[str, ...] = ()) -> ReplayResult:
    moments = [datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC) for day in doubts]
    unknowns = [
        Unknown(patient_id="p", rule="R", event_ids=("e",), reason="no unit", at=at)
        for at in moments
    ]
    return ReplayResult(revisions=list(revisions), unknowns=unknowns, grades=[])


def graded(*grades: tuple[str, str, int | None]) -> ReplayResult:
    facts = [
        GradedEvent("p", event, rule="R", term=term, version=5, grade=grade, reason=None)
        for event, term, grade in grades
    ]
    return ReplayResult(revisions=[], unknowns=[], grades=facts)


def holds(expect: list[Plain] | dict[str, Plain], result: ReplayResult, rule: Rule = RULE) -> bool:
    return compare(expect, rule, result, NOWHERE) is None


SUSPECTED = said("2022-04-01", "suspected", onset="2022-04-01", tag="t", grade=2)
CONFIRMED = said("2022-06-01", "confirmed", onset="2022-04-01")
REFUTED = said("2022-06-02", "refuted")
OVERDUE = said("2022-03-01", "overdue")
CLEARED = said("2022-03-09", "cleared")
RETRACTED = said("2022-06-20", "retracted")


def test_a_journal_is_compared_in_order_and_whole() -> None:
    both = result_of(SUSPECTED, CONFIRMED)
    first: Plain = {"at": "2022-04-01", "state": "suspected", "onset": "2022-04-01"}
    second: Plain = {"at": "2022-06-01", "state": "confirmed", "onset": "2022-04-01"}
    assert holds([first, second], both)
    assert not holds([second, first], both)
    assert not holds([first], both)
    assert not holds([], both)
    assert holds([], result_of())


@pytest.mark.parametrize(
    "wrong",
    [
        {"at": "2022-04-02"},
        {"state": "confirmed"},
        {"onset": "2022-03-31"},
        {"tag": "other"},
        {"tag": None},
        {"grade": "3"},
        {"value": "0.2"},
    ],
)
def test_each_field_that_is_given_counts(wrong: dict[str, Plain]) -> None:
    right: dict[str, Plain] = {"at": "2022-04-01", "state": "suspected", "tag": "t", "grade": "2"}
    assert holds([right], result_of(SUSPECTED))
    assert not holds([right | wrong], result_of(SUSPECTED))


def test_a_revision_within_a_state_is_no_entry_of_the_journal() -> None:
    revised = said("2022-05-01", "suspected", change="revised")
    assert holds([{"at": "2022-04-01", "state": "suspected"}], result_of(SUSPECTED, revised))


def test_other_rules_do_not_count() -> None:
    assert holds([], result_of(said("2022-04-01", "suspected", rule="OTHER")))


@pytest.mark.parametrize(
    ("expect", "revisions"),
    [
        ({"state": "none", "at": None}, ()),
        ({"state": "suspected", "at": None}, (SUSPECTED,)),
        ({"state": "confirmed", "at": "2022-06-01"}, (SUSPECTED, CONFIRMED)),
        ({"state": "confirmed", "at": "2022-03-01"}, (OVERDUE,)),
        ({"state": "cleared", "at": None}, (SUSPECTED, REFUTED)),
        ({"state": "cleared", "at": "2022-03-01", "clear": "2022-03-09"}, (OVERDUE, CLEARED)),
        ({"state": "retracted", "retract": "2022-06-20"}, (CONFIRMED, RETRACTED)),
        ({"state": "suspected", "tag": "t", "grade": "2"}, (SUSPECTED,)),
    ],
)
def test_the_final_state(expect: dict[str, Plain], revisions: tuple[AlertRevision, ...]) -> None:
    assert holds(expect, result_of(*revisions))
    assert not holds(expect | {"state": "window"}, result_of(*revisions))


@pytest.mark.parametrize(
    ("expect", "revisions"),
    [
        ({"state": "suspected", "at": "2022-04-01"}, (SUSPECTED,)),
        ({"state": "confirmed", "at": None}, (CONFIRMED,)),
        ({"state": "confirmed", "at": "2022-06-02"}, (CONFIRMED,)),
        ({"state": "cleared", "clear": "2022-03-08"}, (OVERDUE, CLEARED)),
        ({"state": "retracted", "retract": "2022-06-21"}, (CONFIRMED, RETRACTED)),
        ({"state": "none"}, (SUSPECTED,)),
        ({"state": "not_evaluable"}, (SUSPECTED,)),
        ({"state": "not_evaluable"}, ()),
    ],
)
def test_a_wrong_final_state(
    expect: dict[str, Plain], revisions: tuple[AlertRevision, ...]
) -> None:
    assert not holds(expect, result_of(*revisions))


def test_a_cleared_alert_is_told_apart_from_the_suspicion_that_it_leaves_over() -> None:
    again = said("2022-06-02", "suspected", onset="2022-05-01")
    reopened = result_of(SUSPECTED, CONFIRMED, REFUTED, again)
    cleared: dict[str, Plain] = {"state": "cleared", "at": "2022-06-01", "clear": "2022-06-02"}
    assert holds(cleared, reopened)
    assert holds({"state": "suspected"}, reopened)
    assert not holds({"state": "cleared"}, reopened)
    later = said("2022-07-01", "suspected", onset="2022-07-01")
    assert not holds(cleared, result_of(SUSPECTED, CONFIRMED, REFUTED, later))


def test_a_doubt_after_the_last_verdict_makes_it_not_evaluable() -> None:
    assert holds({"state": "not_evaluable"}, result_of(doubts=("2022-05-01",)))
    assert holds({"state": "not_evaluable"}, result_of(SUSPECTED, doubts=("2022-05-01",)))
    assert not holds({"state": "none"}, result_of(doubts=("2022-05-01",)))
    assert holds({"state": "confirmed"}, result_of(CONFIRMED, doubts=("2022-05-01",)))


def test_a_moment_is_compared_as_precisely_as_it_is_given() -> None:
    result = result_of(said("2022-04-01", "confirmed"))
    assert holds({"state": "confirmed", "at": "2022-04-01T12:00"}, result)
    assert not holds({"state": "confirmed", "at": "2022-04-01T12:01"}, result)


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        ("8.8", "8.80", True),
        ("8.8", "8.84", True),
        ("8.8", "8.86", False),
        ("120", "120.4", True),
        ("8.80", "8.84", False),
    ],
)
def test_a_value_is_compared_to_as_many_digits_as_are_given(
    expected: str, got: str, *, same: bool
) -> None:
    result = result_of(said("2022-04-01", "confirmed", value=Decimal(got)))
    assert holds([{"state": "confirmed", "value": expected}], result) is same


def test_the_worst_grade_of_the_fact_counts() -> None:
    result = graded(("fact-1", "Hyperkalemia", 0), ("fact-1", "Hypokalemia", 1))
    assert holds({"grade": "1"}, result, GRADING)
    assert holds({"grade": "0", "term": "hyperkalemia"}, result, GRADING)
    assert holds({"grade": "1", "term": "Hypokalemia (Serum)"}, result, GRADING)
    assert not holds({"grade": "0"}, result, GRADING)
    assert not holds({"grade": "1", "term": "Hyperkalemia"}, result, GRADING)
    assert not holds({"grade": "1", "term": "Anemia"}, result, GRADING)


def test_what_can_not_be_graded_has_no_grade() -> None:
    result = graded(("fact-1", "Anemia", None))
    assert holds({"grade": None}, result, GRADING)
    assert not holds({"grade": "0"}, result, GRADING)


def test_the_grade_of_a_baseline_is_not_asked_for() -> None:
    result = graded(("context-1", "Anemia", 3), ("fact-1", "Anemia", 1))
    assert holds({"grade": "1"}, result, GRADING)


@pytest.mark.parametrize(
    ("expect", "error"),
    [
        ([{"state": "confirmed", "when": "2022"}], "unknown key of `expect` 'when'"),
        ([{"at": "2022-01-01"}], "unknown state ''"),
        ([{"state": "none"}], "unknown state 'none'"),
        ({"state": "fired"}, "unknown state 'fired'"),
        (["confirmed"], "an expectation that is no mapping"),
        ({"state": "confirmed", "at": ["x"]}, "`at` is not a single value"),
    ],
)
def test_a_bad_expectation_is_the_authors_mistake(
    expect: list[Plain] | dict[str, Plain], error: str
) -> None:
    with pytest.raises(RuleError, match=error):
        compare(expect, RULE, result_of(), NOWHERE)


def test_a_difference_shows_both_sides_in_the_same_words() -> None:
    difference = compare(
        [{"at": "2022-04-01", "state": "confirmed"}], RULE, result_of(SUSPECTED, REFUTED), NOWHERE
    )
    assert difference is not None
    expected, got = difference
    assert expected == ("at: 2022-04-01, state: confirmed",)
    assert got == (
        "at: 2022-04-01T12:00, state: suspected, onset: 2022-04-01, tag: t, grade: 2",
        "at: 2022-06-02T12:00, state: refuted",
    )
