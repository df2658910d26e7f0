# ruff: noqa: E501  # one case in one line, its message whole
"""Sound rules pass; each senseless one is refused with file, line, column and what was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.detector.language.checker import check
from services.detector.language.reader import read_rule

if TYPE_CHECKING:
    from services.detector.language.vocabulary import Terminology

FILE = "prost-test.yaml"


def told(text: str, terminology: Terminology, file: str = FILE) -> list[str]:
    return [str(e).removeprefix(f"{file}:") for e in check(read_rule(text, file), terminology)]


def test_a_sound_rule_has_no_mistakes(good: str, terminology: Terminology) -> None:
    assert told(good, terminology) == []


def test_the_published_tables_agree(good: str) -> None:
    assert check(read_rule(good, FILE)) == []


SENSELESS = [
    # names
    ("psa: {analyte: psa, since", "psa: {analyte: psaa, since", "13:18: unknown analyte 'psaa', did you mean 'psa'?"),
    ("    each: psa\n", "    each: psaa\n", "22:11: unknown series 'psaa', did you mean 'psa'?"),
    ("psa >= $threshold", "psa >= $treshold", "25:23: unknown parameter 'treshold', did you mean 'threshold'?"),
    ("psa > low +", "psa > lwo +", "27:17: unknown name 'lwo', did you mean 'low'?"),
    ("nadir(psa since clock)", "nadri(psa since clock)", "19:8: unknown function 'nadri', did you mean 'nadir'?"),
    ("pet.response in", "pet.respons in", "35:17: unknown field of imaging 'respons', did you mean 'response'?"),
    ("refute: psa <", "refute: last(pet) = x or liver <", "31:30: 'liver' is not the fact in question here (expected a function of it, for example last(liver))"),
    ("  low: nadir", "  pet: nadir", "19:3: the name 'pet' belongs to a series (expected another name)"),
    ("  low: nadir", "  day: nadir", "19:3: the name 'day' belongs to the language (expected another name)"),
    ("low: nadir(psa since clock)", "low: low", "19:8: 'low' is not yet defined (expected a 'let' above it)"),
    ("name: spread", "name: rise", "32:11: a second criterion 'rise' (expected a name of its own)"),
    ("rule: PROST-TEST", "rule: PROST-OTHER", "1:7: rule PROST-OTHER in a file called prost-test.yaml (expected prost-other.yaml)"),
    # functions
    ("nadir(psa since clock)", "nadir()", "19:8: nadir with no arguments (expected nadir(series))"),
    ("nadir(psa since clock)", "nadir(psa, 3)", "19:8: nadir with 2 arguments (expected nadir(series))"),
    ("nadir(psa since clock)", "nadir(3)", "19:14: nadir of something else (expected nadir(series))"),
    ("nadir(psa since clock)", "nadir(liver)", "19:14: nadir would mix alt, ast (expected a series of one analyte)"),
    ("nadir(psa since clock)", "nadir(biopsy)", "19:14: 'biopsy' has no number (expected a series with numbers)"),
    ("refute: psa < 0.1 ng/mL", "refute: rises(psa, 1.5)", "31:24: not a count (expected a whole number above 0)"),
    ("refute: psa < 0.1 ng/mL", "refute: below_limit(it, 3 mg/kg)", "31:29: 'mg/kg' does not measure psa (expected for example ng/mL)"),
    ("refute: psa < 0.1 ng/mL", "refute: date(clock) > clock", "31:18: this is a time (expected a fact)"),
    ("refute: psa < 0.1 ng/mL", "refute: uln(last(pet)) > 3", "31:17: not an observation (expected a fact of a series with an analyte)"),
    # kinds and dimensions
    ("psa < 0.1 ng/mL", "psa < 0.1 mg/kg", "31:19: 'mg/kg' does not measure psa (expected for example ng/mL)"),
    ("psa < 0.1 ng/mL", "psa < 0.1", "31:19: a number without a unit for psa (expected ng/mL)"),
    ("psa < 0.1 ng/mL", "psa < 7 d", "31:13: a value of psa is compared with a duration (expected two of a kind)"),
    ("psa < 0.1 ng/mL", "psa", "31:13: this is a value of psa (expected a condition)"),
    ("psa < 0.1 ng/mL", "psa < 3 foo", "31:19: unknown unit 'foo' (expected a UCUM unit)"),
    ("day >= 84 d", "day >= 84 days", "23:16: unknown unit 'days' (expected 84 d)"),
    ("day >= 84 d", "day >= 6 mo", None),
    ("day >= 84 d", "day >= 6 h", "23:16: a number of days is compared with 'h' (expected d, wk, mo or y)"),
    ("day >= 84 d", "days_since(it) >= 6 mo", "23:27: a number of days is compared with 'mo' (expected d or wk)"),
    ("day >= 84 d", "day >= 84", "23:9: a number of days is compared with a number (expected two of a kind)"),
    ("day >= 84 d", "date >= clock + 48 h", "23:25: hours added to a day (expected d, wk, mo or y)"),
    ("day >= 84 d", "date >= clock + 3", "23:25: this is a number (expected a duration)"),
    ("low + 0.1 ng/mL", "low + 0.1", "27:23: a number without a unit for psa (expected ng/mL)"),
    ("low + 0.1 ng/mL", "low * low", "27:23: a product of two quantities (expected a factor without unit)"),
    ("course.regimen != $profile", "course.regimen > who", "23:25: words have no order for '>' (expected '=' or '!=')"),
    ("course.regimen != $profile", "who = $profile", "23:25: a word on the left (expected a field or a coded fact)"),
    ("course.regimen != $profile", "$profile = who", "23:25: $profile has no choices (expected the key 'choices' beside it)"),
    ("course.regimen != $profile", "low.regimen = who", "23:25: a field of the 'let' 'low' (expected a field of a series)"),
    ("liver > 3 uln", "2 * liver > 3 uln", "35:47: no result whose reference limit is meant (expected a fact)"),
    ("liver > 3 uln", "liver > 2 * 3 uln", "35:59: this is a multiple of a reference limit (expected a number)"),
    ("[alt, ast]", "[alt, psa]", "16:20: analytes in different units (expected a series for each)"),
    ("psa: {analyte: psa, since", "psa: {analyte: PSA, since", "13:18: 'PSA' is another name of an analyte (expected 'psa')"),
    ("refute: psa < 0.1 ng/mL", "refute: below_limit(it, 2 * low)", "31:29: worked out (expected a number or a parameter)"),
    ("psa > low + 0.1 ng/mL", "psa > last(liver)", "27:17: a value of alt, ast is compared with a value of psa (expected a unit such as ng/mL)"),
    ("threshold: {value: 0.20 ng/mL", "threshold: {value: 0.20 mg/kg", "25:23: 'mg/kg' does not measure psa (expected for example ng/mL)"),
    ("threshold: {value: 0.20 ng/mL", "threshold: {value: 0.2 ng/mL | 2 ng/mL", "9:22: alternatives in the same unit (expected a different unit in each)"),
    # periods that nothing can fall into
    ("within: 92 d", "within: 6 d", "30:36: 'within' is shorter than 'after' (expected a longer one)"),
    ("confirm: {after: $gap", "confirm: {after: 14 wk", "30:37: 'within' is shorter than 'after' (expected a longer one)"),
    ("confirm: {after: $gap", "confirm: {more_than: 92 d", "30:40: 'within' is not above 'more_than' (expected a longer one)"),
    ("gap: 7 d", "gap: -7 d", "30:22: a negative duration (expected a minus before it instead)"),
    ("dose within 30 d", "dose within 30 d older than 30 d", "28:34: 'within' is not above 'older than' (expected a longer one)"),
    ("psa since clock)", "psa since clock + 6 mo until clock + 20 wk)", "19:43: a period that ends before it begins (expected not before clock + 6 mo)"),
    ("refute: psa < 0.1 ng/mL", "milestone: {from: clock + 1 y, to: clock + 50 wk}", "31:40: the milestone ends before it begins (expected not before clock + 1 y)"),
    ("psa since clock)", "psa since date - 7 d)", "19:24: 'date' means nothing here: no fact is in question"),
    ("psa since clock)", "psa since date(last(dose)))", "19:24: a period that begins or ends with a fact (expected 'clock')"),
    ("dose within 30 d", "dose within 1 mo", "28:34: a period in 'mo' (expected min, h, d or wk)"),
    ("dose within 30 d", "dose older than 30 d", "28:38: 'older than' without 'within' (expected how far back to look)"),
    ("nadir(psa since clock)", "median(psa since clock)", "19:15: a median of everything (expected 'within': how far back to look)"),
    ("within: 92 d", "within: 3 mo", "30:36: 'within' in 'mo' (expected d or wk)"),
    # promises
    ("misses: [assay changes]\n", "", "1:1: not said what the rule can't see (expected the key 'misses')"),
    ("false_alarms:\n  - infection\n", "", "1:1: not said what it will raise wrongly (expected the key 'false_alarms')"),
    ('source:\n  - {cite: "Cookson 2007, J Urol 177:540", confidence: H}\n', "", "1:1: no citation (expected the key 'source')"),
    ("severity: {suspected: advisory, confirmed: urgent}\n", "", "1:1: no severity for suspected (high) (expected its state or 'default')"),
    ("severity: {suspected: advisory, confirmed: urgent}", "severity: {suspected: advisory}", "37:11: no severity for confirmed (agreed) (expected its state or 'default')"),
    ("{suspected: advisory, confirmed", "{suspected: advisory, agred: urgent, confirmed", "37:33: unknown state or tag 'agred', did you mean 'agreed'?"),
    ("act_within: {agreed", "act_within: {overdue", "38:14: unknown state or tag 'overdue' (expected agreed, confirmed, default, high, refuted, retracted, rising or suspected)"),
    ("{value} {unit} on", "{valeu} {unit} on", "39:46: unknown placeholder 'valeu', did you mean 'value'?"),
    ("{value} {unit} on", "{value {unit} on", "39:46: a brace that doesn't belong (expected placeholders such as {value})"),
    ("readiness: [age, psa]", "readiness: [age, psaa]", "44:18: unknown analyte 'psaa', did you mean 'psa'?"),
    ("ends: [new-line, stopped]", "ends: [newline]", "7:8: unknown end 'newline', did you mean 'new-line'?"),
    # what leads nowhere
    ("course.regimen != $profile", "day > 1 d", "11:3: parameter 'profile' is never used (expected a use, or no such name)"),
    ("psa > low +", "psa >", "19:3: 'let' 'low' is never used (expected a use, or no such name)"),
    ("      - last(biopsy) = positive\n", "", "17:3: series 'biopsy' is never used (expected a use, or no such name)"),
    ('    confirmed:\n      - {when: "pet', '    suspect:\n      - {when: "pet', None),
    ('    confirmed:\n      - {when: "pet', '    tags:\n      - {when: "pet', "32:5: a criterion that can't hold (expected 'suspect' or 'confirmed')"),
    ("refute: psa < 0.1 ng/mL", "refute: {when: psa < 1 ng/mL, confirmed: sure}", "31:13: nothing is confirmed as 'sure' (expected a tag of this criterion)"),
    ("severity: critical}", "grade: 6}", "35:9: no such grade (expected 1 to 5)"),
    # clock and course
    ("clock: last completed\n", "", "12:30: no clock (expected the key 'clock')"),
    ("course: {condition: prostate-cancer, modality: surgery}\n", "", "5:8: a rule for the whole patient (expected the key 'course')"),
    ("kind: failure", "kind: function", "3:7: kind and criteria disagree (expected grades in a function)"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("right", "wrong", "message"), SENSELESS, ids=[f"{r}->{w}" for r, w, _ in SENSELESS]
)
def test_a_senseless_rule_is_refused_with_the_place(
    good: str, terminology: Terminology, right: str, wrong: str, message: str | None
) -> None:
    assert good.count(right) == 1
    found = told(good.replace(right, wrong), terminology)
    assert found == [] if message is None else message in found
    assert len(found) < 5, "one mistake must not be told as many"


OTHER_SHAPES = """\
rule: PROST-TEST
title: t
kind: overdue
plain: p
course: {condition: hiv}
clock: first started
reads:
  psa: {analyte: psa}
  alt: {analyte: alt}
