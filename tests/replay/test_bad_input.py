"""Records that can't be used: each is named by file, line and reason; the rest is processed.

Every bad record holds something private. It must not appear on stderr, which ends up in logs.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from support.console import Ran, salvage

from schemas.deadletter import Reason

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE = "PRIVATE4711"


def fact(**own: Any) -> dict[str, Any]:
    common = {"patient_id": "HOSP|1", "source": "LAB", "status": "final"}
    return common | {"type": "observation", "analyte": "psa", "unit": "ng/mL"} | own


COURSE = {
    "type": "treatment",
    "event_id": "rt",
    "patient_id": "HOSP|1",
    "source": "ONC",
    "status": "final",
    "effective_at": "2020-01-06",
    "course_id": "c1",
    "condition": "prostate-cancer",
    "modality": "radiotherapy",
    "phase": "completed",
}
GOOD = [
    COURSE,
    fact(event_id="a", effective_at="2020-07-01", value="1.4"),
    fact(event_id="b", effective_at="2021-07-01", value="3.4"),
]
"""Nadir 1.4, then 3.4 = nadir + 2: Phoenix failure. Any lost good record silences the alert."""


def line(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode() + b"\n"


def with_text(**own: Any) -> bytes:
    return line(fact(event_id=PRIVATE, effective_at="2021-01-01", **own)).rstrip()


PLAIN = with_text(value="1.5").decode()


class Bad(NamedTuple):
    """A line that can't be used, and why."""

    name: str
    text: bytes
    reason: Reason


BAD = [
    Bad("unknown type", PLAIN.replace("observation", PRIVATE).encode(), Reason.UNKNOWN_TYPE),
    Bad("no type", PLAIN.replace('"type"', '"kind"').encode(), Reason.MISSING_FIELD),
    Bad("missing field", PLAIN.replace('"source": "LAB", ', "").encode(), Reason.MISSING_FIELD),
    Bad("unknown field", with_text(value="1.5", ward=PRIVATE), Reason.UNKNOWN_FIELD),
    Bad("version", with_text(value="1.5", schema_version=4711), Reason.UNKNOWN_VERSION),
    Bad("NaN", PLAIN.replace('"1.5"', "NaN").encode(), Reason.NOT_A_NUMBER),
    Bad("Infinity", PLAIN.replace('"1.5"', "-Infinity").encode(), Reason.NOT_A_NUMBER),
    Bad("NaN as text", PLAIN.replace("1.5", "NaN").encode(), Reason.NOT_A_NUMBER),
    Bad("30 digits", PLAIN.replace('"1.5"', "4711" * 8).encode(), Reason.NOT_A_NUMBER),
    Bad("300 digits", PLAIN.replace('"1.5"', "4711" * 75).encode(), Reason.NOT_A_NUMBER),
    Bad("exponent", PLAIN.replace('"1.5"', "1e4711").encode(), Reason.NOT_A_NUMBER),
    Bad("word for number", with_text(value=PRIVATE), Reason.NOT_A_NUMBER),
    Bad("duplicate key", PLAIN[:-1].encode() + b', "value": "2"}', Reason.DUPLICATE_KEY),
    Bad("invalid UTF-8", PLAIN.encode().replace(b"psa", b"ps\xff"), Reason.NOT_UTF8),
    Bad("UTF-16", PLAIN.encode("utf-16-be").replace(b"\n", b""), Reason.MALFORMED_JSON),
    Bad("byte order mark", b"\xef\xbb\xbf" + PLAIN.encode(), Reason.NOT_UTF8),
    Bad("depth bomb", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, Reason.TOO_DEEP),
    Bad("open brackets", b"[" * 500_000, Reason.TOO_DEEP),
    Bad("overlong line", PLAIN.encode() + b" " * 2**20, Reason.TOO_LARGE),
    Bad("NUL bytes", PLAIN.replace("LAB", "LAB\0").encode(), Reason.MALFORMED_JSON),
    Bad("escaped NUL", PLAIN.replace("LAB", "LAB\\u0000").encode(), Reason.BAD_FIELD),
    Bad("no such day", PLAIN.replace("2021-01-01", "2021-02-29").encode(), Reason.IMPOSSIBLE_DATE),
    Bad("no offset", PLAIN.replace("01-01", "01-01T09:00:00").encode(), Reason.IMPOSSIBLE_DATE),
    Bad("year 4711", PLAIN.replace("2021-01-01", "4711-01-01").encode(), Reason.IMPOSSIBLE_DATE),
    Bad("text behind it", with_text(value="1.5") + b" " + PRIVATE.encode(), Reason.MALFORMED_JSON),
    Bad("unknown status", PLAIN.replace('"final"', f'"{PRIVATE}"').encode(), Reason.BAD_FIELD),
    Bad("cut off", PLAIN[:60].encode(), Reason.MALFORMED_JSON),
    Bad("not an object", f'["{PRIVATE}"]'.encode(), Reason.MALFORMED_JSON),
    Bad("free text", f"Patient {PRIVATE} called".encode(), Reason.MALFORMED_JSON),
]


