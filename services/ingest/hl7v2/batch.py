"""A stream of bytes becomes single HL7 v2 messages: plain files, batches and MLLP frames.

Pure: bytes come in by chunks, pieces go out, and no more than one message is held. Every byte
ends up in a piece, or is white space or an envelope (FHS, BHS, BTS, FTS) that was understood.

HL7 v2 chapter 2: a segment ends with CR. Files in the wild end them with LF or CRLF too, so a
message starts wherever a line starts with `MSH`. Inside a frame (VT … FS CR) there is exactly
one message, or one batch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.deadletter import RAW_KEPT, Reason
from services.ingest.coding import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_MESSAGE = 4 * 1024 * 1024
"""Bytes of one message; embedded documents are the largest."""

VT, FS = b"\x0b", b"\x1c"
_ENDS = re.compile(rb"\r\n|\r|\n|\x0b|\x1c")
_FRAGMENT = 64 * 1024
_HEADERS = (b"FHS", b"BHS")
_TRAILERS = (b"BTS", b"FTS")


@dataclass(frozen=True, slots=True)
class Piece:
    """One message, or something that isn't one, with the line on which it starts."""

    line: int
    raw: bytes
    rejected: Rejected | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """A line or a part of a long one. `end` is what ended it; empty if it goes on."""

    number: int
    text: bytes
    end: bytes
    starts: bool


def split(chunks: Iterable[bytes], limit: int = MAX_MESSAGE) -> Iterator[Piece]:
    """Split a stream into messages.

    Args:
        chunks: the stream in pieces of any size.
        limit: bytes that one message may have.
    """
    splitter = _Splitter(limit)
    for line in _lines(chunks):
        yield from splitter.take(line)
    yield from splitter.finish()


def _lines(chunks: Iterable[bytes]) -> Iterator[_Line]:
    """Cut at CR, LF, CRLF, VT and FS, holding at most one fragment of a line."""
    held, number, starts = b"", 1, True
    for chunk in chunks:
        held += chunk
        position = 0
        for match in _ENDS.finditer(held):
            if match.end() == len(held) and match.group() == b"\r":
                break  # an LF may follow in the next chunk
            yield _Line(number, held[position : match.start()], match.group(), starts)
            number += match.group() not in (VT, FS)
            position, starts = match.end(), True
        held = held[position:]
        if len(held) > _FRAGMENT:
            yield _Line(number, held, b"", starts)
            held, starts = b"", False
    if held.endswith(b"\r"):
        yield _Line(number, held[:-1], b"\r", starts)
    elif held:
        yield _Line(number, held, b"", starts)


@dataclass(slots=True)
class _Batch:
    """The envelopes that are open, and what they hold so far."""

    in_file: bool = False
    in_batch: bool = False
    batches: int = 0
    messages: int = 0

    @property
    def open(self) -> bool:
        """Whether an envelope is open."""
        return self.in_file or self.in_batch

    def take(self, text: bytes) -> str | None:
        """Follow an envelope segment; say what is wrong with it, if anything."""
        problem = None
        match text[:3]:
            case b"FHS":
                problem = "FHS within a file" if self.open else None
                self.in_file, self.in_batch, self.batches = True, False, 0
            case b"BHS":
                problem = "BHS within a batch" if self.in_batch else None
                self.in_batch, self.messages = True, 0
            case b"BTS":
                problem = self._count(text, "BTS", self.messages, expected=self.in_batch)
                self.in_batch, self.batches, self.messages = False, self.batches + 1, 0
            case _:
                batches = self.batches + (self.in_batch or self.messages > 0)
                problem = "FTS within a batch" if self.in_batch else None
                problem = problem or self._count(text, "FTS", batches, expected=self.in_file)
                self.in_file = self.in_batch = False
        return problem

    def finish(self) -> str | None:
        """The stream has ended."""
        return "the stream ends before BTS or FTS" if self.open else None

    @staticmethod
    def _count(text: bytes, name: str, seen: int, *, expected: bool) -> str | None:
        """Compare the announced count (field 1, may be empty) with what came."""
        if not expected:
            return f"{name} without its header"
        announced = re.match(rb"[A-Z]{3}[^0-9A-Za-z\s](\d{1,9})", text)
        if announced and int(announced.group(1)) != seen:
            return f"{name}-1: not the number that the envelope holds"
        return None


