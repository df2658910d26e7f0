"""MLLP framing without I/O: a stream of bytes, however it is chopped, becomes frames and oddities.

    <VT> message <FS> <CR>          VT = 0x0B, FS = 0x1C

Sources: HL7 MLLP Transport Specification, Release 1; HL7 v2 Implementation Guide, appendix C (H).

Laws of this file:
- a frame is out as soon as its FS is in: a sender that forgets the CR waits for an answer too;
- every byte is in a frame, in an oddity, or is white space or control outside of frames;
- time is linear in the bytes, memory bounded by the limit of one frame.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, StrEnum

from schemas.deadletter import RAW_KEPT
from services.ingest.hl7v2.batch import FS, MAX_MESSAGE, VT

CR = b"\r"
JUNK_KEPT = 4 * 1024
"""Bytes kept of what stands outside of frames: enough to see what it was."""

_MARKS = re.compile(rb"[\x0b\x1c]")
_SILENT = bytes(range(33)) + b"\x7f"
"""Outside of frames these mean nothing: line ends, blanks, keep-alives."""


class Kind(StrEnum):
    """What was cut from the stream. Only the first two are answered."""

    MESSAGE = "message"  # a whole frame
    OVERSIZE = "oversize"  # a whole frame above the limit: only its beginning was kept
    TORN = "torn"  # a frame without an end: a new one began, or the stream ended
    JUNK = "junk"  # text outside of frames
    NO_RETURN = "no_return"  # the FS just before had no CR behind it


@dataclass(frozen=True, slots=True)
class Cut:
    """A frame or an oddity. `size` counts all bytes of it, also those not kept in `raw`.

    `offset` is the place of its first byte in the stream, from 0; a frame's is that of its VT.
    """

    kind: Kind
    raw: bytes
    size: int
    offset: int


class _State(Enum):
    OUTSIDE = "outside"
    INSIDE = "inside"
    ENDED = "ended"  # FS was seen; a CR ought to follow


class Deframer:
    """Cuts one connection's stream."""

    def __init__(self, limit: int = MAX_MESSAGE) -> None:
        """Begin outside of any frame.

        Args:
            limit: bytes that one frame may hold.
        """
        self._limit = limit
        self._state = _State.OUTSIDE
        self._held = bytearray()
        self._size = 0
        self._start = 0
        self._read = 0
        self._cuts: list[Cut] = []

    @property
    def in_frame(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._state is _State.INSIDE

    def feed(self, chunk: bytes) -> list[Cut]:
        """Take the next bytes of the stream; what they complete comes out."""
        at = 0
        for mark in _MARKS.finditer(chunk):
            self._text(chunk[at : mark.start()], self._read + at)
            self._mark(mark.group(), self._read + mark.start())
            at = mark.end()
        self._text(chunk[at:], self._read + at)
        self._read += len(chunk)
        return self._out()

    def finish(self) -> list[Cut]:
        """The stream has ended; what it left unfinished comes out."""
        if self._state is _State.INSIDE:
            self._cut(Kind.TORN, RAW_KEPT)
        self._leave_gap(self._read)
        return self._out()

    def _out(self) -> list[Cut]:
        cuts, self._cuts = self._cuts, []
        return cuts

    def _text(self, text: bytes, offset: int) -> None:
        """Bytes without any mark among them."""
        if not text:
            return
        if self._state is _State.ENDED:
            if text.startswith(CR):
                text, offset, self._state = text[1:], offset + 1, _State.OUTSIDE
            else:
                self._no_return(offset)
        if self._state is _State.INSIDE:
            self._hold(text, self._limit)
        else:
            self._gap(text, offset)

    def _mark(self, mark: bytes, offset: int) -> None:
        if mark == VT:
            if self._state is _State.INSIDE:
                self._cut(Kind.TORN, RAW_KEPT)
            self._leave_gap(offset)
            self._state, self._start = _State.INSIDE, offset
        elif self._state is _State.INSIDE:
            over = self._size > self._limit
            self._cut(Kind.OVERSIZE if over else Kind.MESSAGE, None)
            self._state = _State.ENDED
        else:
            if self._state is _State.ENDED:
                self._no_return(offset)
            self._gap(mark, offset)

    def _hold(self, text: bytes, limit: int) -> None:
        """Keep text up to a limit; what grows beyond it is counted, and only its start is kept."""
        self._size += len(text)
        if self._size <= limit:
            self._held += text
        elif len(self._held) < RAW_KEPT:
            self._held += text[: RAW_KEPT - len(self._held)]
        else:
            del self._held[RAW_KEPT:]

    def _gap(self, text: bytes, offset: int) -> None:
        """Text outside of frames; it begins to count with the first byte that says something."""
        if not self._size:
            said = text.lstrip(_SILENT)
            self._start, text = offset + len(text) - len(said), said
        self._size += len(text)
        self._held += text[: JUNK_KEPT - len(self._held)]

    def _leave_gap(self, offset: int) -> None:
        if self._state is _State.ENDED:
            self._no_return(offset)
        if self._state is _State.OUTSIDE and self._size:
            self._cut(Kind.JUNK, None)
        self._state = _State.OUTSIDE

    def _no_return(self, offset: int) -> None:
        self._cuts.append(Cut(Kind.NO_RETURN, b"", 0, offset))
        self._state = _State.OUTSIDE

    def _cut(self, kind: Kind, most: int | None) -> None:
        self._cuts.append(Cut(kind, bytes(self._held[:most]), self._size, self._start))
        self._held, self._size = bytearray(), 0


def frame(content: bytes) -> bytes:
    """Put a frame around a message."""
    return VT + content + FS + CR
