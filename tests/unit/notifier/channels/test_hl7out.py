"""HL7 v2 out: what is sent, and what an answer means."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.messages import KEY, OLDER, alert, correction, message, record
from support.peers.record import answered, fields

from schemas.alerts import State
from services.notifier.channels.contract import Outcome, Result
from services.notifier.channels.hl7out.answers import judged
from services.notifier.channels.hl7out.messages import Ends, escaped, mdm, oru

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.notifier.channels.hl7out.messages import Outgoing

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
ENDS = Ends(("SALVAGE", "WARD"), ("EHR", "A&E"))


def ack(code: str, error: str = "", control: str = "K1") -> Outcome:
    """The verdict on an answer to K1."""
    framed = answered(f"MSH|^~\\&|A|B|C|D|1||MDM^T02|{control}|P|2.5.1\r", code, error)
    return judged(framed[1:-2], "K1")


@pytest.mark.parametrize(
    ("code", "error", "result", "reason"),
    [
        ("AA", "", Result.DELIVERED, ""),
        ("CA", "", Result.DELIVERED, ""),
        ("AE", "", Result.PERMANENT, "hl7-AE"),
        ("AE", "101^Required field missing^HL70357", Result.PERMANENT, "hl7-AE"),
        ("AE", "206", Result.TEMPORARY, "hl7-AE-206"),
        ("CE", "207", Result.TEMPORARY, "hl7-CE-207"),
        ("AR", "", Result.TEMPORARY, "hl7-AR"),
        ("AR", "207", Result.TEMPORARY, "hl7-AR-207"),
        ("AR", "200", Result.PERMANENT, "hl7-AR-200"),
        ("CR", "203^Unsupported version id^HL70357", Result.PERMANENT, "hl7-CR-203"),
        ("XX", "", Result.UNKNOWN, "hl7-no-code"),
        ("", "", Result.UNKNOWN, "hl7-no-code"),
    ],
)
def test_acknowledgements(code: str, error: str, result: Result, reason: str) -> None:
    found = ack(code, error)
    assert (found.result, found.reason) == (result, reason)


@pytest.mark.parametrize("raw", [b"", b"MSA", b"MSA|AA", b"MSA|AA|K2", b"\xff\xfe", b"MSA|AA|K1 2"])
def test_an_answer_to_something_else_says_nothing_of_ours(raw: bytes) -> None:
    assert judged(raw, "K1").result is Result.UNKNOWN


def test_a_value_with_delimiters_stays_one_value() -> None:
    assert escaped("a|b^c&d~e\\f\r\n\x0b\x1cg") == "a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\fg"
    (said,) = mdm(message(), record(), ENDS, NOW)
    assert fields(said.text, "MSH")[0][5] == "A\\T\\E"
    assert len(fields(said.text, "OBX")) == len(record_text().splitlines())
    assert "\x0b" not in said.text


def record_text() -> str:
    """What the record says, one line for each OBX."""
    (said,) = oru(message(), record(), ENDS, NOW)
    return "\n".join(row[5] for row in fields(said.text, "OBX"))


@given(st.text(max_size=40), st.sampled_from([mdm, oru]))
def test_no_text_breaks_a_message(text: str, shape: Callable[..., list[Outgoing]]) -> None:
    """Whatever a rule says stays one value of one segment, and comes out as it went in."""
    said = record(alert(summary=text))
    (found,) = shape(message(), said, ENDS, NOW)
    names = {line[:3] for line in found.text.rstrip("\r").split("\r")}
    assert names <= {"MSH", "EVN", "PID", "PV1", "TXA", "OBR", "OBX"}
    values = [row[5] for row in fields(found.text, "OBX")]
    wanted = " ".join(text.split())
    assert "".join(sign for sign in wanted if sign >= " " and sign != "\x7f") in [
        unescaped(value) for value in values
    ]


def unescaped(value: str) -> str:
    """What a receiver reads."""
    letters = {"E": "\\", "F": "|", "S": "^", "T": "&", "R": "~"}
    return re.sub(r"\\([EFSTR])\\", lambda match: letters[match[1]], value)


def test_a_document_has_its_place() -> None:
    (said,) = mdm(message(), record(), ENDS, NOW)
    (msh,), (pid,), (txa,) = (fields(said.text, name) for name in ("MSH", "PID", "TXA"))
    assert msh[2:7] == ["SALVAGE", "WARD", "EHR", "A\\T\\E", "20261123103000+0000"]
    assert (msh[8], msh[9], msh[11], msh[17]) == (
        "MDM^T02^MDM_T02",
        KEY[:20],
        "2.5.1",
        "UNICODE UTF-8",
    )
    assert (pid[3], pid[5]) == ("ZZNUMBER77^^^HOSP^MR", "^^^^^^U")
    assert (txa[12], txa[13], txa[17], txa[19]) == (f"{KEY[:20]}^SALVAGE", "", "DO", "AV")


def test_every_earlier_document_is_taken_back() -> None:
    first, second = mdm(correction(), record(alert(State.RETRACTED)), ENDS, NOW)
    assert fields(first.text, "TXA")[0][12] == f"{OLDER[:20]}^SALVAGE"
    assert fields(first.text, "TXA")[0][19] == "CA"
    assert fields(second.text, "TXA")[0][13] == f"{KEY[:20]}^SALVAGE"
    again = mdm(correction(duplicate=True), record(alert(State.RETRACTED)), ENDS, NOW)
    assert [one.control for one in again] == [first.control, second.control]
    assert all(len(one.control) <= 20 for one in again)
