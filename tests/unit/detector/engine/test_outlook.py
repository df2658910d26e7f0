"""Why not yet, for each shape of criterion: what would do it, from when on, at which value."""

from __future__ import annotations

from datetime import date

import pytest
from support.lanes import fact
from support.outlooks import READS, earliest, limits, only, psa, view
from support.small_rules import harm, lab

from schemas.alerts import State
from services.detector.adapters.views import Status
from services.detector.engine.whatif import copied, of_nothing

# --- Shapes ---------------------------------------------------------------------------------------

TWICE = "- {name: high, each: psa, suspect: psa > 2 ng/mL, confirm: {after: 7 d}}"


def test_a_second_value_is_due_no_sooner_than_the_gap_after_a_first_one() -> None:
    suspect, confirm = only(view(READS, TWICE, psa("2024-01-01", "1"), at="2024-01-10")).prospects
    assert (suspect.state, earliest(suspect), limits(suspect)) == (
        State.SUSPECTED,
        "2024-01-10",
        [(">", "2")],
    )
    assert (confirm.state, earliest(confirm), limits(confirm)) == (
        State.CONFIRMED,
        "2024-01-17",
        [],  # no single value can
    )


def test_a_suspicion_is_confirmed_from_the_gap_on() -> None:
    found = view(READS, TWICE, psa("2024-01-01", "3"), at="2024-01-02")
    (confirm,) = only(found).prospects
    assert (found.status, earliest(confirm)) == (Status.FIRED, "2024-01-08")
    assert confirm.because == ("7 d after the first",)
    assert limits(confirm) == [(">", "2")]


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2024-01-31", [(State.CONFIRMED, "2024-01-31")]),
        ("2024-02-01", [(State.SUSPECTED, "2024-02-01"), (State.CONFIRMED, "2024-02-08")]),
    ],
)
def test_a_suspicion_that_has_lapsed_must_come_again(
    at: str, said: list[tuple[State, str]]
) -> None:
    twice = TWICE.replace("after: 7 d", "after: 7 d, within: 30 d")
    prospects = only(view(READS, twice, psa("2024-01-01", "3"), at=at)).prospects
    assert [(one.state, earliest(one)) for one in prospects] == said


@pytest.mark.parametrize(
    ("at", "day"), [("2024-01-05", "2024-01-08"), ("2024-01-12", "2024-01-19")]
)
def test_a_run_that_nothing_links_begins_anew(at: str, day: str) -> None:
    twice = TWICE.replace("after: 7 d", "after: 7 d, gap: 10 d")
    (confirm,) = only(view(READS, twice, psa("2024-01-01", "3"), at=at)).prospects
    assert (confirm.state, earliest(confirm)) == (State.CONFIRMED, day)


def test_what_was_confirmed_has_nothing_to_come() -> None:
    found = view(READS, TWICE, psa("2024-01-01", "3"), psa("2024-01-08", "3"), at="2024-02-01")
    assert only(found).prospects == ()
    assert "already reported" in str(only(found).over)


LEVELS = """
- name: window
  each: psa
  tiers:
    - {tag: early, when: psa >= 1 ng/mL}
    - {tag: late, when: psa >= 5 ng/mL}
  state: window
"""


def test_only_levels_above_the_one_that_was_reached() -> None:
    below = only(view(READS, LEVELS, psa("2024-01-01", "0.5"), at="2024-01-02"))
    assert [(one.tag, limits(one)) for one in below.prospects] == [
        ("early", [(">=", "1")]),
        ("late", [(">=", "5")]),
    ]
    above = only(view(READS, LEVELS, psa("2024-01-01", "2"), at="2024-01-02"))
    assert [one.tag for one in above.prospects] == ["late"]


def test_of_a_nested_level_only_its_own_limit_is_named() -> None:
    """At the lower limit the rule fires as well, but it says something else."""
    nested = """
- name: stage
  each: psa
  confirmed:
    - {tag: worst, when: psa >= 5 ng/mL or psa >= 1 ng/mL and psa >= 4 ng/mL}
    - {tag: mild, when: psa >= 1 ng/mL}
"""
    worst, mild = only(view(READS, nested, psa("2024-01-01", "0.5"), at="2024-01-02")).prospects
    assert limits(worst) == [(">=", "4")]
    assert limits(mild) == [(">=", "1")]


