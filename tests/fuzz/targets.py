"""What is fuzzed, and what must hold for any bytes: each raises when it doesn't."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING

from schemas.deadletter import DeadLetter
from services.ingest.hl7v2.batch import split
from services.ingest.hl7v2.codec import Message, Refused, parse
from services.ingest.hl7v2.mapping import read_message
from services.ingest.mllp.acknowledge import Stamp, answers
from services.ingest.mllp.framing import Cut, Deframer, Kind
from services.ingest.mllp.gate import Examined, Rules, content_digest, examine
from services.ingest.mllp.verdict import in_custody

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_790_000_000_000_000
_AT = datetime(2026, 3, 4, tzinfo=UTC)
_STAMP = Stamp("SW1", _AT)
_LIMIT = 512
_SHORT = 128
_SOMETIMES = 8
_RULES = (Rules(), Rules(custody=True, line_feeds=False, ignored=frozenset({"ADT^A08"})))
_BYTE_FOR_BYTE = frozenset({"utf-8", "ascii", "latin-1", "iso8859-1"})


def framing(data: bytes) -> None:
    """However a stream is chopped, the same comes out; and every byte is accounted for."""
    whole = _cut([data])
    at = len(data) // 3
    assert _cut([data[:at], data[at:]]) == whole
    if len(data) <= _SHORT:
        assert _cut([data[one : one + 1] for one in range(len(data))]) == whole
    for cut in whole:
        assert len(cut.raw) <= cut.size
        assert cut.kind is not Kind.MESSAGE or cut.size <= _LIMIT
        assert cut.kind in {Kind.TORN, Kind.OVERSIZE} or cut.raw in data


def _cut(chunks: list[bytes]) -> list[Cut]:
    deframer = Deframer(_LIMIT)
    return [one for chunk in chunks for one in deframer.feed(chunk)] + deframer.finish()


def batches(data: bytes) -> None:
    """Pieces are found alike in one chunk and in several, and lose nothing that was said."""
    pieces = list(split([data], _LIMIT))
    assert pieces == list(split([data[at : at + 7] for at in range(0, len(data), 7)], _LIMIT))
    for piece in pieces:
        assert piece.line >= 1
        assert piece.rejected is not None or piece.raw.startswith(b"MSH")


def tokens(data: bytes) -> None:
    """A message is refused with a reason, or its segments say what the bytes said."""
    try:
        message = parse(data)
    except Refused:
        return
    for segment in message.segments:
        _ask_everything(message, segment.name)
        first = 1 if segment.name == "MSH" else 0
        text = segment.delimiters.field.join([segment.name, *segment.fields[first:]])
        if segment.fields != ("",):  # as those of a segment that is only a name
            assert text.encode(segment.charset) in data.replace(b"\r\n", b"\r")


def _ask_everything(message: Message, name: str) -> None:
    segment = message.first(name)
    assert segment is not None
    for number in range(1, min(len(segment.fields), 8) + 2):
        segment.is_null(number)
        for component, sub, repeat in product((1, 2, 5), (1, 2), (1, 3)):
            text = segment.get(number, component, sub, repeat=repeat)
            assert text == text.strip()


def gate(data: bytes) -> None:
    """Whatever comes is judged, answered by its own id, refused in words, and read alike twice."""
    rules = _RULES[len(data) % 2]
    found = examine(data, rules, None, NOW)
    verdict = in_custody(found.verdict) if found.custody else found.verdict
    for one in answers(found.header, verdict, _STAMP):
        _answered(one, data, found)
    assert len(content_digest(data)) == len(content_digest(b""))
    whole = [found.refused] if found.refused else []
    for why in (*whole, *read_message(data, rules.profile).rejected):
        DeadLetter.of(
            data, why.reason, why.detail, source=found.source, received_at=_AT, part=why.part
        )
    if len(data) % _SOMETIMES == 0:
        assert read_message(data, rules.profile) == read_message(data, rules.profile)


def _answered(answer: bytes, data: bytes, found: Examined) -> None:
    """An answer has two or more segments, and MSA-2 is the sender's MSH-10 byte for byte."""
    segments = answer.split(b"\r")
    assert segments[0].startswith(b"MSH")
    assert segments[1].startswith(b"MSA")
    separator = found.header.delimiters.field.encode()
    header = data.splitlines()[0].split(separator) if data.startswith(b"MSH") else []
    if found.header.charset in _BYTE_FOR_BYTE and found.header.raw(10):
        assert segments[1].split(separator)[2:3] == header[9:10]


TARGETS: dict[str, Callable[[bytes], None]] = {
    "framing": framing,
    "batches": batches,
    "tokens": tokens,
    "gate": gate,
}
