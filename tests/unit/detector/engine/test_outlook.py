"""Why not yet, for each shape of criterion: what would do it, from when on, at which value."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from support.lanes import context_of, fact
from support.small_rules import harm, lab, mistakes, small_rule, start

from schemas.alerts import State
from schemas.events import EVENT
from services.detector.adapters.outlook import outlook
from services.detector.adapters.views import Status
from services.detector.engine import terms
from services.detector.engine.foresight import barriers, foresee
from services.detector.engine.instants import end_of, moment
from services.detector.engine.truth import Unknown
from services.detector.engine.whatif import copied, of_nothing
from services.detector.language.compiler import compile_rule

if TYPE_CHECKING:
    from services.detector.adapters.outlook import RuleView
    from services.detector.adapters.views import CriterionView, Prospect

READS = "psa: {analyte: psa}"


def view(reads: str, criteria: str, *events: dict[str, Any], at: str, course: bool = False) -> Any:
    """The rule explained as of the end of a day."""
    rule = small_rule(reads, criteria, course=course)
    assert mistakes(rule) == []
    said = [EVENT.validate_python(event) for event in events]
    now = moment(end_of(date.fromisoformat(at).toordinal()))
    (found,) = outlook(said, "HOSP|1", (compile_rule(rule),), now).views
    return found


def only(found: RuleView) -> CriterionView:
    (criterion,) = found.criteria
    return criterion


def earliest(prospect: Prospect) -> str | None:
    return None if prospect.earliest is None else date.fromordinal(prospect.earliest).isoformat()


def limits(prospect: Prospect) -> list[tuple[str, str]]:
    return [(one.op, str(one.value)) for look in prospect.looks for one in look.limits]


def psa(at: str, value: str) -> dict[str, Any]:
    return lab("psa", at, value, "ng/mL")


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
    assert (failed.state, failed.tag) == (State.OVERDUE, "first")


def test_a_report_that_is_awaited() -> None:
    criteria = "- {name: report, unreported: psa, due: date + 7 d, tag: pending}"
    draft = psa("2024-01-01", "1") | {"status": "preliminary"}
    due = only(view(READS, criteria, draft, at="2024-01-02")).due
    assert due is not None
    assert (due.tag, date.fromordinal(due.day).isoformat()) == ("pending", "2024-01-08")


# --- Time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "day", "because"),
    [
        ("day >= 84 d and psa > 2 ng/mL", "2024-03-25", ("day >= 84 d",)),
        ("psa > 2 ng/mL and not day < 3 mo", "2024-04-01", ("not day < 3 mo",)),
        ("psa > 2 ng/mL or day >= 84 d", "2024-01-10", ()),
        ("day < 5 d and psa > 2 ng/mL", None, ("day < 5 d",)),
    ],
)
def test_the_calendar_is_told_in_advance_and_nothing_else(
    condition: str, day: str | None, because: tuple[str, ...]
) -> None:
    criteria = f'- {{name: late, each: psa, confirmed: "{condition}"}}'
    begun = start("2024-01-01")
    found = view(READS, criteria, begun, psa("2024-01-09", "1"), at="2024-01-10", course=True)
    (way,) = only(found).prospects
    assert (earliest(way), way.because) == (day, because)


def test_without_a_clock_no_date_is_named() -> None:
    criteria = "- {name: late, each: psa, confirmed: day >= 84 d and psa > 2 ng/mL}"
    planned = start("2024-01-01", phase="planned")
    found = view(READS, criteria, planned, psa("2024-01-09", "1"), at="2024-01-10", course=True)
    assert found.status is Status.UNDECIDED
    assert only(found).prospects[0].unclocked
    assert only(found).missing[0].startswith("no clock")


def test_what_can_be_told_in_advance_outweighs_what_cannot() -> None:
    here = context_of(fact("a", 3))
    asked = terms.compared(">", terms.value_of(terms.the_fact("it")), _two(), "it > 2")
    never, ever = (terms.by_choice(truth=one, text=str(one)) for one in (False, True))
    assert isinstance(foresee(asked, here), Unknown)
    assert foresee(terms.all_of([asked, never], "and"), here) is False
    assert foresee(terms.any_of([asked, ever], "or"), here) is True
    assert isinstance(foresee(terms.any_of([asked, never], "or"), here), Unknown)
    assert [one.text for one in barriers(terms.all_of([asked, never], "and"), here)] == ["False"]


def _two() -> terms.Term:
    return terms.constant(fact("b", value="2").value, "2")  # type: ignore[arg-type]


# --- Hypothetical facts ---------------------------------------------------------------------------


def test_a_copy_leaves_its_original_alone() -> None:
    one = fact("a", 0, "3")
    twin = copied(one, one.day + 5, fact("b", value="7").reference)
    assert (one.value, one.day) == (fact("a", 0, "3").value, fact("a").day)
    assert (twin.day - one.day, str(twin.value), twin.event) == (5, "7", one.event)


def test_a_fact_of_which_nothing_is_known_says_nothing() -> None:
    blank = of_nothing(fact("a").day)
    assert (blank.day, blank.value, blank.event.regimen) == (fact("a").day, None, None)