def replay(path: Path, *more: str | Path) -> Ran:
    return salvage("replay", path, "--rules", "PROST-PHOENIX", *more)


def closing(ran: Ran) -> str:
    return ran.err.splitlines()[-1].removeprefix("salvage replay: ")


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_a_bad_line_is_named_and_the_rest_is_processed(tmp_path: Path, bad: Bad) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(line(GOOD[0]) + line(GOOD[1]) + bad.text + b"\n" + line(GOOD[2]))
    ran = replay(path)
    assert ran.code == 2
    assert f"salvage replay: {path}:3: {bad.reason}: " in ran.err
    assert closing(ran) == "1 of 4 records could not be used whole; 3 events were read"
    assert [(e["state"], e["at"][:10]) for e in ran.lines] == [("confirmed", "2021-07-01")]
    assert PRIVATE not in ran.err
    assert "4711" not in ran.err


def test_several_bad_lines_are_all_named(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    texts = [line(GOOD[0]), line(GOOD[1]), *(bad.text + b"\n" for bad in BAD), line(GOOD[2])]
    path.write_bytes(b"".join(texts))
    ran = replay(path)
    named = [told.split(": ")[1] for told in ran.err.splitlines()[:-1]]
    assert named == [f"{path}:{number}" for number in range(3, 3 + len(BAD))]
    assert closing(ran).startswith(f"{len(BAD)} of {len(BAD) + 3} records")
    assert len(ran.lines) == 1


def test_lines_may_end_as_on_windows_and_blank_ones_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\r\n".join(line(event).rstrip() for event in GOOD) + b"\r\n\r\n  \r\n")
    ran = replay(path)
    assert (ran.code, ran.err, len(ran.lines)) == (0, "", 1)


def test_the_last_line_needs_no_end(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(map(line, GOOD)).rstrip())
    assert replay(path).code == 0
    assert len(replay(path).lines) == 1


@pytest.mark.parametrize(
    ("unit", "why"), [("furlong", "unit not known"), (None, "no unit")], ids=["unknown", "none"]
)
def test_an_unknown_unit_is_told_but_usable(tmp_path: Path, unit: str | None, why: str) -> None:
    """The fact stays on record; no rule may evaluate it. Here it is the rise that is not seen."""
    odd = fact(event_id="b", effective_at="2021-07-01", value="4711")
    odd = {key: value for key, value in (odd | {"unit": unit}).items() if value is not None}
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(map(line, [*GOOD[:2], odd, odd | {"event_id": "c"}])))
    ran = replay(path)
    assert (ran.code, ran.out) == (0, "")
    assert "2 x unknown_unit" in ran.err
    assert why in ran.err
    assert "4711" not in ran.err
    doubts = replay(path, "--unknowns").lines
    assert [doubt["event_ids"] for doubt in doubts] == [["b"], ["c"]]
    assert {doubt["rule"] for doubt in doubts} == {"PROST-PHOENIX"}


