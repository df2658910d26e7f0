"""What rules ask of parameters that are words, of a baseline's age, of waits; mistakes in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.detector.language.ast import Name
from services.detector.language.checker import check
from services.detector.language.compiler import compile_rule
from services.detector.language.errors import RuleErrors
from services.detector.language.overrides import apply
from services.detector.language.reader import read_rule

if TYPE_CHECKING:
    from services.detector.language.spec import Rule

TEXT = """\
rule: TEST-CHOICE
title: A choice
kind: failure
plain: A choice
course: {condition: hiv, modality: antiretroviral}
clock: first started
params:
  profile: {value: DHHS, choices: [DHHS, IAS, BHIVA], about: "made up", confidence: E}
reads:
  hiv_rna: {analyte: hiv_rna}
  change: {treatment: antiretroviral, phase: started}
criteria:
  - name: high
    each: hiv_rna
    suspect: >-
      hiv_rna > 200 {copies}/mL or ($profile = DHHS and hiv_rna >= 200 {copies}/mL)
    confirm: {after: 14 d}
  - name: slow
    each: hiv_rna
    if: $profile in (IAS, BHIVA)
    confirmed: log_drop(baseline(hiv_rna, 90 d)) < 1 and date_known(hiv_rna) > clock
  - name: waiting
    unanswered: high
    answer: [{each: change, when: date > clock}]
    due:
      - {after: 30 d, tag: first}
      - {after: 60 d, tag: second}
severity: {default: advisory}
sentence: A choice.
misses: [nothing]
false_alarms: [nothing]
source: [{cite: none}]
"""


def rule(text: str = TEXT) -> Rule:
    return read_rule(text, "test-choice.yaml")


def mistakes(right: str, wrong: str) -> list[str]:
    assert TEXT.count(right) == 1
    try:
        found = check(rule(TEXT.replace(right, wrong)))
    except RuleErrors as errors:
        found = list(errors.errors)
    return [str(one).removeprefix("test-choice.yaml:") for one in found]


def test_it_is_sound_and_compiles() -> None:
    assert [str(one) for one in check(rule())] == []
    assert [machine.name for machine in compile_rule(rule()).machines] == ["slow", "waiting"]


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("$profile = DHHS", "$profile = WHO", "unknown choice of $profile 'WHO'"),
        ("(IAS, BHIVA)", "(IAS, BHIVAA)", "unknown choice of $profile 'BHIVAA'"),
        ("value: DHHS,", "value: WHO,", "no choice of $profile (expected DHHS, IAS or BHIVA)"),
        ("value: DHHS,", "value: 3,", "no choice of $profile"),
        (" choices: [DHHS, IAS, BHIVA],", "", "$profile has no choices"),
        ("hiv_rna, 90 d)", "hiv_rna, 9 h)", "a period in 'h' (expected d, wk, mo or y)"),
        ("hiv_rna, 90 d)", "hiv_rna, 90)", "this is a number (expected a duration)"),
        ("log_drop(baseline(hiv_rna, 90 d))", "log_drop(clock)", "this is a time"),
        ("log_drop(baseline(hiv_rna, 90 d))", "log_drop(count(hiv_rna))", "this is a number"),
        ("log_drop(baseline(hiv_rna, 90 d))", "log_drop(last(change))", "not an observation"),
        ("date_known(hiv_rna)", "date_known(clock)", "this is a time (expected a fact)"),
        ("unanswered: high", "unanswered: hihg", "unknown criterion 'hihg', did you mean 'high'?"),
        ("unanswered: high", "unanswered: waiting", "unknown criterion 'waiting'"),
        ("each: change, when", "each: chnage, when", "unknown series 'chnage'"),
        ("after: 60 d", "after: 30 d", "days that do not rise (expected the earliest first)"),
        ("after: 60 d", "after: 2 mo", "'after' in 'mo' (expected d or wk)"),
        ("    answer: [{each: change, when: date > clock}]\n", "", "'answer'"),
    ],
)
def test_a_mistake_is_told_with_what_was_expected(right: str, wrong: str, message: str) -> None:
    assert any(message in told for told in mistakes(right, wrong)), mistakes(right, wrong)


def test_a_site_chooses_among_the_choices_only() -> None:
    (other,) = apply([rule()], "rules: {TEST-CHOICE: {params: {profile: IAS}}}", "site.yaml")
    assert other.parameter("profile").value == Name("IAS")  # type: ignore[union-attr]
    with pytest.raises(RuleErrors, match=r"no choice of \$profile"):
        apply([rule()], "rules: {TEST-CHOICE: {params: {profile: WHO}}}", "site.yaml")


def test_what_serves_another_criterion_says_nothing_itself() -> None:
    assert rule().serving == {"high"}
    severity = "severity: {suspected: urgent, default: advisory}"
    unsaid = mistakes("severity: {default: advisory}", severity)
    assert any("unknown state or tag 'suspected'" in told for told in unsaid)
