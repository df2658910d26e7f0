"""The vectors of the rule catalogue, straight from its pages, for every rule that we have."""

from __future__ import annotations

import pytest
from support import SHARED, packs, shared

from services.detector.rulebook.cases import Case, read_cases
from services.detector.rulebook.questions import QUESTIONS
from services.detector.rulebook.runner import Status, run_case

PAGES = ("oncology.md", "infectious-and-toxicity.md")


def vectors() -> list[Case]:
    """Those of our rules; none where the catalogue is absent, which the tests then say."""
    ours = {rule.id for rule in packs.rules()} | QUESTIONS.keys()
    pages = [page for name in PAGES if (page := SHARED / "catalogue" / name).exists()]
    return [case for page in pages for case in read_cases(page) if case.rule in ours]


@pytest.mark.parametrize("case", vectors(), ids=lambda case: f"{case.rule}/{case.id}")
def test_a_vector_of_the_catalogue_holds(case: Case) -> None:
    outcome = run_case(case, packs.rules())
    assert outcome.status is Status.PASSED, (outcome.reason, outcome.way, outcome.got)


@pytest.mark.parametrize("name", PAGES)
def test_our_case_files_hold_every_vector_of_the_page(name: str) -> None:
    page = shared("catalogue", name)
    kept = {(case.rule, case.id): case for case in packs.cases()}
    ours = {rule.id for rule in packs.rules()} | QUESTIONS.keys()
    for case in read_cases(page):
        if case.rule in ours:
            assert kept.get((case.rule, case.id)) == case, f"{case.rule} {case.id}"
