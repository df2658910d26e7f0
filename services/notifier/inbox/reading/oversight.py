"""What is looked at afterwards: the audit trail, and what was opened in an emergency."""

# Not `from __future__ import annotations`: the API's JSON Schema is made from these annotations.

from dataclasses import dataclass
from datetime import datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class AuditLine:
    """A line of the audit trail; `reference` is the case's, if it is of one that is known."""

    number: int
    at: datetime
    reference: str
    by: str
    what: str
    said: str


@dataclass(frozen=True, slots=True)
class AuditView:
    """A page of the audit trail, newest first; `next` is the address of the page before in time."""

    lines: tuple[AuditLine, ...]
    reference: str
    by: str
    what: str
    next: str | None = None


GLASS_REASONS: Final = (
    ("emergency", "Emergency: the patient can't wait for their own team"),
    ("cover", "I cover for the team, and the roster doesn't say so"),
    ("consult", "The team asked me for advice"),
)


@dataclass(frozen=True, slots=True)
class GlassForm:
    """The form that opens another team's case: for how long, and with which reasons."""

    reference: str
    team: str
    minutes: int
    reasons: tuple[tuple[str, str], ...] = GLASS_REASONS
    refused: str = ""


@dataclass(frozen=True, slots=True)
class GlassGrant:
    """One case that somebody opened in an emergency."""

    number: int
    reference: str
    team: str
    by: str
    reason: str
    words: str
    at: datetime
    until: datetime
    reviewed_by: str
    reviewed_at: datetime | None


@dataclass(frozen=True, slots=True)
class GlassReview:
    """Those that nobody has reviewed first, then the others, newest first."""

    grants: tuple[GlassGrant, ...]
