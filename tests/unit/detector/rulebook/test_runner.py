"""Cases run through the replay: they pass, they fail where they should, and they fail alike."""

from __future__ import annotations

import pytest
from support import packs

from services.detector.language.ast import NOWHERE, Quantity
from services.detector.language.errors import RuleError
from services.detector.rulebook.cases import Case, parse_cases
from services.detector.rulebook.runner import Status, run_case, with_parameters
from services.detector.rulebook.ways import WAYS

STORY = """\
rule: PROST-BCR-RP
{params}cases:
- id: A
  ctx: {{rp: 2021-02-01}}
  obs:
  - {{t: 2021-04-01, psa: <0.01}}
  - {{t: 2022-04-01, psa: 0.20}}
  - {{t: 2022-06-01, psa: {second}}}
  expect: {expect}
"""
BOTH = "[{at: 2022-04-01, state: suspected}, {at: 2022-06-01, state: confirmed}]"


def story(expect: str = BOTH, second: str = "0.20", params: str = "") -> Case:
    return parse_cases(STORY.format(expect=expect, second=second, params=params), "x")[0]


def test_a_case_that_holds_passes() -> None:
    assert run_case(story(), packs.rules()).status is Status.PASSED


@pytest.mark.parametrize("way", WAYS)
def test_a_case_that_does_not_hold_fails_in_every_way(way: str) -> None:
    outcome = run_case(story(second="0.19"), packs.rules(), [way])
    assert (outcome.status, outcome.way) == (Status.FAILED, way)
    assert outcome.expected[1] == "at: 2022-06-01, state: confirmed"
    assert outcome.got[1].startswith("at: 2022-06-01T12:00, state: refuted")


def test_parameters_of_a_case_replace_those_of_the_rule() -> None:
    raised = story(params="params: {threshold: 0.4}\n")
    assert run_case(raised, packs.rules()).status is Status.FAILED
    silent = story(expect="[]", params="params: {threshold: 0.4}\n")
    assert run_case(silent, packs.rules()).status is Status.PASSED


def test_a_case_of_no_rule_of_ours_fails() -> None:
    outcome = run_case(story(), ())
    assert (outcome.status, outcome.reason) == (Status.FAILED, "there is no rule PROST-BCR-RP")


def test_a_case_that_can_not_be_told_fails() -> None:
    outcome = run_case(story(params="params: {treshold: 0.4}\n"), packs.rules())
    assert outcome.status is Status.FAILED
    assert "has no parameter `treshold`" in outcome.reason


def test_timers_run_up_to_the_end_of_the_day_that_is_named() -> None:
    text = (
        "rule: LYM-RESTAGE-OVERDUE\ncases:\n- id: A\n  obs:\n"
        "  - {{t: 2024-05-20, event: chemo_dose}}\n  until: {until}\n  expect: {expect}\n"
    )
    (before,) = parse_cases(text.format(until="2024-07-21", expect="[]"), "x")
    overdue = "[{at: 2024-07-22, state: overdue}]"
    (on_the_day,) = parse_cases(text.format(until="2024-07-22", expect=overdue), "x")
    assert run_case(before, packs.rules()).status is Status.PASSED
    assert run_case(on_the_day, packs.rules()).status is Status.PASSED


def test_a_bare_number_takes_the_unit_of_the_parameter() -> None:
    (rule,) = [each for each in packs.rules() if each.id == "PROST-BCR-RP"]
    changed = with_parameters(rule, {"threshold": "0.40"}, NOWHERE).parameter("threshold")
    assert changed is not None
    assert isinstance(changed.value, Quantity)
    assert (str(changed.value.value), changed.value.unit) == ("0.40", "ng/mL")


def test_a_parameter_is_one_value() -> None:
    (rule,) = [each for each in packs.rules() if each.id == "PROST-BCR-RP"]
    with pytest.raises(RuleError, match="not a single value"):
        with_parameters(rule, {"threshold": {"psa": "1"}}, NOWHERE)