criteria:
  - name: late
    missing: psa
    after:
      - {series: alt, valid_from: date + 3 wk, due: date + 9 wk, tag: soon}
      - {clock: true, valid_from: clock + 5 mo, due: clock + 7 mo}
  - name: up
    each: psa
    tiers: [{tag: early, when: psa >= 0.1 ng/mL}]
  - name: pair
    sequence:
      first: {each: alt, when: it >= 3 uln}
      then: {each: psa, when: it > 2 uln}
      within: 30 d
      unless: {nearest: alt, within: 7 d, when: it >= 2 uln}
      unless_missing: lonely
severity: {default: urgent}
sentence: "{clock}"
misses: [m]
false_alarms: [f]
source: [s]
"""

SHAPELESS = [
    ("due: date + 9 wk", "due: date + 2 wk", "14:53: due before it can be fulfilled (expected not before date + 3 wk)"),
    ("due: clock + 7 mo", "due: 7 mo", "15:54: this is a duration (expected a time)"),
    ("clock: first started\n", "", "14:9: no clock (expected the key 'clock')"),
    ("{tag: early, when", "{when", "18:13: no tag (expected the key 'tag')"),
    ("      unless: {nearest: alt, within: 7 d, when: it >= 2 uln}\n", "", "24:23: 'unless_missing' without 'unless' (expected 'unless' as well)"),
    ("{each: psa, when: it > 2 uln}", "{each: psa, when: pet > 2 uln}", "22:31: unknown name 'pet' (expected alt, clock, date, day, it or psa)"),
    ("within: 30 d", "within: -30 d", "23:15: a negative duration (expected a minus before it instead)"),
    ("severity: {default: urgent}", "severity: {soon: urgent, window: urgent, lonely: urgent}", "26:11: no severity for overdue (expected its state or 'default')"),
    ("missing: psa", "missing: psb", "12:14: unknown series 'psb', did you mean 'psa'?"),
    ("missing: psa", "if: it > 3 ng/mL\n    missing: psa", "12:9: 'it' means nothing here: no fact is in question"),
]  # fmt: skip


def test_the_other_shapes_are_sound_too(terminology: Terminology) -> None:
    assert told(OTHER_SHAPES, terminology) == []


@pytest.mark.parametrize(("right", "wrong", "message"), SHAPELESS, ids=[m for _, _, m in SHAPELESS])
def test_a_senseless_criterion_of_another_shape_is_refused(
    terminology: Terminology, right: str, wrong: str, message: str
) -> None:
    assert OTHER_SHAPES.count(right) == 1
    assert message in told(OTHER_SHAPES.replace(right, wrong), terminology)


def test_a_chain_of_names_that_doubles_is_judged_in_no_time(
    good: str, terminology: Terminology
) -> None:
    chain = "".join(f"  x{i}: x{i - 1} + x{i - 1}\n" for i in range(1, 60))
    text = good.replace("criteria:\n  - name: rise", f"  x0: low\n{chain}criteria:\n  - name: rise")

    assert told(text.replace("psa > low +", "psa > x59 +"), terminology) == []
