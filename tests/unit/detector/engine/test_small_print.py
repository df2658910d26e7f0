"""The small print of the language, told as little rules with cases, in all ways of delivery."""

from __future__ import annotations

import pytest

from services.detector.language.checker import check
from services.detector.language.reader import read_rule
from services.detector.rulebook.cases import parse_cases
from services.detector.rulebook.runner import Status, run_case

RULE = """
rule: SMALL-PRINT
title: Small print
kind: failure
plain: Small print
course: {{condition: prostate-cancer, modality: surgery{line}}}
clock: last completed
ends: {ends}
reads:
  ecog: {{analyte: ecog}}
  psa: {{analyte: psa{series}}}
  bone: {{imaging: NM}}
criteria:
  - name: small
    each: {each}
    {criterion}
  - {{name: unused, each: [ecog, psa, bone], suspect: "day > 99999 d"}}
severity: {{default: advisory}}
sentence: Small print.
misses: [nothing]
false_alarms: [nothing]
source: [{{cite: none}}]
"""
CASE = """
rule: SMALL-PRINT
cases:
- id: told
  ctx: {{rp: 2024-01-01}}
  obs:
{facts}
  until: {until}
  expect:{expected}
"""


def rule(criterion: str, **frame: str) -> str:
    default = {"line": "", "ends": "new-line", "series": "", "each": "psa"}
    return RULE.format(criterion=criterion, **{**default, **frame})


def mistakes(text: str) -> str:
    return "\n".join(str(one) for one in check(read_rule(text, "small-print.yaml")))


def holds(text: str, facts: list[str], expected: list[str], until: str = "2024-12-31") -> None:
    assert not mistakes(text)
    written = "\n".join(f"  - {{{one}}}" for one in facts) or "    []"
    wanted = "".join(f"\n  - {{{one}}}" for one in expected) or " []"
    case = CASE.format(facts=written, until=until, expected=wanted)
    for told in parse_cases(case, "small-print.cases.yaml"):
        outcome = run_case(told, (read_rule(text, "small-print.yaml"),))
        assert outcome.status is Status.PASSED, (outcome.reason, outcome.expected, outcome.got)


# ---------------------------------------------------------------- milestones

MILESTONE = """milestone: {from: clock + 10 d, to: clock + 20 d, due: clock + 30 d, missing: none,
      unusable: no_answer, late: true}
    confirmed: {when: psa >= 0.1 ng/mL, tag: high}"""


def test_a_milestone_may_be_due_after_it_has_ended() -> None:
    holds(rule(MILESTONE), [], ["at: 2024-01-31, state: overdue, tag: none"])
    late = "t: 2024-01-11, rx: 2024-01-31, psa: 0.1"
    holds(rule(MILESTONE), [late], ["at: 2024-01-31, state: confirmed, tag: high"])


def test_samples_that_cannot_answer_are_told_from_none() -> None:
    blunt = "t: 2024-01-15, psa: <0.2"
    holds(rule(MILESTONE), [blunt], ["at: 2024-01-31, state: overdue, tag: no_answer"])
    unseen = "t: 2024-01-15, rx: 2024-02-01, psa: <0.2"
    holds(rule(MILESTONE), [unseen], ["at: 2024-01-31, state: overdue, tag: none"])
    outside = "t: 2024-01-10, psa: <0.2"
    holds(rule(MILESTONE), [outside], ["at: 2024-01-31, state: overdue, tag: none"])


def test_a_later_usable_fact_clears_and_is_not_judged() -> None:
    overdue = "at: 2024-01-31, state: overdue, tag: none"
    blunt, sharp = "t: 2024-02-10, psa: <0.2", "t: 2024-02-20, psa: 0.5"
    cleared = "at: 2024-02-20, state: cleared, tag: none"
    holds(rule(MILESTONE), [blunt, sharp, "t: 2024-03-01, psa: 9"], [overdue, cleared])
    preliminary = "t: 2024-02-10, psa: 0.5, status: preliminary"
    holds(rule(MILESTONE), [preliminary], [overdue])


def test_without_late_it_stays_overdue() -> None:
    stays = MILESTONE.replace(", late: true", "")
    holds(rule(stays), ["t: 2024-02-20, psa: 0.5"], ["at: 2024-01-31, state: overdue, tag: none"])


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("due: clock + 30 d", "due: clock + 19 d", "due before the milestone ends"),
        (" missing: none,", "", "of a milestone that nobody misses"),
    ],
)
def test_senseless_milestones_are_refused(before: str, after: str, message: str) -> None:
    assert message in mistakes(rule(MILESTONE.replace(before, after)))


# ---------------------------------------------------------------- refuted, and judged anew

SHARED = """suspect: lesions(bone) >= 1
    confirm: {after: 7 d, when: lesions_shared(suspected(bone)) >= 1}
    refute: {when: lesions_shared(suspected(bone)) < 1, anew: true}"""
FIRST, OTHER = "t: 2024-02-01, bone: [a]", "t: 2024-03-01, bone: [b]"


def test_what_refutes_may_open_the_next_suspicion() -> None:
    suspected = ["at: 2024-02-01, state: suspected", "at: 2024-03-01, state: refuted"]
    again = "at: 2024-03-01, state: suspected, onset: 2024-03-01"
    holds(rule(SHARED, each="bone"), [FIRST, OTHER], [*suspected, again])
    silent = rule(SHARED.replace(", anew: true", ""), each="bone")
    holds(silent, [FIRST, OTHER], suspected)


