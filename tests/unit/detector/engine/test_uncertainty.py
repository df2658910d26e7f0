"""What may be true, what settles a suspicion as information, and numbers that an entry carries."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from schemas.events import EVENT
from services.detector.adapters.replay import ReplayResult, replay
from services.detector.language.checker import check
from services.detector.language.compiler import compile_rule
from services.detector.language.reader import read_rule

if TYPE_CHECKING:
    from schemas.alerts import AlertRevision
    from schemas.events import ClinicalEvent

FRAME = """
rule: TEST-DOUBT
title: A doubt
kind: failure
plain: A doubt
course: {{condition: prostate-cancer}}
clock: first started
reads:
  biopsy: {{analyte: biopsy}}
  testo: {{analyte: testo}}
  psa: {{analyte: psa{shown}}}
criteria:
  - name: doubt
{criterion}
severity: {{default: advisory}}
sentence: "A doubt, {{figure}}."
misses: [nothing]
false_alarms: [nothing]
source: [{{cite: none}}]
"""


def mistakes(criterion: str, shown: str = "") -> list[str]:
    read = read_rule(FRAME.format(criterion=criterion, shown=shown), "test-doubt.yaml")
    return [str(one) for one in check(read) if "never used" not in str(one)]


def judged(criterion: str, *events: ClinicalEvent, shown: str = "") -> ReplayResult:
    assert mistakes(criterion, shown) == []
    read = read_rule(FRAME.format(criterion=criterion, shown=shown), "test-doubt.yaml")
    return replay([start(), *events], (compile_rule(read),))


def said(found: ReplayResult) -> list[tuple[str, str | None]]:
    return [(r.state.value, r.tag) for r in found.revisions if r.change != "revised"]


def event(kind: str, day: str, **what: object) -> ClinicalEvent:
    about = {"type": kind, "event_id": f"{kind}-{day}-{len(what)}", "patient_id": "HOSP|1"}
    return EVENT.validate_python(
        {**about, "source": "LAB", "effective_at": day, "issued_at": f"{day}T12:00:00Z", **what}
    )


def start() -> ClinicalEvent:
    about = {"course_id": "C1", "condition": "prostate-cancer", "modality": "surgery"}
    return event("treatment", "2024-01-01", phase="started", **about)


def psa(day: str, value: str, comparator: str | None = None) -> ClinicalEvent:
    more = {} if comparator is None else {"comparator": comparator}
    return event("observation", day, analyte="psa", value=value, unit="ng/mL", **more)


def hormone(day: str, value: str) -> ClinicalEvent:
    return event("observation", day, analyte="testo", value=value, unit="ng/dL")


def biopsy(day: str, word: str) -> ClinicalEvent:
    return event("observation", day, analyte="biopsy", value_code=word)


@pytest.mark.parametrize(
    ("value", "comparator", "tags"),
    [("3", None, ["may"]), ("2", None, []), ("5", "<", ["may"]), ("2", "<", [])],
)
def test_unknown_may_be_true(value: str, comparator: str | None, tags: list[str]) -> None:
    criterion = "    each: psa\n    suspect: [{tag: may, when: possibly(psa > 2 ng/mL)}]\n"
    found = judged(criterion, psa("2024-02-01", value, comparator))
    assert [tag for _, tag in said(found)] == tags


def test_what_may_be_is_no_doubt_and_its_opposite_is_sure() -> None:
    criterion = "    each: psa\n    suspect: [{tag: low, when: not possibly(psa > 2 ng/mL)}]\n"
    assert said(judged(criterion, psa("2024-02-01", "5", "<"))) == []
    found = judged(criterion, psa("2024-02-01", "2", "<"))
    assert said(found) == [("suspected", "low")]
    assert found.unknowns == []


@pytest.mark.parametrize(("value", "tags"), [("3", ["sure"]), ("2", [])])
def test_what_is_sure_is_cited(value: str, tags: list[str]) -> None:
    criterion = (
        "    each: psa\n    suspect: [{tag: sure, when: surely(psa > last(psa within 90 d))}]\n"
    )
    found = judged(criterion, psa("2024-01-15", "2"), psa("2024-02-01", value))
    assert [tag for _, tag in said(found)] == tags
    assert all(len(alert.evidence) == 3 for alert in found.revisions)  # with the clock


def test_what_is_only_possible_is_not_sure() -> None:
    criterion = "    each: psa\n    suspect: [{tag: sure, when: surely(psa > 2 ng/mL)}]\n"
    found = judged(criterion, psa("2024-02-01", "5", "<"))
    assert (said(found), found.unknowns) == ([], [])


def test_what_nobody_said_is_no_evidence() -> None:
    criterion = "    each: psa\n    suspect: possibly(course.line = 1) and psa > 2 ng/mL\n"
    (alert,) = judged(criterion, psa("2024-02-01", "3")).revisions
    assert sorted(item.role.value for item in alert.evidence) == ["clock", "trigger"]


@pytest.mark.parametrize("argument", ["psa", "2 ng/mL", "date"])
def test_only_a_condition_may_be(argument: str) -> None:
    criterion = f"    each: psa\n    suspect: possibly({argument})\n"
    assert any("a condition" in one for one in mistakes(criterion))


SETTLED = """    each: [psa, biopsy]
    suspect: [{tag: high, when: psa > 2 ng/mL}]
    confirm: {after: 0 d, when: "biopsy = pos"}
    refute:
      - {when: "biopsy = neg"}
      - {when: "biopsy = benign", info: benign}
