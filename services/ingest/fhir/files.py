"""Files of FHIR: one document that may span lines, or one a line (NDJSON); the content tells.

Memory is bounded by the largest document.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from schemas.deadletter import RAW_KEPT, Reason
from services.ingest.coding import Rejected
from services.ingest.fhir.document import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Possessive, as in `strictjson`: hostile text costs one pass and no backtracking.
_STRUCTURE: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_OPEN, _CLOSE = b"[{", b"]}"


class Piece(NamedTuple):
    """One document, or the beginning of one that is too large; `line` is its first one."""

    raw: bytes
    line: int
    rejected: Rejected | None = None


class _Line(NamedTuple):
    number: int
    text: bytes  # cut off where it is longer than any document may be
    size: int


def split(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """Cut a file into documents.

    If the first line is a whole object, each line is a document; else the file is one.
    """
    lines = _lines(chunks)
    first = next((line for line in lines if line.text.strip()), None)
    if first is None:
        return
    if _is_whole(first.text):
        yield from (_piece(line) for line in chain([first], lines) if line.text.strip())
    else:
        yield _piece(_joined(first, lines))


def _lines(chunks: Iterable[bytes]) -> Iterator[_Line]:
    number, held, size = 1, bytearray(), 0
    for chunk in chunks:
        *ended, tail = chunk.split(b"\n")
        for text in ended:
            yield _Line(number, bytes(held + text), size + len(text))
            number, held, size = number + 1, bytearray(), 0
        size += len(tail)
        if len(held) <= MAX_BYTES:
            held += tail
    yield _Line(number, bytes(held), size)


def _joined(first: _Line, rest: Iterable[_Line]) -> _Line:
    held, size = bytearray(first.text), first.size
    for line in rest:
        size += 1 + line.size
        if size <= MAX_BYTES:
            held += b"\n" + line.text
    return _Line(first.number, bytes(held), size)


def _piece(line: _Line) -> Piece:
    if line.size > MAX_BYTES:
        what = Rejected(Reason.TOO_LARGE, f"a document of more than {MAX_BYTES} bytes")
        return Piece(line.text[:RAW_KEPT], line.number, what)
    return Piece(line.text, line.number)


def _is_whole(text: bytes) -> bool:
    """Whether the brackets that a line opens are closed in it."""
    depth = 0
    for match in _STRUCTURE.finditer(text):
        sign = match[0]
        depth += (sign in _OPEN) - (sign in _CLOSE)
    return depth == 0
