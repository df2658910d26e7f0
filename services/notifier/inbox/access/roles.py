"""Roles, and what each may do. Which cases somebody sees is another question: their teams' ones.

The roles are those of a care team and of those who look after it; what each may do is ours
(CHOICE), after "least privilege": who runs the machines sees no patient, who reads the audit trail
opens no case.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Role(StrEnum):
    """What somebody is in the house."""

    VIEWER = "viewer"  # reads the cases of their teams
    CLINICIAN = "clinician"  # decides about them
    LEAD = "lead"  # gives them to others, too
    OPS = "ops"  # looks after the machines, and sees no patient
    AUDITOR = "auditor"  # reads who did what


class Right(StrEnum):
    """What a route asks for."""

    READ = "read"  # cases
    DECIDE = "decide"
    ASSIGN = "assign"
    BREAK_GLASS = "break-glass"
    ROSTER = "roster"
    ROUTE = "route"
    RULES = "rules"  # how they do
    SOURCES = "sources"  # who sends, and how they do
    LETTERS = "letters"  # what could not be used: looked at, read again, dropped
    AUDIT = "audit"
    REVIEW = "review"  # what was opened in an emergency


_VIEWER: Final = frozenset({Right.READ, Right.ROSTER})
_CLINICIAN: Final = _VIEWER | {Right.DECIDE, Right.BREAK_GLASS, Right.ROUTE}

RIGHTS: Final[Mapping[Role, frozenset[Right]]] = {
    Role.VIEWER: _VIEWER,
    Role.CLINICIAN: _CLINICIAN,
    Role.LEAD: _CLINICIAN | {Right.ASSIGN, Right.RULES, Right.SOURCES},
    Role.OPS: frozenset(
        {Right.ROSTER, Right.ROUTE, Right.RULES, Right.SOURCES, Right.LETTERS},
    ),
    Role.AUDITOR: frozenset({Right.AUDIT, Right.REVIEW}),
}


def rights_of(roles: Iterable[Role]) -> frozenset[Right]:
    """What somebody with these roles may do."""
    return frozenset().union(*(RIGHTS[role] for role in roles))
