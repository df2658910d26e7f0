"""The rulebook as a whole: released as recorded, complete, and proved by its cases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from support import packs, shared

from services.detector.rulebook.mutants import survivors
from services.detector.rulebook.released import LOCK, broken_laws, read_lock, unreleased

if TYPE_CHECKING:
    from services.detector.language.spec import Rule

MISSED = 10
"""Of so many mutants of a rule its cases may miss one; of a part of so many, too."""
MOST = 24
"""Mutants of a rule that are looked at here; `salvage rules mutate` has all."""
PAGES = ("oncology.md", "infectious-and-toxicity.md")
BEYOND_THE_CATALOGUE = {"HIV-RESISTANCE"}
_RULE = re.compile(r"^rule: ([A-Z0-9-]+)$", re.MULTILINE)


def test_every_rule_does_what_its_released_version_did() -> None:
    known = read_lock(LOCK.read_text(), str(LOCK))
    standing = packs.written()
    assert [str(error) for error in broken_laws(standing, known)] == []
    assert unreleased(standing, known) == [], "run `salvage rules lock`"


@pytest.mark.timeout(600)  # some have over a hundred mutants
@pytest.mark.parametrize("rule", packs.rules(), ids=lambda rule: rule.id)
def test_the_cases_of_a_rule_notice_if_it_says_something_else(rule: Rule) -> None:
    count, left = survivors(rule, [case for case in packs.cases() if case.rule == rule.id], MOST)
    assert len(left) <= -(-count // MISSED), "\n".join(map(str, left))


def test_the_packs_are_the_rules_of_the_catalogue_and_one_more() -> None:
    wanted = {
        found for page in PAGES for found in _RULE.findall(shared("catalogue", page).read_text())
    }
    assert {rule.id for rule in packs.rules()} == wanted | BEYOND_THE_CATALOGUE
