"""How a case and its history are put in words: states, deeds, dispositions, what happened."""

from __future__ import annotations

from typing import Final

from schemas.actions import Counts, Disposition
from services.notifier.cases.words import CaseState, Channel, Duty
from services.notifier.inbox.reading.deeds import DISPOSITIONS

CASE_STATES: Final[dict[CaseState, tuple[str, str]]] = {
    CaseState.TRIAGE: ("In triage", "a reviewer looks at it first"),
    CaseState.ASSIGNED: ("Assigned", "nobody has acknowledged it yet"),
    CaseState.ACKNOWLEDGED: ("Acknowledged", "somebody has seen it and looks after it"),
    CaseState.IN_PROGRESS: ("In progress", "somebody works on it"),
    CaseState.SNOOZED: ("Snoozed", "put off until later"),
    CaseState.OVERDUE: ("Overdue", "the time to act has passed"),
    CaseState.CLOSED: ("Closed", "nobody has to do anything"),
}

VIEWS: Final[dict[str, str]] = {
    "open": "Open",
    "mine": "Mine",
    "unowned": "Nobody's yet",
    "overdue": "Overdue",
    "snoozed": "Snoozed",
    "closed": "Closed",
}

PAGES: Final[dict[str, str]] = {
    "/": "Worklist",
    "/roster": "On call",
    "/route": "Who is told",
    "/rules": "Rules",
    "/sources": "Sources",
    "/letters": "Dead letters",
    "/audit": "Audit",
    "/glass": "Emergency access",
}

COUNTS: Final[dict[Counts, str]] = {
    Counts.TRUE: "The alert was right, and something was done",
    Counts.APART: "The alert was right, and came too late to help",
    Counts.NEUTRAL: "Says nothing about the rule",
    Counts.FALSE: "The alert was wrong",
}

DEEDS: Final[dict[str, tuple[str, str, str]]] = {
    "acknowledge": ("Acknowledge", "I have seen it, and look after it for now.", "Acknowledged."),
    "start": ("Take it on", "I own it, and work on it.", "The case is yours now."),
    "accept": ("Accept the hand-over", "The case becomes mine.", "The case is yours now."),
    "decline": ("Decline the hand-over", "It stays where it is.", "Declined."),
    "dispose": ("Close with a reason", "What was done, or why nothing is.", "The case is closed."),
    "snooze": ("Snooze", "Bring it back later; never after the time to act.", "Snoozed."),
    "wake": ("End the snooze", "It waits for somebody again.", "The snooze has ended."),
    "assign": ("Assign", "Give it to somebody else at once.", "Assigned."),
    "offer": ("Hand over", "Offer it to the next shift, who must accept.", "Offered."),
    "reopen": ("Reopen", "It was closed in error; it becomes mine.", "The case is yours now."),
    "comment": ("Comment", "For those who read the history.", "The comment is in the history."),
    "wrong": (
        "This alert is wrong",
        "Goes to those who look after the rule; the case stays open.",
        "Thank you: those who look after the rule will read it.",
    ),
}
"""A deed: its button, what it means, and what is said when it was done."""

FIELDS: Final[dict[str, str]] = {
    "disposition": "Reason",
    "note": "Note",
    "words": "In your words",
    "until": "Until",
    "awaiting": "or until a result of this comes",
    "to": "To whom",
    "reason": "Reason",
    "alert": "Which finding",
}

HAPPENED: Final[dict[str, str]] = {
    "owner": "Owner",
    "finding": "Finding",
    "comment": "Comment",
    "wrong": "Said to be wrong",
    "viewed": "Opened",
    "refused": "Refused",
    "held": "Held back",
    "digest": "Listed in a digest",
    "digest-first": "Begins with a digest",
    "settled": "Settled by the record",
    "reopened": "Reopened",
    "new episode": "New episode",
    "delivered": "Message delivered",
    "temporary": "Message failed, is tried again",
    "unknown": "Message may have arrived",
    "permanent": "Message could not be delivered",
    "waits": "Message waits",
    "not-sent": "Message not needed any more",
    "undelivered": "Nobody could be reached so",
    "undeliverable": "No channel for a message",
    "news": "News",
    "alarm": "Urgent news",
    "retime": "Time to act moved",
    "lapse": "Nothing is asked any more",
    "expire": "Acknowledgement ran out",
    "unaccepted": "Hand-over not accepted",
    "announce": "First notice",
    "escalate": "Escalated",
    "recall": "Called again",
    "deadline": "The time to act passed",
    "evidence": "Settled by the record",
    "undo": "Reopened: the record took it back",
    "vacant": "Its owner is in no roster any more",
    "team": "Team",
    "merge": "Its patient's record was merged into another",
    "inherited": "Took over a merged record's case",
    "parted": "The merge was taken back",
    "acknowledge": "Acknowledged",
    "start": "Taken on",
    "snooze": "Snoozed",
    "wake": "Snooze ended",
    "dispose": "Closed",
    "assign": "Assigned",
    "offer": "Offered",
    "accept": "Hand-over accepted",
    "decline": "Hand-over declined",
    "reopen": "Reopened by hand",
    "listed": "Seen in a list",
    "searched": "Found by a search",
    "denied": "Kept from it",
    "audit-read": "Audit trail read",
    "glass-broken": "Opened in an emergency",
    "glass-read": "Emergency access looked through",
    "glass-reviewed": "Emergency access reviewed",
    "letters-replay": "Dead letters read again",
    "letters-drop": "Dead letters dropped",
    "signed-in": "Signed in",
    "signed-out": "Signed out",
}
"""What a line of the history is called; another word stands as it is."""

DUTIES: Final[dict[Duty, str]] = {
    Duty.TRIAGE: "Triage",
    Duty.OWNER: "On call",
    Duty.COVER: "Cover",
    Duty.LEAD: "Lead",
    Duty.DESK: "Desk",
}

CHANNELS: Final[dict[Channel, str]] = {
    Channel.DIGEST: "digest",
    Channel.MESSAGE: "message",
    Channel.PUSH: "push",
    Channel.PHONE: "telephone",
}


def happened(what: str) -> str:
    """What a line of the history is called."""
    return HAPPENED.get(what, what.replace("-", " ").capitalize())


def outcome(word: str) -> str:
    """A state or a disposition of a case, as words; another text stands as it is."""
    if word in set(Disposition):
        return DISPOSITIONS[Disposition(word)].lower()
    named = {str(state): name for state, (name, _) in CASE_STATES.items()}.get(word)
    return named.lower() if named else word.removeprefix("person:")


def disposition_groups(
    choices: tuple[tuple[str, str], ...],
) -> list[tuple[str, list[tuple[str, str]]]]:
    """Dispositions by what they say of the rule, so that fifteen reasons can be overlooked."""
    grouped: dict[Counts, list[tuple[str, str]]] = {counts: [] for counts in COUNTS}
    for value, words in choices:
        grouped[Disposition(value).counts].append((value, words))
    return [(COUNTS[counts], found) for counts, found in grouped.items() if found]