PAIR = """
- name: pair
  sequence:
    first: {each: psa, when: psa > 2 ng/mL}
    then: {each: alp, when: alp > 100 U/L}
    within: 30 d
"""


def test_one_thing_and_then_another() -> None:
    reads = "psa: {analyte: psa}\nalp: {analyte: alp}"
    alp = lab("alp", "2024-01-01", "50", "U/L")
    silent = only(view(reads, PAIR, psa("2024-01-01", "1"), alp, at="2024-01-02"))
    assert [(one.state, limits(one)) for one in silent.prospects] == [
        (State.SUSPECTED, [(">", "2")]),
        (State.CONFIRMED, []),
    ]
    begun = only(view(reads, PAIR, psa("2024-01-01", "3"), alp, at="2024-01-02"))
    assert [(one.state, limits(one)) for one in begun.prospects] == [
        (State.CONFIRMED, [(">", "100")])
    ]


def test_what_lasts_is_confirmed_by_the_calendar() -> None:
    criteria = """
- name: lasting
  each: rash
  suspect: rash.grade >= 2
  refute: rash.grade < 2
  stays: [{for: 28 d}]
"""
    reads = "rash: {adverse_event: Rash maculo-papular}"
    sick = harm("Rash maculo-papular", "2024-01-01", grade=2)
    due = only(view(reads, criteria, sick, at="2024-01-02")).due
    assert due is not None
    assert (due.state, date.fromordinal(due.day).isoformat()) == (State.CONFIRMED, "2024-01-29")


def test_results_that_are_kept_apart_have_a_life_each() -> None:
    apart = "psa: {analyte: psa, apart: true}"
    serum = psa("2024-01-01", "1") | {"method": "one", "event_id": "a"}
    other = psa("2024-01-02", "3") | {"method": "two", "event_id": "b"}
    found = view(apart, TWICE, serum, other, at="2024-01-03")
    said = {one.name: (one.status, len(one.prospects)) for one in found.criteria}
    assert said == {"high / psa two": (Status.FIRED, 1)} | {
        name: told for name, told in said.items() if name.endswith("one")
    }


def test_a_wait_for_an_answer_and_the_finding_that_would_start_it() -> None:
    criteria = """
- {name: failing, each: psa, confirmed: psa > 2 ng/mL}
- name: no_answer
  unanswered: failing
  answer: [{each: change}]
  due: [{after: 30 d, tag: first}]
"""
    reads = "psa: {analyte: psa}\nchange: {treatment: any, condition: any, phase: started}"
    quiet = view(reads, criteria, psa("2024-01-01", "1"), at="2024-01-02")
    waiting, within = quiet.criteria
    assert (waiting.due, within.serves) == (None, "no_answer")
    assert limits(within.prospects[0]) == [(">", "2")]
    failed = view(reads, criteria, psa("2024-01-01", "3"), at="2024-01-02").criteria[0].due
    assert date.fromordinal(failed.day).isoformat() == "2024-01-31"
    assert (failed.state, failed.tag, failed.series) == (State.OVERDUE, "first", ("change",))


def test_a_report_that_is_awaited() -> None:
    criteria = "- {name: report, unreported: psa, due: date + 7 d, tag: pending}"
    draft = psa("2024-01-01", "1") | {"status": "preliminary"}
    due = only(view(READS, criteria, draft, at="2024-01-02")).due
    assert due is not None
    assert (due.tag, date.fromordinal(due.day).isoformat()) == ("pending", "2024-01-08")


# --- Hypothetical facts ---------------------------------------------------------------------------


def test_a_copy_leaves_its_original_alone() -> None:
    one = fact("a", 0, "3")
    twin = copied(one, one.day + 5, fact("b", value="7").reference)
    assert (one.value, one.day) == (fact("a", 0, "3").value, fact("a").day)
    assert (twin.day - one.day, str(twin.value), twin.event) == (5, "7", one.event)


def test_a_fact_of_which_nothing_is_known_says_nothing() -> None:
    blank = of_nothing(fact("a").day)
    assert (blank.day, blank.value, blank.event.regimen) == (fact("a").day, None, None)
