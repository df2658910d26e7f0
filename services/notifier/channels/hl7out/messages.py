"""A message becomes HL7 v2.5.1. Pure; what it means stands in docs/channels.md.

    mdm   MDM^T02, a document; MDM^T10 with its parent where one is replaced, and MDM^T11 for each
          other document that no longer holds
    oru   ORU^R01, a report of text; what no longer holds comes again as corrected

Sources: HL7 v2.5.1, chapters 2 (encoding, MSH), 3 (PID), 7 (OBR, OBX) and 9 (TXA) (H).
MSH-10 has at most 20 characters in 2.5.1: it is the first 20 digits of the idempotency key.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from schemas.base import digest
from services.notifier.channels.recordtext import record_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.notifier.channels.contract import Message, Record

CONTROL: Final = 20
"""Characters of MSH-10."""
_ESCAPES: Final = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"}
_NOTE: Final = "34109-9^Note^LN"
_NAMELESS: Final = "^^^^^^U"
"""PID-5 is required: a name of type `unspecified` (table 0200), and no name."""


class Ends(NamedTuple):
    """Who speaks to whom.

    Attributes:
        sender: MSH-3 and MSH-4.
        receiver: MSH-5 and MSH-6.
        processing_id: MSH-11: `P` production, `T` training, `D` debugging.
        document_type: TXA-2, of table 0270 or the receiver's own.
    """

    sender: tuple[str, str]
    receiver: tuple[str, str]
    processing_id: str = "P"
    document_type: str = "PN"


class Outgoing(NamedTuple):
    """One message as it is sent, and the MSH-10 by which it is answered."""

    control: str
    text: str


def number_of(key: str) -> str:
    """An idempotency key as a control id and as a document's number."""
    return key[:CONTROL]


def mdm(message: Message, record: Record, ends: Ends, now: datetime) -> list[Outgoing]:
    """As documents, in the order in which they are to be sent."""
    *others, parent = [number_of(key) for key in message.corrects] or [""]
    event = "T10" if parent else "T02"
    cancelled = [_cancelled(other, message, record, ends, now) for other in others]
    control = number_of(message.key)
    segments = [
        *_head(f"MDM^{event}^MDM_T02", control, record, ends, now),
        _segment("PV1", {2: "U"}),
        _txa(message, control, parent, ends, available="AV"),
        *_results(record_lines(message, record), "F"),
    ]
    return [*cancelled, _whole(control, segments)]


def oru(message: Message, record: Record, ends: Ends, now: datetime) -> list[Outgoing]:
    """As one report; what it corrects comes first, under its own number."""
    control = number_of(message.key)
    segments = _head("ORU^R01^ORU_R01", control, record, ends, now)
    for at, key in enumerate(message.corrects, 1):
        segments.append(_obr(at, number_of(key), message, "C"))
        segments += _results([f"Corrected; see {control}: {message.subject}"], "C")
    segments.append(_obr(len(message.corrects) + 1, control, message, "F"))
    segments += _results(record_lines(message, record), "F")
    return [_whole(control, segments)]


def _cancelled(
    number: str, message: Message, record: Record, ends: Ends, now: datetime
) -> Outgoing:
    """MDM^T11: a document is no longer to be looked at."""
    control = digest(message.key, number)[:CONTROL]
    segments = [
        *_head("MDM^T11^MDM_T01", control, record, ends, now),
        _segment("PV1", {2: "U"}),
        _txa(message, number, "", ends, available="CA"),
    ]
    return _whole(control, segments)


def _head(kind: str, control: str, record: Record, ends: Ends, now: datetime) -> list[str]:
    header = [*map(escaped, (*ends.sender, *ends.receiver)), _time(now), "", kind, control]
    msh = ["MSH", "^~\\&", *header, ends.processing_id, "2.5.1", *[""] * 5, "UNICODE UTF-8"]
    authority, _, number = record.patient_id.partition("|")
    who = f"{escaped(number)}^^^{escaped(authority)}^MR"
    pid = _segment("PID", {1: "1", 3: who, 5: _NAMELESS})
    if not kind.startswith("MDM"):
        return ["|".join(msh), pid]
    return ["|".join(msh), _segment("EVN", {2: _time(now)}), pid]


def _txa(message: Message, number: str, parent: str, ends: Ends, available: str) -> str:
    fields = {
        1: "1",
        2: escaped(ends.document_type),
        3: "TX",
        4: _time(message.at),
        6: _time(message.at),
        12: f"{number}^SALVAGE",
        13: f"{parent}^SALVAGE" if parent else "",
        17: "DO",  # documented: nobody has signed it
        19: available,
    }
    return _segment("TXA", fields)


def _obr(at: int, number: str, message: Message, status: str) -> str:
    when = _time(message.at)
    fields = {1: str(at), 3: f"{number}^SALVAGE", 4: _NOTE, 7: when, 22: when, 25: status}
    return _segment("OBR", fields)


def _results(lines: list[str], status: str) -> Iterator[str]:
    for at, line in enumerate(lines, 1):
        text = escaped(line)
        yield _segment("OBX", {1: str(at), 2: "TX", 3: _NOTE, 4: str(at), 5: text, 11: status})


def _segment(name: str, fields: dict[int, str]) -> str:
    last = max(at for at, text in fields.items() if text)
    return "|".join([name, *(fields.get(at, "") for at in range(1, last + 1))])


def _whole(control: str, segments: list[str]) -> Outgoing:
    return Outgoing(control, "".join(f"{segment}\r" for segment in segments))


def escaped(text: str) -> str:
    """A text as a value: delimiters escaped, control characters left out."""
    return "".join(_ESCAPES.get(sign, sign) for sign in text if sign >= " " and sign != "\x7f")


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000")
