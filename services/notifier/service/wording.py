"""What a message says: that a case needs somebody, how urgently, and where to look.

No name, no diagnosis, no drug, no value, no rule: those are read in the inbox, after a log-in.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from services.notifier.cases.words import Cause, Urgency
from services.notifier.channels.contract import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from services.notifier.delivery.parcels import Opened, Parcel

REPEAT: Final = "This may be a repeat of an earlier message."
_WHY: Final[dict[Cause, str]] = {
    Cause.HIGHER_SEVERITY: "A case of yours has become more severe.",
    Cause.NEW_FINDING: "A case has a new finding.",
    Cause.EARLIER_DEADLINE: "There is less time for a case than you were told.",
    Cause.RETRACTION: "Something that you were told of a case does not hold: data were corrected.",
    Cause.RESOLVED: "Something that you were told of a case has settled itself.",
    Cause.CORRECTION: "A case was closed because of an event that was entered in error.",
    Cause.OVERDUE: "The time to act on a case has passed, and nobody has closed it.",
    Cause.UNANSWERED: "A case waits, and nobody has answered.",
    Cause.EXPIRED: "The time that somebody had for a case has run out.",
    Cause.SNOOZE_ENDED: "A case that was put off needs somebody again.",
    Cause.ASSIGNED: "A case was given to you.",
    Cause.HAND_OVER: "A case is offered to you; it stays with its owner until you accept.",
    Cause.MERGED: "Two records are one patient's: somebody else has the case that was yours.",
}


class Wording(NamedTuple):
    """One line, and a few."""

    subject: str
    text: str


def worded(parcel: Parcel, links: Sequence[str], zone: ZoneInfo, *, duplicate: bool) -> Wording:
    """The words of a message, with times in the recipient's zone."""
    lines = [*_lines(parcel, zone), *links]
    lines += [REPEAT] if duplicate else []
    return Wording(_subject(parcel, duplicate=duplicate), "\n".join(lines))


def _subject(parcel: Parcel, *, duplicate: bool) -> str:
    count = len(parcel.references)
    match parcel.kind:
        case Kind.CORRECTION:
            said = "Correction to a case"
        case Kind.DIGEST:
            said = f"{count} cases for you" if count != 1 else "1 case for you"
        case Kind.TEST:
            said = "Test of this channel"
        case Kind.CLOSED:
            said = "A case is closed"
        case Kind.EMERGENCY:
            said = "Emergency access to a case"
        case Kind.ALERT:
            said = f"{_urgency(parcel)}: a case needs you"
    return f"salvage-watch: {said}" + (" (may be a repeat)" if duplicate else "")


def _urgency(parcel: Parcel) -> str:
    return "Urgent" if parcel.urgency is Urgency.URGENT else "Notice"


def _lines(parcel: Parcel, zone: ZoneInfo) -> Iterator[str]:
    if parcel.kind is Kind.TEST:
        yield "Somebody tries whether this channel works. Nothing is asked of you."
    if parcel.kind is Kind.DIGEST:
        yield "These cases wait for you:"
    if parcel.kind is Kind.CLOSED:
        yield "Nothing is asked of anybody any more."
    if parcel.cause is not None:
        yield _WHY[parcel.cause]
    if parcel.opened is not None:
        yield from _opened(parcel.opened, parcel.at, zone)
    yield from _standing(parcel)
    if parcel.act_by is not None:
        yield f"Act by: {_local(parcel.act_by, zone)}."


def _opened(opened: Opened, at: datetime, zone: ZoneInfo) -> Iterator[str]:
    yield f"{opened.by} opened another team's case in an emergency, at {_local(at, zone)}."
    yield f"Reason: {opened.reason}. It can be read until {_local(opened.until, zone)}."
    yield f"Case: {opened.reference}. It waits for review in the inbox, under emergency access."


def _standing(parcel: Parcel) -> Iterator[str]:
    """What there is left to look after; of a correction perhaps nothing."""
    if parcel.kind is Kind.CORRECTION and not parcel.findings:
        yield "Nothing else stands in this case."
    elif parcel.severity is not None:
        yield f"Severity: {parcel.severity}. Findings: {parcel.findings}."
    if parcel.team is not None:
        yield f"Team: {parcel.team}."


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M %z")