def test_an_unknown_analyte_is_told_but_usable(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    odd = fact(event_id="x", effective_at="2021-07-01", value="1") | {"analyte": PRIVATE}
    path.write_bytes(b"".join(map(line, [*GOOD, odd])))
    ran = replay(path)
    assert (ran.code, len(ran.lines)) == (0, 1)
    assert "1 x unmapped_code" in ran.err
    assert PRIVATE not in ran.err


# --- Whole files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(content)
    ran = replay(path)
    assert (ran.code, ran.out) == (2, "")
    assert f"{path}: {Reason.EMPTY_INPUT}: " in ran.err
    assert closing(ran).startswith("1 of 1 records")


def test_a_missing_file_and_a_folder_are_told_and_the_others_read(tmp_path: Path) -> None:
    good, folder, missing = tmp_path / "good.jsonl", tmp_path / "folder", tmp_path / "missing"
    good.write_bytes(b"".join(map(line, GOOD)))
    folder.mkdir()
    ran = salvage("replay", missing, folder, good, "--rules", "PROST-PHOENIX")
    assert ran.code == 2
    assert f"{missing}: {Reason.UNREADABLE_FILE}: " in ran.err
    assert f"{folder}: {Reason.EMPTY_INPUT}: no events archive in it" in ran.err
    assert closing(ran) == "2 of 5 records could not be used whole; 3 events were read"
    assert len(ran.lines) == 1


def test_gzip_is_recognised_whatever_its_name(tmp_path: Path) -> None:
    for name in ("events.jsonl.gz", "events.jsonl"):
        path = tmp_path / name
        half = [b"".join(map(line, GOOD[:2])), line(GOOD[2])]
        path.write_bytes(b"".join(map(gzip.compress, half)))  # two members: one after the other
        ran = replay(path)
        assert (ran.code, ran.err, len(ran.lines)) == (0, "", 1)


def test_what_a_truncated_gzip_still_holds_is_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    more = [fact(event_id=f"m{n}", effective_at="2022-01-01", value="9") for n in range(5000)]
    packed = gzip.compress(b"".join(map(line, [*GOOD, *more])))
    path.write_bytes(packed[: len(packed) * 3 // 4])
    ran = replay(path)
    assert ran.code == 2
    assert f"{Reason.TRUNCATED_ARCHIVE}: " in ran.err
    assert ran.lines[0]["at"].startswith("2021-07-01")


def test_garbage_after_gzip_is_told(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(map(line, GOOD))) + PRIVATE.encode())
    ran = replay(path)
    assert (ran.code, len(ran.lines)) == (2, 1)
    assert f"{path}:4: {Reason.CORRUPT_ARCHIVE}: " in ran.err
    assert PRIVATE not in ran.err


def test_a_name_that_promises_gzip_is_held_to_it(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(b"".join(map(line, GOOD)))
    ran = replay(path)
    assert (ran.code, ran.out) == (2, "")
    assert f"{Reason.CORRUPT_ARCHIVE}: " in ran.err


# --- HL7 v2 ---------------------------------------------------------------------------------------

MSH = "MSH|^~\\&|LAB|H|||20210701||ORU^R01^ORU_R01|{id}|P|2.5.1"
PID = "PID|1||1^^^HOSP^MR"
OBR = "OBR|1||F{id}|PSA^PSA^L|||20210701"
OBX = "OBX|1|NM|2857-1^PSA^LN||{value}|ng/mL^^UCUM|||||{status}|||20210701"


def oru(number: int, *segments: str, **more: str) -> bytes:
    text = "\r".join(segments) + "\r"
    return text.format(**({"id": f"M{number}", "value": "3.4", "status": "F"} | more)).encode()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (oru(2, MSH, OBR, OBX), Reason.MISSING_FIELD),
        (oru(2, MSH, PID, OBR, OBX, value=PRIVATE), Reason.NOT_A_NUMBER),
        (oru(2, MSH.replace("ORU^R01", "SIU^S12"), PID), Reason.UNSUPPORTED_MESSAGE),
        (b"MSH|" + PRIVATE.encode() + b"\r", Reason.MALFORMED_HL7),
    ],
    ids=["no PID", "no number", "another type", "mutilated"],
)
def test_a_bad_message_is_named_and_the_rest_is_processed(
    tmp_path: Path, bad: bytes, reason: Reason
) -> None:
    path = tmp_path / "traffic.hl7"
    good = oru(1, MSH, PID, OBR, OBX)
    path.write_bytes(good + bad + oru(3, MSH, PID, OBR, OBX, value="4.0"))
    ran = salvage("replay", path, "--format", "hl7")
    assert ran.code == 2
    assert f"{path}:5: {reason}: " in ran.err
    assert closing(ran) == "1 of 3 records could not be used whole; 2 events were read"
    assert PRIVATE not in ran.err
