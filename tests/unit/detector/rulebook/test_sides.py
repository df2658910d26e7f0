"""What the cases of a rule show of it: which comparisons came out both ways."""

from __future__ import annotations

from support.small_rule import SILENT, TEXT, small_cases, small_rule

from services.detector.rulebook.sides import one_sided, shown


def told(*more: str) -> list[tuple[str, str]]:
    return [(each.text, each.told) for each in one_sided(small_rule(), small_cases(*more))]


def test_a_comparison_that_no_case_made_false() -> None:
    assert told() == [("psa >= 0.2 ng/mL", "never false")]


def test_both_sides_are_shown() -> None:
    assert told(SILENT) == []


def test_without_a_case_nothing_was_asked() -> None:
    found = one_sided(small_rule(), ())
    assert [(each.seen, each.told) for each in found] == [(None, "never asked")]


def test_a_case_with_another_parameter_speaks_of_the_same_comparison() -> None:
    other = SILENT.replace("- id: just-below", "- id: x")
    whole = "rule: SMALL-RISE\nparams: {threshold: 0.5}\ncases:\n" + other.replace("0.19", "0.3")
    cases = small_cases("---\n" + whole)
    assert one_sided(small_rule(), cases) == []


def test_gaps_are_said_in_words() -> None:
    only_loud = shown(small_rule(), small_cases())
    assert (only_loud.cases, only_loud.fires, only_loud.is_silent) == (1, True, False)
    assert only_loud.gaps == [
        "no case in which it is silent",
        "not on both sides: small-rise.yaml:15:14: psa >= 0.2 ng/mL: never false",
    ]
    assert shown(small_rule(), small_cases(SILENT)).gaps == []
    assert shown(small_rule(TEXT), small_cases(SILENT)[1:]).gaps[0] == "no case in which it fires"
