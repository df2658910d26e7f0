"""Acknowledgements: pure, in the sender's own delimiters and character set.

Source: HL7 v2.8.2 §2.9.2 to §2.9.4, §2.10.1, §2.14.8 (MSA), §2.14.5 (ERR) (H).

Laws of this file:
- MSA-2 is MSH-10 of the original, byte for byte;
- what a message says beyond MSH is never repeated to anybody;
- an acknowledgement is never acknowledged: two systems would do so for ever.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from services.ingest.hl7v2.codec import Delimiters, Refused, Segment, parse
from services.ingest.mllp.verdict import ACCEPTED, Code, Problem, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

CR = "\r"
MOST_PROBLEMS = 10
"""ERR segments in one answer; a sender that is told ten faults looks at the message."""

_USUAL = Delimiters("|", "^", "~", "\\", "&")
_LINE_END = re.compile(rb"[\r\n]")
_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-(\d+))?")
_ERL_SINCE = (2, 5)
"""ERR-2 to ERR-8 came with v2.5; before, ERR-1 held place and code."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an answer needs of us: its own control id (letters and digits), and the time."""

    control: str
    at: datetime


def read_header(raw: bytes, charset: str) -> tuple[Segment, Refused | None]:
    """MSH, as far as it can be read; and why it can't be read whole.

    Args:
        raw: a message, or the beginning of one.
        charset: Python's name of the character set where MSH-18 is empty.

    Returns:
        The header. One that can't be read in its character set is read byte by byte, so that it
        can be answered; one without legal delimiters is empty.
    """
    line = _LINE_END.split(raw, maxsplit=1)[0]
    try:
        return parse(line, charset).header, None
    except Refused as refused:
        return _fallback(line), refused


def _fallback(line: bytes) -> Segment:
    text = line.decode("latin-1")
    try:
        delimiters = Delimiters.read(text if text.startswith("MSH") else "")
    except Refused:
        return Segment("MSH", ("|", "^~\\&"), _USUAL, "latin-1")
    fields = text[4:].split(delimiters.field)
    return Segment("MSH", (delimiters.field, *fields), delimiters, "latin-1")


def answers(header: Segment, verdict: Verdict, stamp: Stamp) -> list[bytes]:
    """The answers to one message, in the order in which they are sent; none if none is wanted."""
    if header.get(9).upper() == "ACK":
        return []
    if not (header.raw(15) or header.raw(16)):
        return [_answer(header, "A", verdict, stamp)]
    return list(_enhanced(header, verdict, stamp))


def _enhanced(header: Segment, verdict: Verdict, stamp: Stamp) -> Iterator[bytes]:
    """First whether we have it, then what we think of it; each only if it is asked for."""
    commit = verdict if verdict.early else ACCEPTED
    if _wanted(header.get(15), commit):
        own = Stamp(stamp.control + "C", stamp.at)
        yield _answer(header, "C", commit, own)
    if not verdict.early and _wanted(header.get(16), verdict):
        yield _answer(header, "A", verdict, stamp)


def _wanted(condition: str, verdict: Verdict) -> bool:
    """Table 0155; in the enhanced mode an empty field means never."""
    wanted = {"": False, "NE": False, "ER": not verdict.positive, "SU": verdict.positive}
    return wanted.get(condition.upper(), True)


def _answer(header: Segment, mode: str, verdict: Verdict, stamp: Stamp) -> bytes:
    marks = header.delimiters
    expected = "" if verdict.expected is None else str(verdict.expected)
    msa = ["MSA", mode + verdict.code, header.raw(10), "", expected]
    lines = [_msh(header, stamp), msa]
    lines += [_err(header, one) for one in verdict.problems[:MOST_PROBLEMS]]
    text = "".join(marks.field.join(line).rstrip(marks.field) + CR for line in lines)
    return text.encode(header.charset)


