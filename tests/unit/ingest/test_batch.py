"""Splitting streams: one case, cut into chunks in several ways, must give the same pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.deadletter import Reason
from services.ingest.hl7v2.batch import Piece, split

if TYPE_CHECKING:
    from collections.abc import Iterator

A = b"MSH|^~\\&|A\rPID|1\r"
B = b"MSH|^~\\&|B\rPID|2\r"
FHS, BHS = b"FHS|^~\\&|X\r", b"BHS|^~\\&|X\r"


def _frame(data: bytes) -> bytes:
    return b"\x0b" + data + b"\x1c\r"


def _chunked(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def _pieces(data: bytes) -> list[Piece]:
    """The pieces, checked to be the same however the stream is cut."""
    whole = list(split([data]))
    for size in (1, 2, 7):
        assert list(split(_chunked(data, size))) == whole
    return whole


def _good(data: bytes) -> list[bytes]:
    return [piece.raw for piece in _pieces(data) if piece.rejected is None]


def _reasons(data: bytes) -> list[Reason]:
    return [piece.rejected.reason for piece in _pieces(data) if piece.rejected]


FINE = {
    "plain": A + B,
    "framed": _frame(A) + _frame(B),
    "framed, white space between": b"\r\n" + _frame(A) + b"\r\n" + _frame(B),
    "framed, CR of the end mark missing": b"\x0b" + A + b"\x1c\x0b" + B + b"\x1c",
    "batch": BHS + A + B + b"BTS|2\r",
    "batch without a count": BHS + A + B + b"BTS|\r",
    "file": FHS + BHS + A + B + b"BTS|2|end\rFTS|1\r",
    "file of two batches": FHS + BHS + A + b"BTS|1\r" + BHS + B + b"BTS|1\rFTS|2\r",
    "batch in a frame": _frame(BHS + A + B + b"BTS|2\r"),
}


@pytest.mark.parametrize("data", FINE.values(), ids=FINE.keys())
def test_every_packing_of_two_messages_gives_the_two(data: bytes) -> None:
    assert _good(data) == [A, B]
    assert _reasons(data) == []


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_other_line_ends_are_kept_in_the_message(end: bytes) -> None:
    data = (A + B).replace(b"\r", end)
    assert _good(data) == [A.replace(b"\r", end), B.replace(b"\r", end)]


def test_a_last_line_without_its_end_is_part_of_the_message() -> None:
    assert _good(A + B[:-1]) == [A, B[:-1]]


def test_lines_are_counted_from_one_whatever_ends_them() -> None:
    for end in (b"\r", b"\n", b"\r\n"):
        data = (A + B).replace(b"\r", end)
        assert [piece.line for piece in _pieces(data)] == [1, 3]


def test_frame_marks_are_not_lines() -> None:
    assert [piece.line for piece in _pieces(_frame(A) + _frame(B))] == [1, 4]


BROKEN = {
    "text before the first message": (b"hello\r" + A, [A], [Reason.MALFORMED_HL7]),
    "text between frames": (_frame(A) + b"junk" + _frame(B), [A, B], [Reason.MALFORMED_HL7]),
    "a second start in a frame": (b"\x0b" + A + _frame(B), [B], [Reason.BROKEN_FRAME]),
    "the end within a frame": (_frame(A) + b"\x0b" + B, [A], [Reason.BROKEN_FRAME]),
    "two messages in a frame": (_frame(A + B) + _frame(A), [A], [Reason.MULTIPLE_MESSAGES]),
    "a wrong count": (BHS + A + B + b"BTS|3\r", [A, B], [Reason.BATCH_COUNT]),
    "a wrong count of batches": (
        FHS + BHS + A + b"BTS|1\rFTS|2\r",
        [A],
        [Reason.BATCH_COUNT],
    ),
    "no trailer": (BHS + A, [A], [Reason.BATCH_COUNT]),
    "no header": (A + b"BTS|1\r", [A], [Reason.BATCH_COUNT]),
    "a batch within a batch": (BHS + A + BHS + B + b"BTS|1\r", [A, B], [Reason.BATCH_COUNT]),
    "segments after a batch": (BHS + A + b"BTS|1\rPID|9\r", [A], [Reason.MALFORMED_HL7]),
}


@pytest.mark.parametrize(("data", "good", "reasons"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_broken_is_told_and_the_rest_is_used(
    data: bytes, good: list[bytes], reasons: list[Reason]
) -> None:
    assert _good(data) == good
    assert _reasons(data) == reasons


def test_an_overlong_message_is_told_and_the_next_one_used() -> None:
    long = A + b"NTE|" + b"x" * 5000 + b"\r"
    for size in (1000, 64, 10_000):
        pieces = list(split(_chunked(long + B, size), limit=2000))
        assert [piece.rejected.reason if piece.rejected else None for piece in pieces] == [
            Reason.TOO_LARGE,
            None,
        ]
        assert pieces[1].raw == B


def test_a_line_without_end_is_never_held_whole() -> None:
    chunks = (b"x" * 65_536 for _ in range(2000))  # 125 MiB
    pieces = list(split(chunks, limit=100_000))
    assert len(pieces) == 1
    assert len(pieces[0].raw) <= 65_536


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from([A, B, FHS, BHS, b"BTS|1\r", b"FTS|\r", b"\x0b", b"\x1c", b"\x1c\r"])
        | st.binary(max_size=6)
    ),
    st.integers(1, 40),
)
def test_no_stream_raises_and_its_cut_does_not_matter(parts: list[bytes], size: int) -> None:
    data = b"".join(parts)
    assert list(split(_chunked(data, size))) == list(split([data]))
