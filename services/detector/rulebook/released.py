"""What was released: for every version of every rule, a digest of what it does.

Laws of this file: what a released version does never changes; who changes it raises the version.
A rule is retired, with date and reason, and never deleted: alerts of the past name it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from services.detector.language.ast import Place
from services.detector.language.errors import RuleError, RuleErrors
from services.detector.language.overrides import version as digest
from services.detector.rulebook.library import PACKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.detector.language.spec import Rule

LOCK: Final = PACKS / "released.lock"
"""The record that comes with the packs."""

_HEADER: Final = (
    "# What every released version of a rule does, as a digest. Written by `salvage rules lock`.\n"
)
_LINE: Final = re.compile(r"([A-Z][A-Z0-9-]*) ([1-9][0-9]*) ([0-9a-f]{16})")


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """One version of one rule."""

    rule: str
    version: int
    behaviour: str

    def __str__(self) -> str:
        return f"{self.rule} {self.version} {self.behaviour}"


def behaviour(rule: Rule) -> str:
    """A digest of when the rule speaks, what it then calls it, and how soon someone must act.

    Words for people (title, sentences, sources, what is said about a parameter) have no part in
    it: correcting a citation is no new version.
    """
    return digest(
        replace(
            rule,
            title="",
            plain="",
            sentence="",
            sentences=(),
            misses=(),
            false_alarms=(),
            options=(),
            readiness=(),
            source=(),
            version=1,
            retired=None,
            params=tuple(replace(each, about="", confidence=None) for each in rule.params),
            act_within=tuple(
                (state, replace(limit, evidence=None)) for state, limit in rule.act_within
            ),
        )
    )


def release_of(rule: Rule) -> Release:
    """The rule as it stands."""
    return Release(rule.id, rule.version, behaviour(rule))


def read_lock(text: str, file: str) -> list[Release]:
    """The releases of a lock file.

    Raises:
        RuleErrors: lines that are no releases, or that come twice.
    """
    found: dict[tuple[str, int], Release] = {}
    errors: list[RuleError] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        release = Release(match[1], int(match[2]), match[3]) if match else None
        if release is None or (release.rule, release.version) in found:
            message = "not a release" if release is None else "a version that is already there"
            errors.append(RuleError(Place(file, number, 1), message, "RULE VERSION DIGEST"))
            continue
        found[release.rule, release.version] = release
    if errors:
        raise RuleErrors(errors)
    return list(found.values())


def written(releases: Iterable[Release]) -> str:
    """The text of a lock file: rules by name, versions in their order."""
    return _HEADER + "".join(f"{release}\n" for release in sorted(releases))


def broken_laws(
    rules: Sequence[Rule], released: Iterable[Release], lock: str = str(LOCK)
) -> list[RuleError]:
    """Where the rules do not keep what was promised of their releases.

    Args:
        rules: all of them, those that were retired included.
        released: the record.
        lock: the name of its file.
    """
    latest = {each.rule: each for each in sorted(released)}
    by_id = {rule.id: rule for rule in rules}
    gone = [
        RuleError(
            Place(lock, 1, 1),
            f"{name} was released and is gone",
            "its file, with `retired: {on: DATE, reason: ...}`",
        )
        for name in latest
        if name not in by_id
    ]
    return gone + [
        error
        for rule in rules
        if (last := latest.get(rule.id)) is not None
        and (error := _broken_by(rule, last)) is not None
    ]


def _broken_by(rule: Rule, last: Release) -> RuleError | None:
    if rule.version < last.version:
        message = f"{rule.id} goes back to version {rule.version}"
        return RuleError(rule.place_of("version"), message, f"{last.version} or higher")
    if rule.version == last.version and behaviour(rule) != last.behaviour:
        message = f"{rule.id} no longer does what version {last.version} did"
        return RuleError(rule.place_of("version"), message, f"version: {last.version + 1}")
    return None


def unreleased(rules: Iterable[Rule], released: Iterable[Release]) -> list[Release]:
    """The rules, or versions of them, that no lock names yet."""
    known = {(each.rule, each.version) for each in released}
    return [release_of(rule) for rule in rules if (rule.id, rule.version) not in known]
