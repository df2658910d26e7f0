"""MLLP framing: what comes out depends on the bytes, never on how the network chopped them."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.deadletter import RAW_KEPT
from services.ingest.mllp.framing import JUNK_KEPT, Cut, Deframer, Kind, frame

SILENT = bytes(range(33)) + b"\x7f"
LIMIT = 12

streams = st.lists(
    st.sampled_from([b"\x0b", b"\x1c", b"\r", b"\x1c\r", b" ", b"\n", b"\0"])
    | st.binary(max_size=20)
).map(b"".join)


def oracle(stream: bytes, limit: int) -> list[Cut]:
    """The definition, on the whole stream at once, without a thought for speed."""
    cuts, at = [], 0
    while at < len(stream):
        begin = stream.find(b"\x0b", at)
        begin = len(stream) if begin < 0 else begin
        cuts += outside(stream[at:begin], at)
        ends = [place for place in range(begin + 1, len(stream)) if stream[place] in b"\x0b\x1c"]
        end = ends[0] if ends else len(stream)
        if begin == len(stream):
            break
        content = stream[begin + 1 : end]
        if stream[end : end + 1] != b"\x1c":
            cuts.append(Cut(Kind.TORN, content[:RAW_KEPT], len(content), begin))
            at = end
            continue
        kind = Kind.OVERSIZE if len(content) > limit else Kind.MESSAGE
        kept = content[:RAW_KEPT] if kind is Kind.OVERSIZE else content
        cuts.append(Cut(kind, kept, len(content), begin))
        at = end + 2
        if stream[end + 1 : end + 2] != b"\r":
            at = end + 1
            cuts.append(Cut(Kind.NO_RETURN, b"", 0, at))
    return cuts


def outside(text: bytes, at: int) -> list[Cut]:
    said = text.lstrip(SILENT)
    if not said:
        return []
    return [Cut(Kind.JUNK, said[:JUNK_KEPT], len(said), at + len(text) - len(said))]


def cut(*chunks: bytes, limit: int = LIMIT) -> list[Cut]:
    deframer = Deframer(limit)
    return [one for chunk in chunks for one in deframer.feed(chunk)] + deframer.finish()


@given(streams, st.data())
@example(b"\x0bMSH\x1cx\x1c\x0b", None)
def test_any_chopping_gives_what_the_definition_says(
    stream: bytes, data: st.DataObject | None
) -> None:
    places = [] if data is None else data.draw(st.lists(st.integers(0, len(stream))))
    edges = [0, *sorted(places), len(stream)]
    chunks = [stream[a:b] for a, b in pairwise(edges)]
    expected = oracle(stream, LIMIT)
    assert cut(*chunks) == expected
    assert cut(*(bytes([byte]) for byte in stream)) == expected


@given(st.lists(st.binary(max_size=8).map(lambda text: text.translate(None, b"\x0b\x1c"))))
def test_what_is_framed_comes_back(contents: list[bytes]) -> None:
    cuts = cut(b"".join(map(frame, contents)))
    assert [(one.kind, one.raw) for one in cuts] == [(Kind.MESSAGE, text) for text in contents]


def test_a_frame_is_out_before_its_return_comes() -> None:
    deframer = Deframer()
    (one,) = deframer.feed(b"\x0bMSH\x1c")
    assert (one.kind, one.raw) == (Kind.MESSAGE, b"MSH")
    assert not deframer.in_frame
    assert deframer.feed(b"\r") == deframer.finish() == []


def test_a_second_start_tears_the_first() -> None:
    kinds = [(one.kind, one.raw) for one in cut(b"\x0bMSH|one\x0bMSH|two\x1c\r")]
    assert kinds == [(Kind.TORN, b"MSH|one"), (Kind.MESSAGE, b"MSH|two")]


def test_line_ends_and_keep_alives_between_frames_are_silent() -> None:
    assert [one.kind for one in cut(b"\r\n\0 \x0bA\x1c\r\r\n\x1c\x0bB\x1c\r\n")] == [
        Kind.MESSAGE,
        Kind.MESSAGE,
    ]


@pytest.mark.parametrize("step", [1 << 20, 999])
def test_a_frame_over_the_limit_is_counted_and_not_kept(step: int) -> None:
    content = b"x" * (3 << 20)
    stream = frame(content) + frame(b"MSH")
    deframer = Deframer(1 << 20)
    found = []
    for at in range(0, len(stream), step):
        found += deframer.feed(stream[at : at + step])
        assert len(deframer._held) <= (1 << 20)  # noqa: SLF001 - memory is the promise
    assert [(one.kind, one.size) for one in found] == [(Kind.OVERSIZE, 3 << 20), (Kind.MESSAGE, 3)]
    assert found[0].raw == content[:RAW_KEPT]


def test_junk_without_end_is_counted_and_not_kept() -> None:
    deframer = Deframer()
    for _ in range(64):
        assert deframer.feed(b"GET / HTTP/1.1\r\n" * 4096) == []
    (junk,) = deframer.finish()
    assert (junk.kind, junk.size, len(junk.raw)) == (Kind.JUNK, 64 << 16, JUNK_KEPT)


def test_a_byte_at_a_time_takes_linear_time() -> None:
    def seconds(size: int) -> float:
        deframer, started = Deframer(), time.process_time()
        for byte in frame(b"x" * size):
            deframer.feed(bytes((byte,)))
        return time.process_time() - started

    small = min(seconds(20_000) for _ in range(3))
    assert seconds(200_000) < small * 40, "ten times the bytes: quadratic would be a hundredfold"