@dataclass(slots=True)
class _Splitter:
    """Gathers lines into pieces."""

    limit: int
    line: int = 0
    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    messages_here: int = 0
    junk: bool = False
    framed: bool = False
    batch: _Batch = field(default_factory=_Batch)

    def take(self, line: _Line) -> Iterator[Piece]:
        """Add a line; what it completes comes out."""
        if line.starts and self._opens(line):
            yield from self._flush()
            self.junk = not line.text.startswith(b"MSH")
        if line.starts and line.text[:3] in _HEADERS + _TRAILERS:
            yield from self._envelope(line)
        elif line.text or self.parts:
            self._add(line)
        if line.end == VT:
            yield from self._open_frame(line)
        elif line.end == FS:
            yield from self._close_frame()

    def finish(self) -> Iterator[Piece]:
        """The stream has ended."""
        if self.framed:
            yield from self._torn()
        yield from self._flush()
        yield from self._counted(self.batch.finish(), 0)

    def _opens(self, line: _Line) -> bool:
        """Whether a new piece begins here: a message, an envelope, or text outside of both."""
        if line.text.startswith(b"MSH"):
            self.messages_here += 1
            return not (self.framed and self.messages_here > 1 and not self.batch.open)
        return line.text[:3] in _HEADERS + _TRAILERS or (not self.parts and bool(line.text))

    def _add(self, line: _Line) -> None:
        if not self.parts:
            self.line = line.number
        end = line.end if line.end not in (VT, FS) else b""
        if self.size <= self.limit:
            self.parts.append(line.text + end)
        self.size += len(line.text) + len(end)

    def _flush(self) -> Iterator[Piece]:
        """Give out what was gathered."""
        raw, size = b"".join(self.parts), self.size
        self.parts, self.size = [], 0
        if not raw.strip():
            return
        if size > self.limit:
            what = Rejected(Reason.TOO_LARGE, f"more than {self.limit} bytes in one message")
            yield Piece(self.line, raw[:RAW_KEPT], what)
        elif self.junk:
            what = Rejected(Reason.MALFORMED_HL7, "text outside of any message")
            yield Piece(self.line, raw, what)
        elif self.framed and self.messages_here > 1 and not self.batch.open:
            what = Rejected(Reason.MULTIPLE_MESSAGES, "more than one MSH in one frame")
            yield Piece(self.line, raw, what)
        else:
            self.batch.messages += 1
            yield Piece(self.line, raw)

    def _open_frame(self, line: _Line) -> Iterator[Piece]:
        yield from self._torn() if self.framed else self._flush()
        self.framed, self.messages_here, self.junk = True, 0, False
        self.line = line.number

    def _close_frame(self) -> Iterator[Piece]:
        yield from self._flush()
        self.framed, self.messages_here = False, 0

    def _torn(self) -> Iterator[Piece]:
        """A frame that never ended: its sender has no answer, and will send it again."""
        raw = b"".join(self.parts)
        self.parts, self.size, self.framed = [], 0, False
        what = Rejected(Reason.BROKEN_FRAME, "the frame ends before its end mark")
        yield Piece(self.line or 1, raw[:RAW_KEPT], what)

    def _envelope(self, line: _Line) -> Iterator[Piece]:
        yield from self._counted(self.batch.take(line.text), line.number, line.text)

    def _counted(self, problem: str | None, line: int, raw: bytes = b"") -> Iterator[Piece]:
        if problem is not None:
            yield Piece(line or self.line or 1, raw, Rejected(Reason.BATCH_COUNT, problem))
