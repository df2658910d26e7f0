"""The canary: a patient of nobody's, by whom operations see whether messages become alerts.

These names are reserved. Only what has both, the authority and the rule, is the canary's: whatever
else is said of such a patient is treated as anybody's, so that nothing can be hidden behind it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from schemas.alerts import AlertRevision

AUTHORITY: Final = "SALVAGE-CANARY"
"""Who assigns its identifiers."""
RULE: Final = "SALVAGE-CANARY"
CONDITION: Final = "salvage-canary"
CHANNEL: Final = "canary"
"""What a site calls the one channel by which it is told of; it tells nobody of anything else."""


def is_canary(patient_id: str) -> bool:
    """Whether an identifier is of the reserved authority."""
    return patient_id.startswith(f"{AUTHORITY}|")


def is_of_canary(revision: AlertRevision) -> bool:
    """Whether an alert is the canary's own."""
    return revision.rule == RULE and is_canary(revision.patient_id)


def sign_of(patient_id: str, taken: datetime) -> str:
    """By what the canary knows that it was heard: whose result it was, and when it was taken."""
    return f"{patient_id.partition('|')[2]}-{taken.astimezone(UTC):%Y%m%d%H%M%S}"


def sign(revision: AlertRevision) -> str | None:
    """The same, of its alert; None if that doesn't tell when."""
    times = [one.at for one in revision.evidence if one.role == "trigger"]
    found = times[0] if times else None
    return sign_of(revision.patient_id, found) if isinstance(found, datetime) else None