# ---------------------------------------------------------------- names and severities

NAMED = """suspect: [{when: psa >= 5 ng/mL, tag: high}, {when: psa >= 1 ng/mL, tag: low}]
    confirm: {after: 30 d, when: psa >= 9 ng/mL}
    refute: never"""
RISING = ["t: 2024-02-01, psa: 1", "t: 2024-02-15, psa: 5", "t: 2024-03-02, psa: 9"]


def test_a_suspicion_is_begun_anew_under_another_name_unless_it_keeps_its_own() -> None:
    renamed = [
        "at: 2024-02-01, state: suspected, tag: low",
        "at: 2024-02-15, state: suspected, tag: high",
    ]
    holds(rule(NAMED), RISING, renamed)
    kept = rule(NAMED + "\n    renames: false")
    confirmed = "at: 2024-03-02, state: confirmed, onset: 2024-02-01, tag: low"
    holds(kept, RISING, [renamed[0], confirmed])


GRAVER = """suspect: psa >= 1 ng/mL
    confirm: {after: 7 d}
    graver: {when: last(ecog within 28 d) >= 2, severity: critical}"""


def test_the_state_of_the_patient_may_ask_for_another_severity() -> None:
    facts = ["t: 2024-02-01, psa: 1", "t: 2024-02-20, ecog: 2", "t: 2024-03-01, psa: 1"]
    told = [
        "at: 2024-02-01, state: suspected, severity: advisory",
        "at: 2024-03-01, state: confirmed, severity: critical",
    ]
    holds(rule(GRAVER), facts, told)
    long_ago = ["t: 2024-02-01, ecog: 2", "t: 2024-03-01, psa: 1"]
    holds(rule(GRAVER), long_ago, ["at: 2024-03-01, state: suspected, severity: advisory"])


def test_a_severity_alone_has_no_tag() -> None:
    tagged = GRAVER.replace("severity: critical", "severity: critical, tag: grave")
    assert "not a severity" in mistakes(rule(tagged))
    assert "not a severity" in mistakes(rule(GRAVER.replace(", severity: critical", "")))


# ---------------------------------------------------------------- the nadir and the baseline

RISE = """if: day > 0 d
    suspect: psa >= nadir_with_baseline(psa) + 2 ng/mL"""


@pytest.mark.parametrize(
    ("facts", "at"),
    [
        (["t: 2023-12-01, psa: 1"], "2024-03-01"),  # the baseline
        (["t: 2023-11-01, psa: 1", "t: 2023-12-01, psa: 9"], None),  # the last one only
        (["t: 2024-01-01, psa: 1"], "2024-03-01"),  # on the clock's day
        (["t: 2023-12-01, psa: 9", "t: 2024-02-01, psa: 1"], "2024-03-01"),  # lower since
        (["t: 2023-12-01, psa: 1", "t: 2024-02-01, psa: 2"], "2024-03-01"),  # higher since
        (["t: 2023-12-01, psa: 1, specimen: plasma"], None),  # of another specimen
        ([], None),
    ],
)
def test_the_lowest_since_the_baseline(facts: list[str], at: str | None) -> None:
    told = [] if at is None else [f"at: {at}, state: suspected"]
    holds(rule(RISE), [*facts, "t: 2024-03-01, psa: 3"], told)


def test_the_baseline_moves_with_the_clock() -> None:
    first, between, last = (
        "t: 2024-02-01, psa: 1",
        "t: 2024-02-15, psa: 2.9",
        "t: 2024-03-01, psa: 3",
    )
    holds(rule(RISE), [first, between, last], ["at: 2024-03-01, state: suspected"])
    moved = rule(RISE).replace("clock: last completed", "clock: last completed or stopped")
    holds(moved, [first, between, "t: 2024-02-15, event: stop", last], [])


# ---------------------------------------------------------------- what a look back sees


def test_a_look_back_sees_no_more_than_the_series_shows() -> None:
    looks = "suspect: exists(psa within 60 d where it >= 5 ng/mL)"
    high = "t: 2024-01-10, psa: 9"
    shown = "at: 2024-02-01, state: suspected"
    holds(rule(looks), [high, "t: 2024-02-01, psa: 1"], [shown])
    late = rule(looks, series=", since: clock + 10 d")
    holds(late, [high, "t: 2024-02-01, psa: 1"], [])
    holds(late, ["t: 2024-01-11, psa: 9", "t: 2024-02-01, psa: 1"], [shown])


# ---------------------------------------------------------------- lines

HIGH = "suspect: psa >= 1 ng/mL"
AFTER = "t: 2024-03-01, psa: 1"
STANDS = "at: 2024-03-01, state: suspected"


def test_adjuvant_treatment_is_no_later_line() -> None:
    adjuvant = "t: 2024-02-01, event: adjuvant_start"
    second = "t: 2024-02-01, event: srt_start"
    holds(rule(HIGH, ends="next-line"), [adjuvant, AFTER], [STANDS])
    holds(rule(HIGH, ends="next-line"), [second, AFTER], [])


def test_a_rule_may_be_for_one_line_only() -> None:
    holds(rule(HIGH, line=", line: 1"), [AFTER], [STANDS])
    holds(rule(HIGH, line=", line: 2"), [AFTER], [])


def test_a_line_needs_a_course() -> None:
    alone = rule(HIGH).replace("condition: prostate-cancer, modality: surgery", "line: 1")
    assert "a rule for the whole patient" in mistakes(alone)
