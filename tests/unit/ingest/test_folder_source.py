"""A watched folder: complete files only, in order, each record exactly once, whatever crashes."""

from __future__ import annotations

import gzip
import os
from itertools import islice
from pathlib import Path

import pytest

from schemas.deadletter import Reason
from services.ingest.archive import Format
from services.ingest.sources.files import Arrival, FolderSource, Mark

LINES = [b'{"n": %d}' % number for number in range(5)]
MESSAGE = b"MSH|^~\\&|A|B|||20240101||ADT^A08|1|P|2.5\rPID|1\r"


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _source(folder: Path, marks: dict[str, Mark] | None = None, settle: float = 0) -> FolderSource:
    known = (marks or {}).values()
    return FolderSource(folder, "drop", clock=Clock(), marks=known, settle=settle)


def _raws(arrivals: list[Arrival]) -> list[bytes]:
    return [arrival.record.raw.strip() for arrival in arrivals]


def _fill(folder: Path) -> None:
    (folder / "b.jsonl").write_bytes(b"\n".join(LINES[2:]) + b"\n")
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(b"\n".join(LINES[:2])))
    (folder / "c.hl7").write_bytes(MESSAGE)


def test_files_come_in_the_order_of_their_names_each_by_its_format(tmp_path: Path) -> None:
    _fill(tmp_path)
    (tmp_path / "notes.txt").write_text("not for us")
    (tmp_path / ".hidden.jsonl").write_text("not yet")
    (tmp_path / "sub.jsonl").mkdir()
    arrivals = list(_source(tmp_path).poll())
    assert _raws(arrivals) == [*LINES, MESSAGE.strip()]
    assert [arrival.form for arrival in arrivals] == [Format.EVENTS] * 5 + [Format.HL7]
    assert {arrival.source for arrival in arrivals} == {"drop"}
    assert str(arrivals[3].record.where).endswith("b.jsonl:2")


RESOURCE = b'{"resourceType": "Observation", "id": "o1"}'
EVENT = b'{"type": "observation", "event_id": "x"}'
BUNDLE = b'{\n  "resourceType": "Bundle",\n  "type": "collection"\n}'


@pytest.mark.parametrize(
    ("name", "content", "form", "records"),
    [
        ("a.json", RESOURCE, Format.FHIR, 1),
        ("a.json", BUNDLE, Format.FHIR, 1),
        ("a.ndjson", RESOURCE + b"\n" + RESOURCE + b"\n", Format.FHIR, 2),
        ("a.ndjson.gz", gzip.compress(RESOURCE + b"\n" + RESOURCE, mtime=0), Format.FHIR, 2),
        ("a.hl7.gz", gzip.compress(MESSAGE, mtime=0), Format.HL7, 1),
        ("a.jsonl", RESOURCE + b"\n" + RESOURCE, Format.FHIR, 2),
        ("a.ndjson", EVENT + b"\n" + EVENT, Format.EVENTS, 2),
        ("a.json", MESSAGE, Format.HL7, 1),
        ("a.hl7", RESOURCE, Format.FHIR, 1),
        ("a.json", b"[1, 2]", Format.FHIR, 1),
        ("a.jsonl", b"{}", Format.EVENTS, 1),
        ("a.json", b"Dear colleague", Format.FHIR, 1),
        ("a.jsonl", b"", Format.EVENTS, 1),
        ("a.ndjson.gz", gzip.compress(RESOURCE, mtime=0)[:-9], Format.FHIR, 2),
    ],
)
def test_the_content_tells_the_format_and_else_the_name(
    tmp_path: Path, name: str, content: bytes, form: Format, records: int
) -> None:
    (tmp_path / name).write_bytes(content)
    arrivals = list(_source(tmp_path).poll())
    assert {arrival.form for arrival in arrivals} == {form}
    assert len(arrivals) == records


def test_what_was_read_does_not_come_again_and_what_is_new_comes(tmp_path: Path) -> None:
    _fill(tmp_path)
    source = _source(tmp_path)
    assert len(list(source.poll())) == 6
    assert list(source.poll()) == []
    (tmp_path / "d.jsonl").write_bytes(LINES[0])
    assert _raws(list(source.poll())) == LINES[:1]


