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
from functools import cached_property

from schemas.deadletter import Reason
from services.ingest.coding import Refused

__all__ = ["MAX_SEGMENTS", "NULL", "Delimiters", "Message", "Refused", "Segment", "parse"]

NULL = '""'
"""What a sender writes to say "delete it"; an empty field says "nothing about it"."""
MAX_SEGMENTS = 20_000

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
_LONGEST_MSH2 = 5  # the fifth, truncation, since v2.7


@dataclass(frozen=True, slots=True)
class Delimiters:
    """MSH-1 and the characters of MSH-2. An absent one is an empty string."""

    field: str
    component: str = ""
    repetition: str = ""
    escape: str = ""
    subcomponent: str = ""
    truncation: str = ""

    @classmethod
    def read(cls, start: str) -> Delimiters:
        """Read them from the beginning of a message.

        Raises:
            Refused: they are missing, alphanumeric, invisible, or not all different.
        """
        separator = start[3:4]
        second = start[4:].partition(separator)[0] if separator else ""
        found = separator + second
        if not separator or not second:
            raise Refused(Reason.MALFORMED_HL7, "MSH-1 or MSH-2 is missing", "MSH-2")
        legal = all(33 <= ord(c) < 127 and not c.isalnum() for c in found)  # noqa: PLR2004 - ASCII
        if not legal or len(set(found)) != len(found) or len(second) > _LONGEST_MSH2:
            raise Refused(Reason.MALFORMED_HL7, "MSH-1 and MSH-2 are not delimiters", "MSH-2")
        return cls(*found)


@dataclass(frozen=True)
class Segment:
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
        text = _part(self.raw(number), self.delimiters.repetition, repeat)
        text = _part(text, self.delimiters.component, component)
        text = _part(text, self.delimiters.subcomponent, sub)
        return "" if text == NULL else self._unescape(text).strip()

    def is_null(self, number: int) -> bool:
        """Whether the sender asks to delete the field's value."""
        return self.raw(number).strip() == NULL

    def repeats(self, number: int) -> int:
        """How many repetitions the field has; none if it is empty."""
        text = self.raw(number)
        if not text:
            return 0
        return text.count(self.delimiters.repetition) + 1 if self.delimiters.repetition else 1

    def _unescape(self, text: str) -> str:
        mark = self.delimiters.escape
        if not mark or mark not in text:
            return text
        pattern = re.compile(re.escape(mark) + r"([^\r\n]*?)" + re.escape(mark))
        return pattern.sub(self._meaning, text)

    def _meaning(self, match: re.Match[str]) -> str:
        """What an escape sequence stands for; an unknown or broken one stays as it is."""
        code, whole = match.group(1), match.group(0)
        named = self._named.get(code)
        if named is not None:
            return named
        if code.startswith("X"):
            return _hex(code[1:], self.charset, whole)
        if re.fullmatch(r"\.(sp|in|ti|sk|ce)[+-]?\d*", code):
            return " "
        return whole

    @cached_property
    def _named(self) -> dict[str, str]:
        marks = self.delimiters
        return {
            "F": marks.field,
            "S": marks.component,
            "T": marks.subcomponent,
            "R": marks.repetition,
            "E": marks.escape,
            "P": marks.truncation,
            "H": "",
            "N": "",
            ".br": "\n",
            ".fi": "",
            ".nf": "",
        }


def _part(text: str, delimiter: str, number: int) -> str:
    if not delimiter:
        return text if number == 1 else ""
    if number == 1:
        return text.partition(delimiter)[0]
    parts = text.split(delimiter, number)
    return parts[number - 1] if len(parts) >= number else ""


def _hex(digits: str, charset: str, whole: str) -> str:
    r"""The text of `\Xhh..\` in the message's own character set."""
    try:
        return bytes.fromhex(digits).decode(charset)
    except ValueError:
        return whole


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
