"""The rules of this installation: packs read, checked, and overridden by the site."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from services.detector.language import checker, overrides
from services.detector.language.errors import RuleError, RuleErrors
from services.detector.language.reader import read_rule
from services.detector.rulebook.cases import SUFFIX, Case, read_cases

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.detector.language.spec import Rule

PACKS = Path(__file__).parents[1] / "rules"
"""The packs that come with the software."""
CANARY = Path(__file__).with_name("salvage-canary.yaml")
"""The rule of operations' canary: none of the catalogue's."""


def load_rules(folder: Path | None = None, site: Path | None = None) -> tuple[Rule, ...]:
    """Read, check and override all rules of a folder, in the order of their ids.

    Rules that were retired are left out.

    Args:
        folder: where the packs are; by default those that come with the software.
        site: the site's own file of switches, parameters and severities.

    Raises:
        RuleErrors: every mistake in every file, not only the first.
    """
    found = read_rules(rule_files(folder or PACKS))
    rules = tuple(rule for rule in found if rule.retired is None)
    if site is None:
        return rules
    return tuple(overrides.apply(rules, _read(site), str(site)))


def rules_in_force(folder: Path | None = None, site: Path | None = None) -> tuple[Rule, ...]:
    """What patients are judged by: `load_rules`, and the canary's rule where the site wants it.

    Raises:
        RuleErrors: every mistake in every file, not only the first.
    """
    rules = load_rules(folder, site)
    if site is None or not overrides.wants_canary(_read(site), str(site)):
        return rules
    return (*rules, *read_rules([CANARY]))


def read_rules(paths: Iterable[Path]) -> tuple[Rule, ...]:
    """Read and check rule files.

    Raises:
        RuleErrors: every mistake in every file.
    """
    rules: list[Rule] = []
    errors: list[RuleError] = []
    for path in paths:
        rule, found = _checked(_read(path), str(path))
        errors += found
        if rule is not None:
            rules.append(rule)
    errors += _repeated(rules)
    if errors:
        raise RuleErrors(errors)
    return tuple(sorted(rules, key=lambda rule: rule.id))


@lru_cache(maxsize=256)
def _checked(text: str, file: str) -> tuple[Rule | None, tuple[RuleError, ...]]:
    """A rule, if it can be read, and its mistakes; the same text is read once."""
    try:
        rule = read_rule(text, file)
    except RuleErrors as found:
        return None, found.errors
    return rule, tuple(checker.check(rule))


def _repeated(rules: Sequence[Rule]) -> list[RuleError]:
    seen: dict[str, Rule] = {}
    errors = []
    for rule in rules:
        first = seen.setdefault(rule.id, rule)
        if first is not rule:
            errors.append(RuleError(rule.place, f"{rule.id} is already at {first.place}"))
    return errors


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def rule_files(folder: Path) -> tuple[Path, ...]:
    """The rule files under a folder, by name; case files are none."""
    return tuple(p for p in sorted(folder.rglob("*.yaml")) if not p.name.endswith(SUFFIX))


def case_files(folder: Path) -> tuple[Path, ...]:
    """The case files under a folder, by name."""
    return tuple(sorted(folder.rglob(f"*{SUFFIX}")))


def load_cases(paths: Iterable[Path] | None = None) -> tuple[Case, ...]:
    """The cases of the given files; by default those beside the packs.

    Raises:
        RuleError: a file isn't readable as cases.
    """
    chosen = case_files(PACKS) if paths is None else paths
    return tuple(case for path in chosen for case in read_cases(path))
