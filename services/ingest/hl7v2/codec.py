"""HL7 v2 encoding rules: bytes become segments, fields, repetitions, components, subcomponents.

Sources: HL7 v2.8.2 chapter 2 (§2.5 delimiters, §2.7 escapes, §2.5.3 null values), table 0211
(character sets). Law of this file: the encoding is read, not guessed. Delimiters come from MSH-1
and MSH-2, the character set from MSH-18 or from the source's profile, and what contradicts them
is refused with a reason that names the place and never a value.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from schemas.deadletter import Reason
from services.ingest.coding import Refused
from services.ingest.hl7v2.delimiters import Delimiters
from services.ingest.hl7v2.escapes import unescaped

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "MAX_REPEATS",
    "MAX_SEGMENTS",
    "NULL",
    "Delimiters",
    "Message",
    "Refused",
    "Segment",
    "parse",
]

NULL = '""'
"""What a sender writes to say "delete it"; an empty field says "nothing about it"."""
MAX_SEGMENTS = 20_000
MAX_REPEATS = 1_000
"""Repetitions of a field that is a list: a patient's identifiers, new lesions."""

_CHARSETS = {
    "ASCII": "ascii",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "GB 18030-2000": "gb18030",
    "BIG-5": "big5",
    "KS X 1001": "euc_kr",
} | {f"8859/{part}": f"iso8859-{part}" for part in (*range(1, 12), 13, 14, 15, 16)}
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


class Segment(NamedTuple):
    """One segment. Fields, repetitions, components and subcomponents count from 1."""

    name: str
    fields: tuple[str, ...]
    delimiters: Delimiters
    charset: str

    def raw(self, number: int) -> str:
        """Field `number` as sent, escapes and all; empty if it isn't there."""
        return self.fields[number - 1] if number <= len(self.fields) else ""

    def get(self, number: int, component: int = 1, sub: int = 1, *, repeat: int = 1) -> str:
        """The text of a part of a field, unescaped and trimmed; empty if absent or null."""
        fields = self.fields
        text = fields[number - 1] if number <= len(fields) else ""
        if not text or text.isalnum():  # as most are: no delimiter is a letter or a digit
            return text if component == sub == repeat == 1 else ""
        marks = self.delimiters  # an absent one, "", is in every text: then `_part` decides
        if repeat != 1 or marks.repetition in text:
            text = _part(text, marks.repetition, repeat)
        if component != 1 or marks.component in text:
            text = _part(text, marks.component, component)
        if sub != 1 or marks.subcomponent in text:
            text = _part(text, marks.subcomponent, sub)
        if text == NULL:
            return ""
        if marks.escape in text:
            text = unescaped(text, marks, self.charset)
        return text.strip()

    def is_one(self, number: int) -> bool:
        """Whether the field has no components: all of it is the first."""
        mark = self.delimiters.component
        return not mark or mark not in self.raw(number)

    def is_null(self, number: int) -> bool:
        """Whether the sender asks to delete the field's value."""
        return self.raw(number).strip() == NULL

    def each(self, number: int) -> Iterator[Segment]:
        """The segment once for each repetition of a field, which it then has alone.

        Raises:
            Refused: more repetitions than any list has.
        """
        count = self.repeats(number)
        if count > MAX_REPEATS:
            detail = f"more than {MAX_REPEATS} repetitions"
            raise Refused(Reason.TOO_LARGE, detail, f"{self.name}-{number}")
        if count == 1:
            yield self
            return
        for one in self.raw(number).split(self.delimiters.repetition) if count else []:
            fields = (*self.fields[: number - 1], one, *self.fields[number:])
            yield Segment(self.name, fields, self.delimiters, self.charset)

    def repeats(self, number: int) -> int:
        """How many repetitions the field has; none if it is empty."""
        text = self.raw(number)
        if not text:
            return 0
        return text.count(self.delimiters.repetition) + 1 if self.delimiters.repetition else 1


def _part(text: str, delimiter: str, number: int) -> str:
    if not delimiter:
        return text if number == 1 else ""
    if number == 1:
        return text.partition(delimiter)[0]
    parts = text.split(delimiter, number)
    return parts[number - 1] if len(parts) >= number else ""


@dataclass(frozen=True, slots=True)
class Message:
    """A message: its segments in order. The first is MSH."""

    segments: tuple[Segment, ...]

    @property
    def header(self) -> Segment:
        """MSH."""
        return self.segments[0]

    def first(self, name: str) -> Segment | None:
        """The first segment of that name."""
        return next((segment for segment in self.segments if segment.name == name), None)


def parse(raw: bytes, default_charset: str = "utf-8") -> Message:
    """Tokenise one message.

    Args:
        raw: the message, without its frame. CR ends segments; in a message without a CR of its
            own LF does, and CRLF always.
        default_charset: Python's name of the character set where MSH-18 is empty.

    Raises:
        Refused: with the reason; nothing else is raised for any bytes.
    """
    if not raw.startswith(b"MSH"):
        raise Refused(Reason.MALFORMED_HL7, "does not start with MSH")
    lines = _segment_lines(raw)
    charset = _charset(lines[0], default_charset)
    try:
        texts = [line.decode(charset) for line in lines]
    except (UnicodeDecodeError, LookupError):
        raise Refused(Reason.BAD_CHARSET, f"bytes that are not {charset}", "MSH-18") from None
    delimiters = Delimiters.read(texts[0])
    return Message(
        tuple(_segment(at, text, delimiters, charset) for at, text in enumerate(texts, 1))
    )


def _segment_lines(raw: bytes) -> list[bytes]:
    """Cut into segments. An LF within CR-separated segments is content (a report's lines)."""
    text = raw.replace(b"\r\n", b"\r")
    lines = [line for line in text.split(b"\r" if b"\r" in text else b"\n") if line.strip()]
    if len(lines) > MAX_SEGMENTS:
        raise Refused(Reason.TOO_LARGE, f"more than {MAX_SEGMENTS} segments")
    return [line.strip(b"\n") for line in lines]


def _charset(header: bytes, default: str) -> str:
    """The character set of MSH-18; its first repetition holds for the whole message."""
    fields = header.split(header[3:4]) if len(header) > 3 else []  # noqa: PLR2004 - after `MSH`
    declared = fields[17] if len(fields) > 17 else b""  # noqa: PLR2004 - MSH-18
    name = re.split(rb"[~^]", declared)[0].decode("ascii", "replace").strip().upper()
    if not name or name == NULL:
        return default
    if name not in _CHARSETS:
        raise Refused(Reason.BAD_CHARSET, "a character set that we do not read", "MSH-18")
    return codecs.lookup(_CHARSETS[name]).name


def _segment(at: int, text: str, delimiters: Delimiters, charset: str) -> Segment:
    name, separator, rest = text[:3], text[3:4], text[4:]
    if not _SEGMENT.fullmatch(name) or separator not in ("", delimiters.field):
        raise Refused(Reason.MALFORMED_HL7, f"line {at} of the message is not a segment")
    if _CONTROL.search(text):
        detail = f"a control character in {name}, line {at} of the message"
        raise Refused(Reason.MALFORMED_HL7, detail)
    fields = rest.split(delimiters.field)
    if name == "MSH":
        fields = [delimiters.field, *fields]
    return Segment(name, tuple(fields), delimiters, charset)
