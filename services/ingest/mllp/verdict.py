"""What a receiver thinks of a message, in the words of HL7: accept, error or reject, and why.

Sources: HL7 v2.8.2 §2.9.2 (processing rules; table 0008) and table 0357 (error codes) (H).

AE: the content is wrong, and the same bytes again would be useless. AR: the type, the version or
the processing id is not supported, or the receiver has a trouble of its own; the message may be
sent again unchanged later.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from schemas.deadletter import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.ingest.coding import Rejected


class Code(StrEnum):
    """The last letter of an acknowledgement code (table 0008): `AA` or `CA`, and so on."""

    ACCEPT = "A"
    ERROR = "E"
    REJECT = "R"


class Fault(IntEnum):
    """HL7 table 0357."""

    SEGMENT_ORDER = 100
    MISSING_FIELD = 101
    DATA_TYPE = 102
    TABLE_VALUE = 103
    TOO_LONG = 104
    MESSAGE_TYPE = 200
    EVENT = 201
    PROCESSING_ID = 202
    VERSION = 203
    UNKNOWN_KEY = 204
    INTERNAL = 207

    @property
    def text(self) -> str:
        """What the table calls it."""
        return _TEXTS[self]


_TEXTS = {
    Fault.SEGMENT_ORDER: "Segment sequence error",
    Fault.MISSING_FIELD: "Required field missing",
    Fault.DATA_TYPE: "Data type error",
    Fault.TABLE_VALUE: "Table value not found",
    Fault.TOO_LONG: "Value too long",
    Fault.MESSAGE_TYPE: "Unsupported message type",
    Fault.EVENT: "Unsupported event code",
    Fault.PROCESSING_ID: "Unsupported processing id",
    Fault.VERSION: "Unsupported version id",
    Fault.UNKNOWN_KEY: "Unknown key identifier",
    Fault.INTERNAL: "Application internal error",
}

_FAULTS = {
    Reason.TOO_LARGE: Fault.INTERNAL,
    Reason.MALFORMED_HL7: Fault.SEGMENT_ORDER,
    Reason.MULTIPLE_MESSAGES: Fault.SEGMENT_ORDER,
    Reason.MISSING_FIELD: Fault.MISSING_FIELD,
    Reason.NO_VALUE: Fault.MISSING_FIELD,
    Reason.BATCH_COUNT: Fault.MISSING_FIELD,
    Reason.BAD_STATUS: Fault.TABLE_VALUE,
    Reason.UNKNOWN_UNIT: Fault.TABLE_VALUE,
    Reason.UNMAPPED_CODE: Fault.TABLE_VALUE,
    Reason.REFUSED_CODE: Fault.TABLE_VALUE,
    Reason.CODE_CONFLICT: Fault.TABLE_VALUE,
    Reason.UNMAPPED_PATIENT: Fault.UNKNOWN_KEY,
    Reason.IDENTITY_CONFLICT: Fault.UNKNOWN_KEY,
    Reason.BAD_MERGE: Fault.UNKNOWN_KEY,
    Reason.MERGE_UNRESOLVED: Fault.UNKNOWN_KEY,
    Reason.UNSUPPORTED_MESSAGE: Fault.MESSAGE_TYPE,
    Reason.UNLINK_UNSUPPORTED: Fault.EVENT,
    Reason.OTHER_RECEIVER: Fault.TABLE_VALUE,
    Reason.REFUSED_PROCESSING: Fault.PROCESSING_ID,
    Reason.UNKNOWN_VERSION: Fault.VERSION,
}
"""Reasons of the reader; every other one is of the form of a field: 102."""
_REJECTS = frozenset({Fault.MESSAGE_TYPE, Fault.EVENT, Fault.PROCESSING_ID, Fault.VERSION})
_ALWAYS = frozenset({Fault.PROCESSING_ID, Fault.VERSION})
_MISROUTED = Reason.OTHER_RECEIVER
"""CHOICE: table 0357 has no code for a wrong receiver. 103, since it is none that we know; AR, as
what is wrong is the route and not the content."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One ERR segment: a code, a place (`OBX[3]-5`), and the reason whose sentence is told."""

    fault: Fault
    place: str | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is thought of a message.

    Attributes:
        code: accept, error or reject.
        problems: why; none with `accept`.
        stands: holds under `custody` too, because the message can't be held for its sender.
        early: found before the content was read: a commit acknowledgement tells it.
        expected: the sequence number to tell in MSA-4, where the sender numbers its messages.
    """

    code: Code = Code.ACCEPT
    problems: tuple[Problem, ...] = ()
    stands: bool = False
    early: bool = False
    expected: int | None = None

    @property
    def positive(self) -> bool:
        """Whether the sender may forget the message."""
        return self.code is Code.ACCEPT


ACCEPTED = Verdict()
UNAVAILABLE = Verdict(Code.REJECT, (Problem(Fault.INTERNAL),), stands=True, early=True)
"""We cannot keep the message: the sender must."""


def refusal(fault: Fault, why: Rejected, *, stands: bool = False) -> Verdict:
    """A refusal before the content was read: its form is wrong (AE)."""
    problem = Problem(fault, why.part, why.reason)
    return Verdict(Code.ERROR, (problem,), stands=stands, early=True)


def rejection(fault: Fault, why: Rejected) -> Verdict:
    """A refusal of what must not come here, whatever its content: AR, in custody too."""
    problem = Problem(fault, why.part, why.reason)
    return Verdict(Code.REJECT, (problem,), stands=True, early=True)


def of_content(rejected: Iterable[Rejected]) -> Verdict:
    """What follows from the parts that the reader refused; accept if it refused none."""
    problems = tuple(Problem(fault_of(one.reason), one.part, one.reason) for one in rejected)
    if not problems:
        return ACCEPTED
    first, misrouted = problems[0].fault, problems[0].reason is _MISROUTED
    reject = first in _REJECTS or misrouted
    code = Code.REJECT if reject else Code.ERROR
    return Verdict(code, problems, stands=first in _ALWAYS or misrouted, early=reject)


def fault_of(reason: Reason) -> Fault:
    """The code of a reason: where the table has none of its own, it is about a field's form."""
    return _FAULTS.get(reason, Fault.DATA_TYPE)


def in_custody(verdict: Verdict) -> Verdict:
    """Under `custody` the sender's duty ends when the bytes are durable, whatever they say."""
    return verdict if verdict.positive or verdict.stands else ACCEPTED
