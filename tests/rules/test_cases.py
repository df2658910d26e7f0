"""Every case beside the packs, in every way of delivery; and every rule has telling cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import packs

from services.detector.rulebook.library import PACKS, case_files, load_cases, rule_files
from services.detector.rulebook.questions import QUESTIONS
from services.detector.rulebook.runner import Status, run_case
from services.detector.rulebook.sides import shown
from services.detector.rulebook.ways import WAYS

if TYPE_CHECKING:
    from services.detector.language.spec import Rule
    from services.detector.rulebook.cases import Case

CASES = packs.cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}/{case.id}")
def test_a_case_holds_in_every_way_of_delivery(case: Case) -> None:
    outcome = run_case(case, packs.rules(), WAYS)
    assert outcome.status is Status.PASSED, (outcome.reason, outcome.way, outcome.got)


def test_every_rule_has_its_cases_beside_it() -> None:
    beside = {path.name.removesuffix(".cases.yaml"): path.parent for path in case_files(PACKS)}
    for path in rule_files(PACKS):
        assert beside.get(path.stem) == path.parent, f"{path.stem} has no case file beside it"


def test_every_case_file_is_about_the_rule_that_it_is_named_after() -> None:
    for path in case_files(PACKS):
        named = path.name.removesuffix(".cases.yaml")
        question = named.replace("-", ".")
        wanted = question if question in QUESTIONS else named.upper()
        assert {case.rule for case in load_cases([path])} == {wanted}


@pytest.mark.parametrize("rule", packs.rules(), ids=lambda rule: rule.id)
def test_a_rule_has_a_case_that_fires_and_one_that_stays_silent(rule: Rule) -> None:
    found = shown(rule, [case for case in CASES if case.rule == rule.id])
    assert (found.fires, found.is_silent) == (True, True)
