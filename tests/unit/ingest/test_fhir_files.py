"""Files of FHIR: a document over many lines, or one a line; told apart by what is in them."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
from support.fhir import bundle, encoded, psa

from schemas.deadletter import Reason
from services.ingest.archive import CHUNK, Format, read_archive
from services.ingest.fhir import files
from services.ingest.fhir.files import split

if TYPE_CHECKING:
    from pathlib import Path

ONE, OTHER = encoded(psa()), encoded(bundle(psa(id="b"), psa(id="c")))
PRETTY = json.dumps(json.loads(OTHER), indent=2).encode()


def cut(*chunks: bytes) -> list[tuple[bytes, int]]:
    return [(piece.raw, piece.line) for piece in split(chunks)]


def test_a_line_that_is_whole_makes_each_line_a_document() -> None:
    text = b"\n" + ONE + b"\n\n" + OTHER + b"\n"
    found = [(ONE, 2), (OTHER, 4)]
    assert cut(text) == found
    assert cut(*(text[at : at + 7] for at in range(0, len(text), 7))) == found


def test_else_the_file_is_one_document() -> None:
    assert cut(b"\n" + PRETTY) == [(PRETTY, 2)]
    assert cut(ONE) == [(ONE, 1)]
    assert cut(b'{"a": "}",\n"b": 1}') == [(b'{"a": "}",\n"b": 1}', 1)]
    assert cut(b"\n \n") == []


def test_a_document_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", len(ONE))
    long = ONE[:-1] + b"  }"
    pieces = list(split([ONE + b"\n", long[:9], long[9:] + b"\n" + ONE]))
    assert [piece.rejected and piece.rejected.reason for piece in pieces] == [
        None,
        Reason.TOO_LARGE,
        None,
    ]
    (whole,) = split([PRETTY])
    assert whole.rejected is not None
    assert len(whole.raw) <= len(ONE)


def test_a_folder_is_read_by_the_names_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "b.ndjson").write_bytes(ONE + b"\n" + ONE)
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(PRETTY))
    (tmp_path / "README.md").write_text("nothing")
    (tmp_path / ".hidden.json").write_bytes(ONE)
    records = list(read_archive(tmp_path, Format.FHIR))
    assert [record.raw for record in records] == [PRETTY, ONE, ONE]
    assert [record.where.line for record in records] == [1, 1, 2]
    (nothing,) = read_archive(tmp_path, Format.HL7)
    assert nothing.rejected is not None
    assert nothing.rejected.reason is Reason.EMPTY_INPUT


@pytest.mark.parametrize("text", [PRETTY * 2000, (ONE + b"\n") * 500])
def test_what_a_cut_off_file_has_lost_is_told(tmp_path: Path, text: bytes) -> None:
    packed = gzip.compress(text, 0)
    assert len(packed) > 2 * CHUNK
    path = tmp_path / "a.json.gz"
    path.write_bytes(packed[: len(packed) // 2])
    records = list(read_archive(path, Format.FHIR))
    last = records[-1].rejected
    assert last is not None
    assert last.reason is Reason.TRUNCATED_ARCHIVE
    good = [record for record in records if record.rejected is None]
    assert {record.raw for record in good} <= {ONE}