def _msh(header: Segment, stamp: Stamp) -> list[str]:
    event = _plain(header.get(9, 2))
    kind = header.delimiters.component.join(["ACK", event, "ACK"]) if event else "ACK"
    fields = [f"MSH{header.delimiters.field}{header.raw(2)}"]
    fields += [header.raw(number) for number in (5, 6, 3, 4)]
    fields += [
        _instant(stamp.at, header.delimiters),
        "",
        kind,
        stamp.control,
        header.raw(11),
        header.raw(12),
    ]
    return [*fields, "", "", "", "", "", header.raw(18)]


def _instant(at: datetime, marks: Delimiters) -> str:
    zone = "" if marks.field == "+" else "+0000"
    return f"{at.astimezone(UTC):%Y%m%d%H%M%S}{zone}"


def _plain(text: str) -> str:
    """Text that can't be taken for structure, whatever the delimiters: letters, digits, blanks."""
    return re.sub(r"[^A-Za-z0-9 ]", "", text)


def _err(header: Segment, problem: Problem) -> list[str]:
    marks, fault = header.delimiters, problem.fault
    place = _place(problem.place)
    if _version(header.get(12)) < _ERL_SINCE:
        parts = [*place, "", "", ""][:3]
        what = (marks.subcomponent or " ").join([str(int(fault)), fault.text, "HL70357"])
        return ["ERR", marks.component.join([*parts, what])]
    what = marks.component.join([str(int(fault)), fault.text, "HL70357"])
    about = _plain(problem.reason.sentence) if problem.reason else ""
    return ["ERR", "", marks.component.join(place), what, "E", "", "", "", about]


def _place(place: str | None) -> list[str]:
    """ERL: segment, its number among its like, field."""
    match = _PLACE.match(place or "")
    if match is None:
        return []
    segment, number, field = match.groups()
    return [segment, number or "1", *([field] if field else [])]


def _version(text: str) -> tuple[int, ...]:
    """A version in numbers; one that can't be read counts as a new one."""
    return tuple(int(part) for part in text.split(".") if part.isdecimal()) or (9,)


def older(header: Segment, version: tuple[int, ...]) -> bool:
    """Whether a message is of an older version of HL7 than this."""
    return _version(header.get(12)) < version


def batch_answer(envelopes: Sequence[bytes], inner: Sequence[bytes], stamp: Stamp) -> bytes:
    """One answer to a batch: the answers to its messages in an envelope of their own.

    Args:
        envelopes: the lines FHS and BHS that opened it, as many as there were.
        inner: the answers, in order.
        stamp: of the batch's answer.
    """
    heads = [_envelope(line, stamp) for line in envelopes]
    tails = [_trailer(line, len(inner)) for line in reversed(envelopes)]
    return b"".join([*heads, *inner, *tails])


def _envelope(line: bytes, stamp: Stamp) -> bytes:
    """FHS or BHS: fields 3 to 6 change places, field 12 refers to field 11 of the original."""
    header = _read_envelope(line)
    fields = [f"{line[:3].decode()}{header.delimiters.field}{header.raw(2)}"]
    fields += [header.raw(number) for number in (5, 6, 3, 4)]
    fields += [_instant(stamp.at, header.delimiters), "", "", "", stamp.control, header.raw(11)]
    text = header.delimiters.field.join(fields).rstrip(header.delimiters.field)
    return (text + CR).encode(header.charset)


def _trailer(line: bytes, count: int) -> bytes:
    separator = _read_envelope(line).delimiters.field
    name, number = ("FTS", 1) if line.startswith(b"FHS") else ("BTS", count)
    return f"{name}{separator}{number}{CR}".encode("ascii")


def _read_envelope(line: bytes) -> Segment:
    """An envelope's header has the form of MSH in the fields that we need."""
    return _fallback(b"MSH" + line[3:])


def about_batch(line: bytes, problem: Problem, stamp: Stamp) -> bytes:
    """The answer to an envelope that is wrong itself: AE to its own control id (field 11)."""
    header = _read_envelope(line)
    fields = [header.raw(number) for number in range(1, 7)]
    fields += ["", "", "", header.raw(11), "P", "2.5.1"]
    whole = Segment("MSH", tuple(fields), header.delimiters, header.charset)
    return _answer(whole, "A", Verdict(Code.ERROR, (problem,)), stamp)