"""


def test_a_suspicion_may_be_settled_as_information() -> None:
    found = judged(SETTLED, psa("2024-02-01", "3"), biopsy("2024-03-01", "benign"))
    assert said(found) == [("suspected", "high"), ("info", "benign")]
    settled = found.revisions[-1]
    assert (str(settled.onset), settled.episode, settled.change) == ("2024-02-01", 1, "raised")
    assert {item.event_id[:22] for item in settled.evidence} >= {"observation-2024-02-01"}


def test_after_that_a_new_suspicion_may_follow() -> None:
    later = psa("2024-04-01", "4"), biopsy("2024-05-01", "pos")
    found = judged(SETTLED, psa("2024-02-01", "3"), biopsy("2024-03-01", "benign"), *later)
    assert [state for state, _ in said(found)] == ["suspected", "info", "suspected", "confirmed"]


def test_settling_is_neither_taking_back_a_finding_nor_naming_a_refutation() -> None:
    wrong = SETTLED.replace("info: benign", "info: benign, tag: other")
    assert any("'info' settles a suspicion" in one for one in mistakes(wrong))


def test_every_entry_carries_its_number() -> None:
    arms = "    suspect: psa > 2 ng/mL\n    refute: psa <= 2 ng/mL\n"
    criterion = f"    each: psa\n{arms}    value: psa / 3\n"
    found = judged(criterion, psa("2024-02-01", "4"), psa("2024-03-01", "1"))
    told = [r for r in found.revisions if not r.confirmation_overdue]
    assert [r.value for r in told] == [Decimal("1.33333333"), Decimal("0.333333333")]
    assert found.revisions[0].summary == "A doubt, 1.33."


def test_a_level_carries_its_number_and_none_where_it_is_not_known() -> None:
    tiers = (
        "    each: psa\n    tiers: [{tag: t, when: possibly(psa > 2 ng/mL)}]\n    value: psa * 2\n"
    )
    assert [r.value for r in judged(tiers, psa("2024-02-01", "4")).revisions] == [Decimal(8)]
    assert [r.value for r in judged(tiers, psa("2024-02-01", "4", "<")).revisions] == [None]


def test_a_value_is_a_number() -> None:
    criterion = "    each: psa\n    suspect: psa > 2 ng/mL\n    value: psa > 3 ng/mL\n"
    assert any("a number" in one for one in mistakes(criterion))


def test_every_fact_of_a_bounded_count_is_evidence() -> None:
    criterion = "    each: psa\n    suspect: count(psa within 60 d) = 2\n"
    samples = [psa(f"2024-0{month}-01", "1") for month in (2, 3, 4)]
    (alert,) = judged(criterion, *samples).revisions
    cited = [item.event_id[12:22] for item in alert.evidence if item.role.value == "support"]
    assert sorted(cited) == ["2024-02-01", "2024-03-01"]


def test_a_look_back_sees_no_more_than_the_series_shows() -> None:
    shown = ", unless: last(testo within 10 d) > 50 ng/dL"
    criterion = "    each: psa\n    suspect: count(psa within 200 d) = 1\n"
    events = hormone("2024-02-01", "90"), psa("2024-02-05", "1"), psa("2024-03-05", "1")
    assert said(judged(criterion, *events, shown=shown)) == []
    assert said(judged(criterion, *events)) == [("suspected", None)]


def test_what_a_look_back_shows_is_asked_of_a_bounded_past() -> None:
    shown = ", unless: last(testo) > 50 ng/dL"
    criterion = "    each: psa\n    suspect: count(psa within 200 d) = 1\n"
    assert any("asks all the past" in one for one in mistakes(criterion, shown))


def test_an_entry_shows_the_digits_of_its_own_result_and_of_nobody_elses() -> None:
    """1 and 1.0 are equal, and whoever was judged first must not decide how the other reads."""
    criterion = "    each: psa\n    suspect: psa < 2 ng/mL\n"
    for digits in ("1", "1.0", "1.00"):
        (raised,) = judged(criterion, psa("2024-02-01", digits, "<")).revisions
        assert f'"value":"<{digits}"' in explained(raised)


def explained(revision: AlertRevision) -> str:
    assert revision.explanation is not None
    return revision.explanation.model_dump_json()
