# ruff: noqa: E501  # one case in one line, its message whole
"""What can be asked of coded results, hours and spells, and which senseless questions are refused."""

from __future__ import annotations

import pytest

from services.detector.language.checker import check
from services.detector.language.errors import RuleErrors
from services.detector.language.reader import read_rule

TEXT = """\
rule: TEST
title: A test
kind: failure
plain: A test
course: {{condition: malaria, modality: antimicrobial}}
clock: first started
reads:
  acid: {{treatment: any, condition: any, class: ppi, phase: started}}
  culture: {{analyte: blood_culture}}
  psa: {{analyte: psa}}
criteria:
  - name: all
    each: [acid, culture, psa]
    confirmed: >-
      {when}
severity: {{default: advisory}}
sentence: A test.
misses: [nothing]
false_alarms: [nothing]
source: [{{cite: none}}]
"""
ONE = "psa >= 1 ng/mL or finding(culture) = negative or exists(acid)"


def told(when: str, spoilt: tuple[str, str] = ("", "")) -> list[str]:
    good, bad = spoilt
    text = TEXT.format(when=when)
    return mistakes_in(text.replace(good, bad) if good else text)


def mistakes_in(text: str) -> list[str]:
    """Those of its form, else those of its sense."""
    try:
        rule = read_rule(text, "test.yaml")
    except RuleErrors as found:
        return [str(error) for error in found.errors]
    return [str(error).removeprefix("test.yaml:") for error in check(rule)]


@pytest.mark.parametrize(
    "when",
    [
        "organism(culture) in (S_aureus, CoNS)",
        "genus(last(culture)) != candida",
        "hours_since(clock) >= 48 h",
        "48 h < hours_since(last(culture))",
        "days_while(acid where it.phase = started) >= 14 d",
        "settled(culture since clock where finding(it) = negative, 1 wk)",
        "days_since(first_alike(culture within 30 d)) >= 3 d",
    ],
)
def test_what_makes_sense_is_taken(when: str) -> None:
    assert told(f"{ONE} or {when}") == []


SENSELESS = [
    (
        "finding(acid) = negative",
        "not an observation (expected a fact of a series with an analyte)",
    ),
    ("finding(culture) > negative", "words have no order for '>' (expected '=' or '!=')"),
    ("hours_since(clock) >= 2 d", "a number of hours is compared with 'd' (expected h)"),
    (
        "hours_since(clock) >= 48",
        "a number of hours is compared with a number (expected two of a kind)",
    ),
    ("hours_since(date) >= 48 h", "this is a time (expected a fact)"),
    ("days_while(acid) >= 14 d", "days_while of what? (expected 'where': what its facts share)"),
    (
        "days_while(acid within 9 d where it.phase = started) >= 14 d",
        "days_while with a period before the fact in question (expected 'since', 'after' or 'until')",
    ),
    ("settled(culture, 7 d)", "settled of what? (expected 'where': what its facts share)"),
    (
        "settled(culture where finding(it) = negative)",
        "settled with 1 arguments (expected settled(series, duration))",
    ),
    (
        "days_since(first_alike(culture)) >= 3 d",
        "a first alike of everything (expected 'within': how far back to look)",
    ),
]


@pytest.mark.parametrize(("when", "message"), SENSELESS)
def test_what_makes_none_is_refused(when: str, message: str) -> None:
    (mistake,) = told(f"{ONE} or {when}")
    assert mistake.partition(": ")[2] == message


def test_treatment_of_any_condition_is_the_only_other_choice() -> None:
    (mistake,) = told(ONE, ("condition: any", "condition: hiv"))
    assert "hiv" in mistake


TIERS = """\
  - name: tiers
    each: psa
    tiers: [{tag: one, when: psa >= 4 ng/mL}]
    state: confirmed
    escalates: true
    suspect: psa >= 2 ng/mL
    refute: psa < 1 ng/mL
    undecided: {when: psa = 9 ng/mL, because: nine says nothing}
"""
CONDITION = "criteria:\n"


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("psa >= 4 ng/mL", "psa >= 4 ng/mL", None),
        ("suspect: psa >=", "suspect: psaa >=", "name 'psaa'"),
        ("refute: psa < 1", "refute: pss < 1", "name 'pss'"),
        ("when: psa = 9", "when: psb = 9", "name 'psb'"),
        (", because: nine says nothing", "", "no 'because'"),
        ("escalates: true", "escalates: perhaps", "'perhaps'"),
    ],
)
def test_the_parts_of_a_level_are_checked(good: str, bad: str, message: str | None) -> None:
    text = TEXT.format(when=ONE).replace(CONDITION, CONDITION + TIERS.replace(good, bad))
    mistakes = mistakes_in(text)
    assert (not mistakes) if message is None else any(message in one for one in mistakes)
