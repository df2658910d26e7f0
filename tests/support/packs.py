"""The rules and cases that come with the software, read once in a process: it takes a second."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from services.detector.rulebook.library import PACKS, load_cases, load_rules, read_rules, rule_files

if TYPE_CHECKING:
    from services.detector.language.spec import Rule
    from services.detector.rulebook.cases import Case


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule that is in use."""
    return load_rules()


@cache
def written() -> tuple[Rule, ...]:
    """Every rule that has a file, also those that were retired."""
    return read_rules(rule_files(PACKS))


@cache
def cases() -> tuple[Case, ...]:
    """Every case beside a rule."""
    return load_cases()
