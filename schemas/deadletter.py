"""Dead letters: records that could not be used, each with a reason from a closed list.

Law of this file: a reason and its detail never quote a value. What was received is kept apart,
in `raw`, for those who may see it.
"""

from __future__ import annotations

import base64
import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field

from schemas.base import Message, Model, Moment, Text, digest

if TYPE_CHECKING:
    from datetime import datetime

RAW_KEPT = 64 * 1024
"""Bytes of the record that a dead letter keeps: enough to see what it was."""


class Reason(StrEnum):
    """Why a record, or a part of it, was not used."""

    EMPTY_INPUT = "empty_input"
    UNREADABLE_FILE = "unreadable_file"
    TRUNCATED_ARCHIVE = "truncated_archive"
    CORRUPT_ARCHIVE = "corrupt_archive"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    NOT_UTF8 = "not_utf8"
    BAD_CHARSET = "bad_charset"
    MALFORMED_JSON = "malformed_json"
    DUPLICATE_KEY = "duplicate_key"
    UNKNOWN_VERSION = "unknown_version"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_FIELD = "unknown_field"
    MISSING_FIELD = "missing_field"
    BAD_FIELD = "bad_field"
    NOT_A_NUMBER = "not_a_number"
    IMPOSSIBLE_DATE = "impossible_date"
    BAD_STATUS = "bad_status"
    NO_VALUE = "no_value"
    UNKNOWN_UNIT = "unknown_unit"
    UNMAPPED_CODE = "unmapped_code"
    REFUSED_CODE = "refused_code"
    CODE_CONFLICT = "code_conflict"
    UNMAPPED_PATIENT = "unmapped_patient"
    IDENTITY_CONFLICT = "identity_conflict"
    BAD_MERGE = "bad_merge"
    MERGE_UNRESOLVED = "merge_unresolved"
    MALFORMED_HL7 = "malformed_hl7"
    BROKEN_FRAME = "broken_frame"
    MULTIPLE_MESSAGES = "multiple_messages"
    BATCH_COUNT = "batch_count"
    UNSUPPORTED_MESSAGE = "unsupported_message"
    UNLINK_UNSUPPORTED = "unlink_unsupported"
    OTHER_RECEIVER = "other_receiver"
    UNSUPPORTED_VALUE = "unsupported_value"
    REFUSED_PROCESSING = "refused_processing"
    NOT_A_RESULT = "not_a_result"
    WEAK_IDENTITY = "weak_identity"
    AMBIGUOUS_VALUE = "ambiguous_value"
    BAD_COMPARATOR = "bad_comparator"
    NO_SUBJECT = "no_subject"
    FOREIGN_REFERENCE = "foreign_reference"
    UNEXPECTED_RESOURCE = "unexpected_resource"
    UNKNOWN_MODIFIER = "unknown_modifier"
    UNKNOWN_SENDER = "unknown_sender"
    TOMBSTONE = "tombstone"
    KEY_MISMATCH = "key_mismatch"
    DEFECT = "defect"

    @property
    def sentence(self) -> str:
        """What it means, for people."""
        return _SENTENCES[self]


