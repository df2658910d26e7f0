"""What the notifier asks of a channel, and what a channel tells it. Words only, no I/O.

The notifier decides whether, to whom, how urgently and when again; a channel carries.

    outcome       what is known                           what the notifier does
    delivered     the peer has taken it over              nothing more
    temporary     nothing was taken; later it may be      again, with jitter, within the rung
    permanent     nothing was taken, and never will be    another channel, else the next rung, now
    unknown       it may have been taken                  again, same key, marked as a duplicate

A channel keeps nothing between two messages that the notifier couldn't tell it again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, Protocol, runtime_checkable

from pydantic import Field

from schemas.actions import Disposition
from schemas.alerts import AlertRevision, Severity
from schemas.base import Model, Moment, Text
from services.notifier.cases.words import CaseState, Cause, Party, Urgency
from services.notifier.cases.words import Channel as Strength

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta


class Kind(StrEnum):
    """What sort of message it is."""

    ALERT = "alert"
    CORRECTION = "correction"  # something that was told does not hold, or has settled itself
    DIGEST = "digest"  # several cases that could wait, or that were too many
    TEST = "test"  # somebody tries the channel; it asks nothing
    EMERGENCY = "emergency"  # somebody opened another team's case in an emergency
    CLOSED = "closed"  # a case asks nothing any more; only for what `Closes` work in the record


class Record(Model):
    """The case itself, for channels that write into the hospital's own record, and for no other.

    All of it is a patient's. It never goes into a subject, a text for people, an address or a log.

    Attributes:
        case_id: our own id of the case.
        state: where the case stands.
        owner: who has it.
        alerts: every alert of the case in its latest revision, retracted ones included.
        closed_at: of a closed case since when.
        disposition: why a person closed it.
        settled: whether an event of the record closed it.
        reference: the case's name outside the house, as in `Message`.
        link: where the inbox shows it.
    """

    case_id: Text
    reference: Text | None = None
    link: Text | None = None
    patient_id: Text
    course_id: Text | None = None
    state: Annotated[CaseState, Field(strict=False)]
    owner: Party
    alerts: tuple[AlertRevision, ...] = Field(default=(), strict=False)
    closed_at: Moment | None = None
    disposition: Annotated[Disposition, Field(strict=False)] | None = None
    settled: bool = False


class Message(Model):
    """One message for one recipient. All but `record` and `recipient` may leave the house.

    Attributes:
        key: idempotency key: the same for every attempt, another for every other message.
            32 hex digits; it tells nothing of a patient.
        duplicate: an earlier attempt may have arrived; the message must say that it may be a repeat
            (`subject` and `text` say so already).
        at: when the notifier decided to tell; the same for every attempt.
        subject: one line.
        text: plain text of a few lines, links included.
        reference: the case's name outside the house; the same in all messages of a case. None where
            a message is about several cases or none.
        links: where the inbox shows it, one for each case; empty for a test.
        corrects: keys of the messages to this recipient that no longer hold.
        expires_at: from then on somebody else is told instead; a channel need not try longer.
        addresses: of the recipient on this channel, first to try first; empty if it needs none.
    """

    key: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    kind: Annotated[Kind, Field(strict=False)]
    duplicate: bool = False
    at: Moment
    subject: Text
    text: Annotated[str, Field(min_length=1, max_length=8192)]
    reference: Text | None = None
    links: tuple[Text, ...] = Field(default=(), strict=False)
    corrects: tuple[Text, ...] = Field(default=(), strict=False)
    cause: Annotated[Cause, Field(strict=False)] | None = None
    severity: Annotated[Severity, Field(strict=False)] | None = None
    urgency: Annotated[Urgency, Field(strict=False)] | None = None
    act_by: Moment | None = None
    expires_at: Moment | None = None
    team: Text | None = None
    recipient: Party
    addresses: tuple[Text, ...] = Field(default=(), strict=False)
    record: Record | None = Field(default=None, repr=False)


class Result(StrEnum):
    """What is known after an attempt."""

    DELIVERED = "delivered"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"


class Outcome(NamedTuple):
    """What became of an attempt.

    Attributes:
        result: see the table above.
        reason: a word or a code of ours or of the protocol (`smtp-550`, `timeout-after-data`);
            never the peer's own text, which may quote what it was sent.
        receipt: the peer's own id for it, where it gave one.
        retry_after: how long the peer asked to be left alone.
    """

    result: Result
    reason: str = ""
    receipt: str | None = None
    retry_after: timedelta | None = None


def delivered(receipt: str | None = None) -> Outcome:
    """The peer has taken it over."""
    return Outcome(Result.DELIVERED, receipt=receipt)


def temporary(reason: str, retry_after: timedelta | None = None) -> Outcome:
    """Nothing was taken; later it may be."""
    return Outcome(Result.TEMPORARY, reason, retry_after=retry_after)


def permanent(reason: str) -> Outcome:
    """Nothing was taken, and never will be."""
    return Outcome(Result.PERMANENT, reason)


def unknown(reason: str) -> Outcome:
    """It may have been taken."""
    return Outcome(Result.UNKNOWN, reason)


class Channel(Protocol):
    """Carries messages one way. Made from its settings; opened and closed by the notifier."""

    @property
    def name(self) -> str:
        """What the site's settings call it; label of metrics and of attempts."""
        ...

    @property
    def strengths(self) -> frozenset[Strength]:
        """The classes of notices that it may carry (`digest`, `message`, `push`, `phone`).

        Empty for a channel that writes into the record: it gets one message for each new thing
        that is told or taken back of a case, with `Message.record`, whoever was told of it.
        """
        ...

    @property
    def timeout(self) -> timedelta:
        """How long one attempt may last at most; the lease of an attempt is longer than that."""
        ...

    async def open(self) -> None:
        """Get ready: read secrets, negotiate. Once, before the first message.

        Raises:
            OperatorError: the settings can't be used; it names the setting, never its value.
        """
        ...

    async def send(self, message: Message) -> Outcome:
        """Try once, within `timeout`, and say what is known. Several may run at the same time.

        What a peer does is an outcome, never an exception; one that is raised all the same counts
        as `unknown`, because nobody knows what had left by then.
        """
        ...

    async def close(self) -> None:
        """Let go of everything; sends under way have ended."""
        ...


@runtime_checkable
class Closes(Protocol):
    """A channel that opens work in the record, and ends it when it is told `Kind.CLOSED`.

    `Message.corrects` then has the keys of all that it may have written of the case.
    """

    closes: Literal[True]


class OpenCases(Protocol):
    """For those who ask for the cases of a patient (CDS Hooks); the notifier's store answers."""

    async def open_cases(self, patient_id: str) -> Sequence[Record]:
        """The patient's open cases, gravest first."""
        ...
