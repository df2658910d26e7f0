"""Mutants: every number, comparison and interval, one step away; and the cases that notice."""

from __future__ import annotations

from support.small_rule import SILENT, TEXT, small_cases, small_rule

from services.detector.language.checker import check
from services.detector.rulebook.mutants import mutants, survivors

TOO_EARLY = """\
- id: too-early
  ctx: {rp: 2021-02-01}
  obs:
  - {t: 2022-04-01, psa: 0.20}
  - {t: 2022-04-07, psa: 0.20}
  expect: [{at: 2022-04-01, state: suspected}]
"""
CLEARING = """\
- id: clearing
  ctx: {rp: 2021-02-01}
  obs: [{t: 2021-03-14, psa: 0.40}]
  expect: []
- id: cleared
  ctx: {rp: 2021-02-01}
  obs: [{t: 2021-03-15, psa: 0.40}]
  expect: [{at: 2021-03-15, state: suspected}]
"""


def changes(text: str = TEXT) -> list[tuple[str, str]]:
    return [(each.before, each.after) for each in mutants(small_rule(text))]


def test_one_step_in_every_direction() -> None:
    assert changes() == [
        ("$threshold: 0.2 ng/mL", "$threshold: 0.3 ng/mL"),
        ("$threshold: 0.2 ng/mL", "$threshold: 0.1 ng/mL"),
        ("$gap: 7 d", "$gap: 8 d"),
        ("$gap: 7 d", "$gap: 6 d"),
        ("42 d", "43 d"),
        ("42 d", "41 d"),
        ("psa >= $threshold", "psa > $threshold"),
    ]


def test_a_number_moves_by_one_in_its_last_written_digit() -> None:
    told = changes(TEXT.replace("0.2 ng/mL, about", "0.20 ng/mL, about"))
    assert told[0] == ("$threshold: 0.20 ng/mL", "$threshold: 0.21 ng/mL")


def test_a_duration_in_the_frame_follows_its_parameter() -> None:
    longer = list(mutants(small_rule()))[2].rule
    assert longer.criteria[0].confirm.after.amount == 8  # type: ignore[union-attr]


def test_every_mutant_makes_sense() -> None:
    assert all(check(each.rule) == [] for each in mutants(small_rule()))


def test_a_mutant_that_makes_no_sense_is_none() -> None:
    inner = TEXT.replace("confirm: {after: $gap}", "confirm: {after: $gap, within: 7 d}")
    assert ("$gap: 7 d", "$gap: 8 d") not in changes(inner)
    assert ("$gap: 7 d", "$gap: 6 d") in changes(inner)


def test_what_one_case_leaves_untested() -> None:
    count, left = survivors(small_rule(), small_cases())
    assert count == 7
    assert {(each.before, each.after) for each in left} == {
        ("$threshold: 0.2 ng/mL", "$threshold: 0.1 ng/mL"),
        ("$gap: 7 d", "$gap: 6 d"),
        ("42 d", "43 d"),
        ("42 d", "41 d"),
    }


def test_cases_on_both_sides_catch_every_mutant() -> None:
    whole = small_cases(SILENT.replace("0.19", "0.1"), TOO_EARLY, CLEARING)
    assert survivors(small_rule(), whole) == (7, [])


def test_a_survivor_is_told_with_its_place() -> None:
    _, left = survivors(small_rule(), small_cases(SILENT.replace("0.19", "0.1"), TOO_EARLY))
    assert str(left[0]) == "SMALL-RISE (small-rise.yaml:11:38): 42 d -> 43 d"