def test_a_crash_at_any_point_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """After each possible number of stored records, a new process goes on from the stored marks."""
    _fill(tmp_path)
    for stored_before_the_crash in range(7):
        marks: dict[str, Mark] = {}
        stored: list[bytes] = []
        for arrival in islice(_source(tmp_path).poll(), stored_before_the_crash):
            assert arrival.mark is not None
            marks[arrival.mark.name] = arrival.mark
            stored.append(arrival.record.raw.strip())
        for arrival in _source(tmp_path, marks).poll():
            assert arrival.mark is not None
            marks[arrival.mark.name] = arrival.mark
            stored.append(arrival.record.raw.strip())
        assert stored == [*LINES, MESSAGE.strip()]
        assert all(mark.finished for mark in marks.values())
        assert list(_source(tmp_path, marks).poll()) == []


def test_a_record_handed_out_but_not_stored_comes_again(tmp_path: Path) -> None:
    _fill(tmp_path)
    arrivals = list(islice(_source(tmp_path).poll(), 3))
    stored = {mark.name: mark for arrival in arrivals[:2] if (mark := arrival.mark)}
    again = next(_source(tmp_path, stored).poll())
    assert again.record == arrivals[2].record


def test_a_record_on_which_the_reader_fails_comes_again_from_the_same_source(
    tmp_path: Path,
) -> None:
    _fill(tmp_path)
    source = _source(tmp_path)
    taken: list[bytes] = []
    for arrival in source.poll():
        if len(taken) == 3:
            break  # as if storing it had failed
        taken.append(arrival.record.raw.strip())
    assert taken + _raws(list(source.poll())) == [*LINES, MESSAGE.strip()]


def test_a_file_that_still_grows_is_left_until_it_has_settled(tmp_path: Path) -> None:
    clock = Clock()
    source = FolderSource(tmp_path, "drop", clock=clock, settle=2.0)
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINES[0] + b"\n" + LINES[1][:4])
    assert list(source.poll()) == []
    clock.now += 1.9
    assert list(source.poll()) == []
    path.write_bytes(LINES[0] + b"\n" + LINES[1])
    clock.now += 1.0
    assert list(source.poll()) == []
    clock.now += 2.0
    assert _raws(list(source.poll())) == LINES[:2]


def test_a_touched_or_copied_file_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINES[0])
    source = _source(tmp_path)
    assert len(list(source.poll())) == 1
    os.utime(path, (1, 1))
    assert list(source.poll()) == []
    path.rename(tmp_path / "away")
    path.write_bytes(LINES[0])
    assert list(source.poll()) == []


def test_new_content_under_an_old_name_is_read_even_if_it_is_as_long(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINES[0])
    source = _source(tmp_path)
    list(source.poll())
    path.write_bytes(LINES[1])
    os.utime(path, (1, 1))
    assert _raws(list(source.poll())) == [LINES[1]]


def test_an_empty_or_damaged_file_is_reported_once(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(LINES[0] * 50)[:-6])
    source = _source(tmp_path)
    reasons = [arrival.record.rejected for arrival in source.poll()]
    assert [why.reason for why in reasons if why] == [Reason.EMPTY_INPUT, Reason.TRUNCATED_ARCHIVE]
    assert list(source.poll()) == []


def test_a_file_that_cannot_be_opened_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINES[0])
    source = _source(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", _denied)
        (arrival,) = source.poll()
    assert arrival.mark is None
    assert arrival.record.rejected is not None
    assert arrival.record.rejected.reason is Reason.UNREADABLE_FILE
    assert _raws(list(source.poll())) == LINES[:1]


def _denied(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_following_polls_until_told_to_stop(tmp_path: Path) -> None:
    source = _source(tmp_path)
    pauses = iter([True, True, False])

    def wait() -> bool:
        number = len(list(tmp_path.iterdir()))
        (tmp_path / f"{number}.jsonl").write_bytes(LINES[number])
        return next(pauses)

    assert _raws(list(source.follow(wait))) == LINES[:2]


def test_a_missing_folder_is_an_error_of_the_operator(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(_source(tmp_path / "none").poll())
