"""Answers: who gets which code, and that nothing is said that wasn't asked for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.deadletter import Reason
from services.ingest.coding import Rejected
from services.ingest.hl7v2 import mapping
from services.ingest.mllp.acknowledge import (
    MOST_PROBLEMS,
    Stamp,
    about_batch,
    answers,
    batch_answer,
    read_header,
)
from services.ingest.mllp.gate import KINDS
from services.ingest.mllp.verdict import (
    ACCEPTED,
    UNAVAILABLE,
    Code,
    Fault,
    Problem,
    Verdict,
    in_custody,
    of_content,
    refusal,
    rejection,
)

STAMP = Stamp("SW1", datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC))
NOT_HL7 = rejection(Fault.SEGMENT_ORDER, Rejected(Reason.MALFORMED_HL7, "not HL7"))
BAD_FIELD = of_content([Rejected(Reason.NOT_A_NUMBER, "not a number", "OBX[3]-5")])
OTHER_VERSION = rejection(Fault.VERSION, Rejected(Reason.UNKNOWN_VERSION, "not read", "MSH-12"))
NO_ID = refusal(Fault.MISSING_FIELD, Rejected(Reason.MISSING_FIELD, "empty", "MSH-10"))


def msh(**fields: str) -> bytes:
    """MSH with these fields, `f15="AL"`, in place of the usual ones."""
    usual = {3: "LAB", 4: "HOSP", 5: "SALVAGE", 6: "WARD", 7: "20260304", 9: "ORU^R01^ORU_R01"}
    usual |= {10: "M1", 11: "P", 12: "2.5.1"}
    usual |= {int(name[1:]): value for name, value in fields.items()}
    return "|".join(["MSH", "^~\\&", *(usual.get(at, "") for at in range(3, 19))]).encode()


def answer(header: bytes, verdict: Verdict) -> list[list[str]]:
    found, _ = read_header(header, "utf-8")
    return [one.decode().split("\r")[:-1] for one in answers(found, verdict, STAMP)]


def codes(header: bytes, verdict: Verdict) -> list[str]:
    return [lines[1].split("|")[1] for lines in answer(header, verdict)]


def test_an_answer_goes_back_to_where_the_message_came_from() -> None:
    (lines,) = answer(msh(f18="UNICODE UTF-8"), ACCEPTED)
    assert lines == [
        (
            "MSH|^~\\&|SALVAGE|WARD|LAB|HOSP|20260304050607+0000||ACK^R01^ACK|SW1|P|2.5.1||||||"
            "UNICODE UTF-8"
        ),
        "MSA|AA|M1",
    ]


def test_an_error_names_place_and_code_and_no_value() -> None:
    (lines,) = answer(msh(), BAD_FIELD)
    assert lines[1:] == [
        "MSA|AE|M1",
        (
            "ERR||OBX^3^5|102^Data type error^HL70357|E||||"
            "A number is not a finite decimal of a length that laboratories report"
        ),
    ]


@pytest.mark.parametrize("version", ["2.2", "2.3.1", "2.4"])
def test_before_2_5_the_error_is_in_err_1(version: str) -> None:
    (lines,) = answer(msh(f12=version), BAD_FIELD)
    assert lines[2] == "ERR|OBX^3^5^102&Data type error&HL70357"
    assert lines[0].split("|")[11] == version


def test_an_answer_has_the_senders_delimiters() -> None:
    found, _ = read_header(b"MSH$%*/@$LAB$HOSP$S$W$$$ORU%R01$M1$P$2.5.1", "utf-8")
    (raw,) = answers(found, BAD_FIELD, STAMP)
    lines = raw.decode().split("\r")
    assert lines[0].startswith("MSH$%*/@$S$W$LAB$HOSP$20260304050607+0000$$ACK%R01%ACK$SW1$")
    assert lines[2].startswith("ERR$$OBX%3%5$102%Data type error%HL70357$E")


@given(st.binary(min_size=1).map(lambda text: text.translate(None, b"\r\n|")))
def test_the_control_id_comes_back_byte_for_byte(control: bytes) -> None:
    raw = b"MSH|^~\\&|LAB|HOSP|S|W|||ORU^R01|" + control + b"|P|2.5.1"
    for charset in ("utf-8", "iso8859-1"):
        found, _ = read_header(raw, charset)
        (one,) = answers(found, ACCEPTED, STAMP)
        assert one.split(b"\r")[1] == (b"MSA|AA|" + control).rstrip(b"|")


MODES = [
    # MSH-15, MSH-16, then the answers to: good, bad content, not supported
    ("", "", ["AA"], ["AE"], ["AR"]),
    ("AL", "", ["CA"], ["CA"], ["CR"]),
    ("AL", "NE", ["CA"], ["CA"], ["CR"]),
    ("AL", "AL", ["CA", "AA"], ["CA", "AE"], ["CR"]),
    ("AL", "ER", ["CA"], ["CA", "AE"], ["CR"]),
    ("AL", "SU", ["CA", "AA"], ["CA"], ["CR"]),
    ("NE", "AL", ["AA"], ["AE"], []),
    ("NE", "NE", [], [], []),
    ("ER", "AL", ["AA"], ["AE"], ["CR"]),
    ("SU", "ER", ["CA"], ["CA", "AE"], []),
    ("", "AL", ["AA"], ["AE"], []),
    ("XX", "", ["CA"], ["CA"], ["CR"]),
]


@pytest.mark.parametrize(("accept", "application", "good", "bad", "unsupported"), MODES)
def test_who_asks_gets_what_was_asked_for(
    accept: str, application: str, good: list[str], bad: list[str], unsupported: list[str]
) -> None:
    header = msh(f15=accept, f16=application)
    assert codes(header, ACCEPTED) == good
    assert codes(header, BAD_FIELD) == bad
    assert codes(header, OTHER_VERSION) == unsupported


def test_an_early_error_is_a_commit_error() -> None:
    assert codes(msh(f15="AL", f16="AL"), NO_ID) == ["CE"]
    assert codes(msh(), NO_ID) == ["AE"]


def test_two_answers_to_one_message_have_two_ids() -> None:
    first, second = answer(msh(f15="AL", f16="AL"), ACCEPTED)
    assert first[0].split("|")[9] != second[0].split("|")[9]


def test_an_acknowledgement_is_never_acknowledged() -> None:
    assert answer(msh(f9="ACK^R01^ACK"), ACCEPTED) == []
    assert answer(msh(f9="ACK", f15="AL", f16="AL"), UNAVAILABLE) == []


def test_custody_accepts_what_it_can_hold() -> None:
    assert in_custody(BAD_FIELD) == in_custody(NO_ID) == ACCEPTED
    assert in_custody(OTHER_VERSION) == OTHER_VERSION
    assert in_custody(UNAVAILABLE) == UNAVAILABLE


@pytest.mark.parametrize(
    ("reason", "code", "fault", "in_custody_too"),
    [
        (Reason.UNMAPPED_PATIENT, Code.ERROR, 204, False),
        (Reason.BAD_CHARSET, Code.ERROR, 102, False),
        (Reason.IMPOSSIBLE_DATE, Code.ERROR, 102, False),
        (Reason.BAD_STATUS, Code.ERROR, 103, False),
        (Reason.TOO_LARGE, Code.ERROR, 207, False),
        (Reason.UNSUPPORTED_MESSAGE, Code.REJECT, 200, False),
        (Reason.UNLINK_UNSUPPORTED, Code.REJECT, 201, False),
        (Reason.OTHER_RECEIVER, Code.REJECT, 103, True),
        (Reason.REFUSED_PROCESSING, Code.REJECT, 202, True),
        (Reason.UNKNOWN_VERSION, Code.REJECT, 203, True),
    ],
)
def test_each_reason_has_its_code(
    reason: Reason, code: Code, fault: int, *, in_custody_too: bool
) -> None:
    verdict = of_content([Rejected(reason, "why")])
    assert (verdict.code, verdict.problems[0].fault, verdict.stands) == (
        code,
        fault,
        in_custody_too,
    )


def test_what_is_wrong_a_thousand_times_is_told_ten_times() -> None:
    many = of_content([Rejected(Reason.NO_VALUE, "none", f"OBX[{at}]") for at in range(1000)])
    (lines,) = answer(msh(), many)
    assert len(lines) == 2 + MOST_PROBLEMS


@pytest.mark.parametrize("raw", [b"", b"GET / HTTP/1.1", b"MSH", b"MSH|", b"MSHabcd", b"MSH||||"])
def test_what_has_no_header_is_answered_without_any_of_its_bytes(raw: bytes) -> None:
    found, refused = read_header(raw, "utf-8")
    assert refused is not None
    (one,) = answers(found, NOT_HL7, STAMP)
    assert one.startswith(b"MSH|^~\\&|||||20260304050607+0000||ACK|SW1\rMSA|AR\rERR||")


def test_the_number_that_was_expected_is_in_msa_4() -> None:
    found, _ = read_header(msh(f13="7"), "utf-8")
    (one,) = answers(found, Verdict(expected=5), STAMP)
    assert one.split(b"\r")[1] == b"MSA|AA|M1||5"


def test_a_batch_has_one_answer_with_all_of_them_in_it() -> None:
    inner = [b"MSH|...\rMSA|AA|1\r", b"MSH|...\rMSA|AE|2\r"]
    heads = [b"FHS|^~\\&|LAB|HOSP|S|W|||||F9", b"BHS|^~\\&|LAB|HOSP|S|W|||||B7"]
    assert batch_answer(heads, inner, STAMP).decode().split("\r") == [
        "FHS|^~\\&|S|W|LAB|HOSP|20260304050607+0000||||SW1|F9",
        "BHS|^~\\&|S|W|LAB|HOSP|20260304050607+0000||||SW1|B7",
        "MSH|...",
        "MSA|AA|1",
        "MSH|...",
        "MSA|AE|2",
        "BTS|2",
        "FTS|1",
        "",
    ]


def test_a_wrong_envelope_is_told_by_its_own_id() -> None:
    one = about_batch(
        b"BHS|^~\\&|LAB|HOSP|S|W|||||B7", Problem(Fault.MISSING_FIELD, "BTS-1"), STAMP
    )
    lines = one.decode().split("\r")
    assert lines[0].startswith("MSH|^~\\&|S|W|LAB|HOSP|")
    assert lines[1:3] == ["MSA|AE|B7", "ERR||BTS^1^1|101^Required field missing^HL70357|E"]


def test_the_kinds_that_we_know_are_those_that_are_read() -> None:
    assert {kind for kind, _ in mapping._READERS} == KINDS  # noqa: SLF001 - the one list
