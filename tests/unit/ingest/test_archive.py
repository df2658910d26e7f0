"""Archives: every record with its file and line; damage is reported, the rest is read."""

from __future__ import annotations

import gzip
import io
import random
import sys
import zlib
from typing import TYPE_CHECKING

import pytest

from schemas.deadletter import Reason
from services.ingest.archive import CHUNK, Format, Record, read_archive
from services.ingest.strictjson import MAX_BYTES

if TYPE_CHECKING:
    from pathlib import Path

LINES = [f'{{"n": {number}}}'.encode() for number in range(1, 8)]


def _write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def _raws(records: list[Record]) -> list[bytes]:
    return [record.raw.strip() for record in records if record.rejected is None]


def _reasons(records: list[Record]) -> list[Reason]:
    return [record.rejected.reason for record in records if record.rejected]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_come_out_in_order_with_their_numbers(
    tmp_path: Path, end: bytes, *, last: bool
) -> None:
    path = _write(tmp_path, "a.jsonl", end.join(LINES) + (end if last else b""))
    records = list(read_archive(path))
    assert _raws(records) == LINES
    assert [record.where.line for record in records] == list(range(1, 8))
    assert str(records[2].where) == f"{path}:3"


def test_blank_lines_are_passed_over_and_still_count(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.jsonl", b"\n" + LINES[0] + b"\n  \n" + LINES[1] + b"\n\n")
    records = list(read_archive(path))
    assert [record.where.line for record in records] == [2, 4]


@pytest.mark.parametrize("content", [b"", b"\n\n \r\n"], ids=["no byte", "white space"])
@pytest.mark.parametrize("form", list(Format))
def test_an_empty_file_is_reported(tmp_path: Path, content: bytes, form: Format) -> None:
    records = list(read_archive(_write(tmp_path, "a.jsonl", content), form))
    assert _reasons(records) == [Reason.EMPTY_INPUT]


def test_an_empty_gzip_is_reported(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.jsonl.gz", gzip.compress(b""))
    assert _reasons(list(read_archive(path))) == [Reason.EMPTY_INPUT]


def test_a_missing_file_and_a_folder_are_reported(tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path / "none.jsonl", Reason.UNREADABLE_FILE),
        (tmp_path, Reason.EMPTY_INPUT),
    ):
        records = list(read_archive(path))
        assert _reasons(records) == [reason]
        assert records[0].where.file == str(path)


def test_gzip_of_several_members_and_padding_is_read(tmp_path: Path) -> None:
    text = b"\n".join(LINES) + b"\n"
    data = gzip.compress(text) + gzip.compress(text) + b"\0" * 100
    records = list(read_archive(_write(tmp_path, "a.jsonl.gz", data)))
    assert _raws(records) == LINES * 2
    assert _reasons(records) == []


def test_whatever_can_be_unpacked_before_a_cut_comes_out(tmp_path: Path) -> None:
    """At some cuts all input is used up while output still waits inside the unpacker."""
    packed = gzip.compress((b"x" * 999 + b"\n") * 500)
    for cut in range(20, len(packed), 3):
        there = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(packed[:cut])
        records = list(read_archive(_write(tmp_path, "a.jsonl.gz", packed[:cut])))
        assert len(_raws(records)) == there.count(b"\n")
        assert _reasons(records) == [Reason.TRUNCATED_ARCHIVE]


def test_gzip_is_told_by_its_bytes_not_only_by_its_name(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.jsonl", gzip.compress(b"\n".join(LINES)))
    assert _raws(list(read_archive(path))) == LINES


def test_a_plain_file_named_gz_is_reported(tmp_path: Path) -> None:
    records = list(read_archive(_write(tmp_path, "a.jsonl.gz", b"\n".join(LINES))))
    assert _reasons(records) == [Reason.CORRUPT_ARCHIVE]


def test_a_truncated_gzip_gives_all_whole_lines_and_then_says_so(tmp_path: Path) -> None:
    """Wherever it is cut: what comes out are the first lines, and one report."""
    noise = random.Random(7)  # noqa: S311 - lines that do not compress to nothing
    lines = [b'{"n": "%s"}' % noise.randbytes(40).hex().encode() for _ in range(300)]
    whole = gzip.compress(b"\n".join(lines) + b"\n")
    for cut in (12, 500, len(whole) // 2, len(whole) - 9, len(whole) - 1):
        records = list(read_archive(_write(tmp_path, "a.jsonl.gz", whole[:cut])))
        got = _raws(records)
        assert got == lines[: len(got)]
        assert _reasons(records) == [Reason.TRUNCATED_ARCHIVE]
        assert records[-1].where.line == len(got) + 1
    assert len(got) == 300


def test_a_damaged_gzip_says_so_and_the_lines_before_count(tmp_path: Path) -> None:
    first = gzip.compress(b"\n".join(LINES) + b"\n")
    records = list(read_archive(_write(tmp_path, "a.jsonl.gz", first + b"\x1f\x8b\x08rubbish")))
    assert _raws(records) == LINES
    assert _reasons(records) == [Reason.CORRUPT_ARCHIVE]


def test_an_overlong_line_is_reported_and_the_next_one_read(tmp_path: Path) -> None:
    data = LINES[0] + b"\n" + b"x" * (MAX_BYTES + 1) + b"\n" + LINES[1] + b"\n"
    records = list(read_archive(_write(tmp_path, "a.jsonl", data)))
    assert _raws(records) == LINES[:2]
    assert _reasons(records) == [Reason.TOO_LARGE]
    assert [record.where.line for record in records] == [1, 2, 3]
    assert len(records[1].raw) <= CHUNK


def test_a_gzip_bomb_stays_small_in_memory(tmp_path: Path) -> None:
    """64 MiB of one line in 64 KiB of gzip is one report."""
    bomb = gzip.compress(b"x" * (64 * 1024 * 1024), compresslevel=9)
    records = list(read_archive(_write(tmp_path, "a.jsonl.gz", bomb)))
    assert _reasons(records) == [Reason.TOO_LARGE]
    assert len(records[0].raw) <= CHUNK


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(gzip.compress(b"\n".join(LINES)))

    monkeypatch.setattr(sys, "stdin", Stdin)
    records = list(read_archive("-"))
    assert _raws(records) == LINES
    assert records[0].where.file == "<stdin>"
    assert not Stdin.buffer.closed


def test_a_file_name_with_foreign_bytes_can_be_reported(tmp_path: Path) -> None:
    records = list(read_archive(tmp_path / "caf\udce9.jsonl"))
    assert "caf\\udce9" in str(records[0].where)


MSH = b"MSH|^~\\&|APP|FAC|||20240102030405+0000||ADT^A08|%d|P|2.5.1\rEVN|A08\rPID|1\r"


def test_hl7_messages_have_their_lines_also_from_gzip(tmp_path: Path) -> None:
    data = (MSH % 1) + (MSH % 2)
    for name, packed in (("a.hl7", data), ("a.hl7.gz", gzip.compress(data))):
        records = list(read_archive(_write(tmp_path, name, packed), Format.HL7))
        assert [record.raw for record in records] == [MSH % 1, MSH % 2]
        assert [record.where.line for record in records] == [1, 4]


def test_an_hl7_message_cut_off_by_a_truncated_gzip_is_not_taken_for_a_whole_one(
    tmp_path: Path,
) -> None:
    noise = random.Random(7)  # noqa: S311 - as above
    data = b"".join((MSH % n) + noise.randbytes(40).hex().encode() + b"\r" for n in range(200))
    packed = gzip.compress(data)
    cut = packed[: len(packed) // 2]
    records = list(read_archive(_write(tmp_path, "a.hl7.gz", cut), Format.HL7))
    good = [record for record in records if record.rejected is None]
    assert 20 < len(good) < 200
    assert all(record.raw.count(b"\r") == 4 for record in good)
    assert set(_reasons(records)) == {Reason.TRUNCATED_ARCHIVE}
