"""Archives: files of records, read as a stream, nothing lost silently.

JSON lines (plain or gzip), HL7 v2 and FHIR files come out as single records, each with its file and
line. Whatever cannot be read comes out too, as a rejection with the same address; the rest of
the file is read on as far as its format allows. Memory is bounded by the largest record.
"""

from __future__ import annotations

import sys
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from schemas.deadletter import RAW_KEPT, Reason, Where
from services.ingest.coding import Rejected
from services.ingest.fhir.files import split as split_documents
from services.ingest.hl7v2.batch import split as split_messages
from services.ingest.strictjson import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHUNK = 64 * 1024
STDIN = "-"
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = zlib.MAX_WBITS | 16


class Format(StrEnum):
    """What an archive holds."""

    EVENTS = "events"  # canonical events, one JSON object a line
    HL7 = "hl7"  # HL7 v2 messages: plain, batches or MLLP frames
    FHIR = "fhir"  # FHIR R4 JSON: a resource or a Bundle, or one a line


ENDINGS = {
    Format.EVENTS: (".jsonl",),
    Format.HL7: (".hl7",),
    Format.FHIR: (".json", ".ndjson"),
}
"""How the archives in a folder are named, each also with `.gz`."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stood in the archive; with `rejected`, one that cannot be used.

    Of a rejected record `raw` may be only the beginning.
    """

    where: Where
    raw: bytes
    rejected: Rejected | None = None


class _Piece(Protocol):
    """What a format's splitter cuts out of a file."""

    @property
    def raw(self) -> bytes: ...
    @property
    def line(self) -> int: ...
    @property
    def rejected(self) -> Rejected | None: ...


class Damaged(Exception):  # noqa: N818 - ends a stream, caught where it is read
    """The rest of an archive cannot be read."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.rejected = Rejected(reason, detail)


def read_archive(path: str | Path, form: Format | str = Format.EVENTS) -> Iterator[Record]:
    """Read an archive, record by record.

    Args:
        path: a file, compressed by gzip or not; a folder of such files; `-` for standard input.
        form: `events`, `hl7` or `fhir`.

    Returns:
        The records in the order of the file, of a folder in the order of names. A missing, empty,
        truncated or damaged file gives a rejected record; blank lines are passed over. Nothing is
        raised for any content.
    """
    name = "<stdin>" if str(path) == STDIN else printable(path)
    if str(path) != STDIN and Path(path).is_dir():
        yield from _folder(Path(path), Format(form))
        return
    try:
        with _opened(path) as stream:
            yield from read_stream(stream, name, Format(form))
    except OSError as error:
        what = Rejected(Reason.UNREADABLE_FILE, error.strerror or type(error).__name__)
        yield Record(Where(file=name), b"", what)


def _folder(folder: Path, form: Format) -> Iterator[Record]:
    """The files of a format in a folder and below; hidden ones are left alone."""
    endings = tuple(end + gzip for end in ENDINGS[form] for gzip in ("", ".gz"))
    found = sorted(path for path in folder.rglob("[!.]*") if path.name.endswith(endings))
    if not found:
        what = Rejected(Reason.EMPTY_INPUT, f"no {form.value} archive in it")
        yield Record(Where(file=printable(folder)), b"", what)
    for path in found:
        yield from read_archive(path, form)


def read_stream(stream: BinaryIO, name: str, form: Format) -> Iterator[Record]:
    """Read an open stream of bytes; `name` is what `Where.file` says.

    Raises:
        OSError: the stream itself fails.
    """
    chunks = unpacked(stream, named_gzip=name.endswith(".gz"))
    if form is Format.EVENTS:
        records = _lines(chunks, name)
    else:
        records = _pieces(split_messages if form is Format.HL7 else split_documents, chunks, name)
    first = next(records, None)
    if first is None:
        yield Record(Where(file=name), b"", Rejected(Reason.EMPTY_INPUT, "no record in it"))
        return
    yield first
    yield from records


def printable(path: str | Path) -> str:
    """A path as text that any encoding can carry; foreign bytes are shown as escapes."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")[:4096]


@contextmanager
def _opened(path: str | Path) -> Iterator[BinaryIO]:
    if str(path) == STDIN:
        yield sys.stdin.buffer  # not ours to close
        return
    with Path(path).open("rb") as stream:
        yield stream


def unpacked(stream: BinaryIO, *, named_gzip: bool) -> Iterator[bytes]:
    """The content, unpacked if it is gzip.

    Raises:
        Damaged: after all that could be unpacked.
    """
    first = stream.read(CHUNK)
    rest = iter(lambda: stream.read(CHUNK), b"")
    if first.startswith(_GZIP):
        yield from _gunzip(chain([first], rest))
    elif named_gzip and first:
        raise Damaged(Reason.CORRUPT_ARCHIVE, "named .gz, but it is not gzip")
    elif first:
        yield first
        yield from rest


def _gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack gzip, one member after the other, in pieces of bounded size.

    The library's reader drops what it has when a file is cut off; this one gives it out first.
    """
    member = zlib.decompressobj(_GZIP_WINDOW)
    for chunk in chunks:
        data, more = chunk, True
        while more:
            if member.eof:
                data = data.lstrip(b"\0")  # padding between members and at the end
                if not data:
                    break
                member = zlib.decompressobj(_GZIP_WINDOW)
            unpacked = _inflate(member, data)
            yield unpacked
            data = member.unused_data if member.eof else member.unconsumed_tail
            # A full piece may have more behind it although all input is used up.
            more = bool(data) or len(unpacked) == CHUNK
    if not member.eof:
        raise Damaged(Reason.TRUNCATED_ARCHIVE, "the gzip file ends before its end")


def _inflate(member: zlib._Decompress, data: bytes) -> bytes:
    try:
        return member.decompress(data, CHUNK)
    except zlib.error:
        raise Damaged(Reason.CORRUPT_ARCHIVE, "the gzip data is damaged") from None


def _lines(chunks: Iterator[bytes], name: str) -> Iterator[Record]:
    """JSON lines. An overlong one is passed over, and reported by its beginning."""
    number, held, size = 1, b"", 0
    try:
        for chunk in chunks:
            *ended, tail = chunk.split(b"\n")
            for text in ended:
                yield from _line(name, number, held + text, size + len(text))
                number, held, size = number + 1, b"", 0
            size += len(tail)
            held += tail if len(held) <= MAX_BYTES else b""
        yield from _line(name, number, held, size)
    except Damaged as damage:
        yield Record(Where(file=name, line=number), held[:RAW_KEPT], damage.rejected)


def _line(name: str, number: int, text: bytes, size: int) -> Iterator[Record]:
    where = Where(file=name, line=number)
    if size > MAX_BYTES:
        what = Rejected(Reason.TOO_LARGE, f"a line of more than {MAX_BYTES} bytes")
        yield Record(where, text[:RAW_KEPT], what)
    elif text.strip():
        yield Record(where, text)


def _pieces(
    split: Callable[[Iterator[bytes]], Iterator[_Piece]], chunks: Iterator[bytes], name: str
) -> Iterator[Record]:
    """Messages or documents. One that the damage cuts off is not taken for a whole one."""
    damage: list[Damaged] = []

    def whole() -> Iterator[bytes]:
        try:
            yield from chunks
        except Damaged as error:
            damage.append(error)

    for piece in split(whole()):
        where = Where(file=name, line=piece.line)
        rejected = damage[0].rejected if damage else piece.rejected
        yield Record(where, piece.raw, rejected)
    if damage:
        yield Record(Where(file=name), b"", damage[0].rejected)
