"""The rules of this installation: they can be read, and do what was released."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from services.commands.checkup.finding import Finding, warning, well, wrong
from services.detector.language.compiler import compile_rule
from services.detector.language.errors import RuleErrors
from services.detector.rulebook import released
from services.detector.rulebook.library import PACKS, read_rules, rule_files, rules_in_force
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.detector.engine.rule import CompiledRule


@cache
def compiled(site: Path | None) -> tuple[CompiledRule, ...]:
    """The rules that `salvage run --site` judges by.

    Raises:
        OperatorError: mistakes in a pack or in the site's file, by file, line and column.
    """
    try:
        return tuple(compile_rule(rule) for rule in rules_in_force(site=site))
    except RuleErrors as error:
        raise OperatorError(str(error)) from error
    except OSError as error:
        raise OperatorError(f"--site: {error.strerror or type(error).__name__}") from error


def packs(site: Path | None) -> Iterator[Finding]:
    """Whether rules and the site's overrides can be used."""
    try:
        number = len(compiled(site))
    except OperatorError as error:
        yield wrong("packs", str(error), "correct the file; `salvage rules check` tells the same")
    else:
        yield well("packs", f"{number} rules judge")


def lock(folder: Path = PACKS) -> Iterator[Finding]:
    """Whether rules do what was recorded of their released versions."""
    path = folder / released.LOCK.name
    try:
        rules = read_rules(rule_files(folder))
        known = released.read_lock(path.read_text(encoding="utf-8"), str(path))
    except (RuleErrors, OSError) as error:
        yield wrong("lock", str(error), "install the release again: its packs are not whole")
        return
    broken, new = released.broken_laws(rules, known, str(path)), released.unreleased(rules, known)
    if broken:
        told = "; ".join(map(str, broken))
        yield wrong("lock", told, "install the release again: a rule was changed in place")
    elif new:
        told = ", ".join(f"{one.rule} version {one.version}" for one in new)
        yield warning("lock", f"not released: {told}", "have them reviewed, `salvage rules lock`")
    else:
        yield well("lock", f"{len(rules)} rules do what was released")