_SENTENCES = {
    Reason.EMPTY_INPUT: "There is nothing in it.",
    Reason.UNREADABLE_FILE: "The file is missing or may not be read.",
    Reason.TRUNCATED_ARCHIVE: "The compressed file ends before its end; what follows is lost.",
    Reason.CORRUPT_ARCHIVE: "The compressed file is damaged; what follows cannot be read.",
    Reason.TOO_LARGE: "The record is larger than any clinical record we accept.",
    Reason.TOO_DEEP: "The record is nested deeper than any clinical record is.",
    Reason.NOT_UTF8: "The bytes are not plain UTF-8 text.",
    Reason.BAD_CHARSET: "The bytes are not text in the declared character set.",
    Reason.MALFORMED_JSON: "The line is not one JSON object.",
    Reason.DUPLICATE_KEY: "An object names a field twice, so that readers would disagree.",
    Reason.UNKNOWN_VERSION: "The record has a schema version that was never published.",
    Reason.UNKNOWN_TYPE: "The record is of no type that we know.",
    Reason.UNKNOWN_FIELD: "The record has a field that this type does not have.",
    Reason.MISSING_FIELD: "A required field is missing.",
    Reason.BAD_FIELD: "A field has a form or a value that is not allowed.",
    Reason.NOT_A_NUMBER: "A number is not a finite decimal of a length that laboratories report.",
    Reason.IMPOSSIBLE_DATE: "A date or time does not exist, or its day or its offset is missing.",
    Reason.BAD_STATUS: "The result's status is missing or unknown.",
    Reason.NO_VALUE: "The result carries no value, although its status says that it has one.",
    Reason.UNKNOWN_UNIT: "The unit is missing or cannot be converted exactly; not evaluated.",
    Reason.UNMAPPED_CODE: "The code or analyte is not one that we know; not evaluated.",
    Reason.REFUSED_CODE: "The code names a different quantity than its name suggests; refused.",
    Reason.CODE_CONFLICT: "Code and analyte contradict each other; neither is trusted.",
    Reason.UNMAPPED_PATIENT: "The patient has no identifier with an assigning authority.",
    Reason.IDENTITY_CONFLICT: "The record's identifiers are known to belong to different patients.",
    Reason.BAD_MERGE: "A merge names no patient, or a patient with itself.",
    Reason.MERGE_UNRESOLVED: "A merge into a record that is itself merged away, in a circle.",
    Reason.MALFORMED_HL7: "The bytes are not an HL7 v2 message.",
    Reason.BROKEN_FRAME: "A framed message was cut off before the end of its frame.",
    Reason.MULTIPLE_MESSAGES: "One frame holds several messages without a batch around them.",
    Reason.BATCH_COUNT: "A batch does not hold the number of messages that it announces.",
    Reason.UNSUPPORTED_MESSAGE: "The message is of a type that we do not read.",
    Reason.UNLINK_UNSUPPORTED: "Two records are told apart again, which is not done here; look.",
    Reason.OTHER_RECEIVER: "The message is addressed to another application or facility.",
    Reason.UNSUPPORTED_VALUE: "The result's value is of a type that no rule can read.",
    Reason.REFUSED_PROCESSING: "Test or training traffic is not accepted here.",
    Reason.NOT_A_RESULT: "The entry announces or comments on a result; it is not one.",
    Reason.WEAK_IDENTITY: "The sender gave too little to tell versions of this fact apart safely.",
    Reason.AMBIGUOUS_VALUE: "The result carries several values, and nothing says which one counts.",
    Reason.BAD_COMPARATOR: "The limit's sign is not one of <, <=, > and >=.",
    Reason.NO_SUBJECT: "The record does not say which patient it is about.",
    Reason.FOREIGN_REFERENCE: "A reference leads to another server, and is never followed.",
    Reason.UNEXPECTED_RESOURCE: "The resource, or this kind of Bundle, is not one that is read.",
    Reason.UNKNOWN_MODIFIER: "A modifier that we don't know may reverse what the resource says.",
    Reason.UNKNOWN_SENDER: "No source profile names the sender, or several do.",
    Reason.TOMBSTONE: "The record has a key and no value; nothing is deleted by that.",
    Reason.KEY_MISMATCH: "The record's key is not the patient it is about; neither is trusted.",
    Reason.DEFECT: "Our own code failed at the record; it is kept until that is put right.",
}


OF_THE_CARRIER = frozenset(
    {Reason.EMPTY_INPUT, Reason.UNREADABLE_FILE, Reason.TRUNCATED_ARCHIVE, Reason.CORRUPT_ARCHIVE}
    | {Reason.TOO_LARGE, Reason.BROKEN_FRAME, Reason.BATCH_COUNT, Reason.MULTIPLE_MESSAGES}
)
"""What came broken: nothing whole was kept that could be read again. Its sender has to send it."""


class Where(Model):
    """Where a record stood, as far as it is known."""

    file: Annotated[str, Field(max_length=4096)] | None = None
    line: Annotated[int, Field(ge=1)] | None = Field(default=None, description="first line, from 1")
    topic: Text | None = None
    partition: Annotated[int, Field(ge=0)] | None = None
    offset: Annotated[int, Field(ge=0)] | None = None

    def __str__(self) -> str:
        """`file:line`, as editors and terminals understand it."""
        stream = f"{self.topic}[{self.partition}]@{self.offset}" if self.topic else "input"
        name = self.file if self.file is not None else stream
        return name if self.line is None else f"{name}:{self.line}"


class DeadLetter(Message):
    """A record that could not be used, or could not be used whole."""

    id: Text = Field(description="digest of what was received and of the part refused")
    reason: Annotated[Reason, Field(strict=False)]
    detail: Annotated[str, Field(max_length=2000)] = Field(description="which field, why; no value")
    part: Text | None = Field(default=None, description="the part refused, e.g. `OBX[3]-5`")
    source: Text
    received_at: Moment
    where: Where = Where()
    raw: str = Field(description="the first 64 KiB of what was received, base64")
    raw_size: Annotated[int, Field(ge=0)] = Field(description="bytes received")

    @classmethod
    def of(
        cls,
        raw: bytes,
        reason: Reason,
        detail: str,
        *,
        source: str,
        received_at: datetime,
        part: str | None = None,
        where: Where | None = None,
    ) -> Self:
        """Make the dead letter of a record.

        The same bytes refused at the same part give the same `id`, however often they arrive.
        """
        return cls(
            id=letter_id(raw, part),
            reason=reason,
            detail=detail[:2000],
            part=part,
            source=source,
            received_at=received_at,
            where=where or Where(),
            raw=base64.b64encode(raw[:RAW_KEPT]).decode("ascii"),
            raw_size=len(raw),
        )

    def raw_bytes(self) -> bytes:
        """What was received, or its first 64 KiB."""
        return base64.b64decode(self.raw)


def letter_id(raw: bytes, part: str | None) -> str:
    """The id of the letter about a part of what was received, or about all of it."""
    return digest("deadletter", hashlib.sha256(raw).hexdigest(), part)
