"""What a file holds, told by its content and never by its name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from services.ingest.archive import CHUNK, Damaged, Format, unpacked

if TYPE_CHECKING:
    from pathlib import Path

_HL7: Final = re.compile(rb"(?:^|[\r\n\x0b])(?:MSH|FHS|BHS)(?:\||[^\w\s]{3})")
_SEGMENT: Final = re.compile(rb"[A-Z][A-Z0-9]{2}\|")
_HL7_XML: Final = (b"http://hl7.org/fhir", b"urn:hl7-org:v2xml")
_BLANK: Final = b" \t\r\n\x0b"


def format_of_file(path: Path, unclear: Format | None = None) -> Format | None:
    """The format of a file, plain or gzip; None for one that holds no messages.

    An empty or damaged file counts as one of messages: its reader says what is wrong with it.

    Args:
        path: the file.
        unclear: what a file is taken for that is empty, damaged, or JSON of no known kind; None:
            what is likeliest.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as stream:
        try:
            start = next(iter(unpacked(stream, named_gzip=path.name.endswith(".gz"))), b"")
        except Damaged:
            return unclear or Format.HL7
    head = start[:CHUNK]
    return unclear if unclear and _is_unclear(head) else format_of(head)


def _is_unclear(start: bytes) -> bool:
    """Whether nothing in the content names its kind."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
    named = b'"event_id"' in text or b'"resourceType"' in text
    return not text or (text[:1] in b"{[" and not named)


def format_of(start: bytes) -> Format | None:
    """The format of a content, by its first 64 KiB or all of it; None if it holds no messages."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
    if not text or _HL7.search(start) or _SEGMENT.match(text):
        return Format.HL7
    if text[:1] in b"{[":
        own = b'"event_id"' in text and b'"resourceType"' not in text
        return Format.EVENTS if own else Format.FHIR
    if text[:1] == b"<" and any(name in text for name in _HL7_XML):
        return Format.FHIR  # whose reader refuses XML by name
    return None
