"""Bad input, row by row of the table in docs/mllp.md, with what each must get."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from services.ingest.hl7v2.batch import MAX_MESSAGE
from services.ingest.hl7v2.profile import Receiver
from services.ingest.mllp.framing import frame
from services.ingest.mllp.gate import PRODUCTION, Rules
from support.mllp import header, obx, oru


class Case(NamedTuple):
    """Bytes, the answer, what the dead letter says, and the answer under custody."""

    name: str
    sent: bytes
    answer: str
    letter: str | None
    custody: str | None = None  # None: the same
    rules: Rules = Rules()


def framed(
    name: str,
    message: bytes,
    answer: str,
    letter: str | None,
    custody: str | None = None,
    rules: Rules | None = None,
) -> Case:
    return Case(name, frame(message), answer, letter, custody, rules or Rules())


def swap(message: bytes, old: bytes, new: bytes) -> bytes:
    assert old in message
    return message.replace(old, new)


def report(trigger: str, evn: str = "EVN") -> bytes:
    """A document with a result."""
    lines = (
        header("M1", f9=f"MDM^{trigger}"),
        evn,
        "PID|||1001^^^HOSP^MR",
        "TXA|1|PN|TX|20260304||||||||D1^LAB|||||AU",
        *([obx()] if trigger == "T02" else []),
    )
    return "".join(line + "\r" for line in lines).encode()


GOOD = oru()
TWO = oru("M2") + oru("M3")
ABOVE = b"x" * MAX_MESSAGE
MANY = oru("M1", *(["NTE|1"] * 20_001))

CASES = [
    Case("1 line ends before VT", b"\r\n\0 " + frame(GOOD), "AA M1", None),
    Case("1 junk before VT", b"hello\r\n" + frame(GOOD), "AA M1", "malformed_hl7"),
    Case("2 FS without CR", b"\x0b" + GOOD + b"\x1c", "AA M1", None),
    Case(
        "3 VT in an open frame", b"\x0b" + oru("TORN")[:60] + frame(GOOD), "AA M1", "broken_frame"
    ),
    framed("5 too large", oru(f12="2.7") + ABOVE, "AR 104 M1", "too_large"),
    framed("5 too large, before v2.7", GOOD + ABOVE, "AR 207 M1", "too_large"),
    framed("7 empty frame", b"", "AR 100", "malformed_hl7"),
    framed("7 not HL7", b"GET / HTTP/1.1\r\n\r\n", "AR 100", "malformed_hl7"),
    framed("8 MSH alone", b"MSH|", "AR 101", "malformed_hl7"),
    framed("8 MSH-2 repeats", b"MSH|^^^^|LAB|HOSP", "AR 102", "malformed_hl7"),
    framed("8 MSH-1 is a letter", b"MSHA^~\\&ALAB", "AR 102", "malformed_hl7"),
    framed("8 MSH-2 has a letter", b"MSH|^~A&|LAB|HOSP", "AR 102", "malformed_hl7"),
    framed("8 MSH-2 is too long", b"MSH|^~\\&#!|LAB|HOSP", "AR 102", "malformed_hl7"),
    framed("8 MSH-1 is CR", b"MSH\r^~\\&\r", "AR 101", "malformed_hl7"),
    framed("9 LF", GOOD.replace(b"\r", b"\n"), "AA M1", None),
    framed("9 CRLF", GOOD.replace(b"\r", b"\r\n"), "AA M1", None),
    framed(
        "9 LF not allowed",
        GOOD.replace(b"\r", b"\n"),
        "AE 100 M1",
        "malformed_hl7",
        "AA M1",
        Rules(line_feeds=False),
    ),
    framed(
        "9 CRLF not allowed",
        GOOD.replace(b"\r", b"\r\n"),
        "AE 100 M1",
        "malformed_hl7",
        "AA M1",
        Rules(line_feeds=False),
    ),
    framed("10 two MSH", TWO, "AE 100 M2", "multiple_messages", "AA M2"),
    framed("11 no MSH-10", oru(""), "AE 101", "missing_field", "AA"),
    framed(
        "14 no MSH-18, not UTF-8",
        swap(oru(f18=""), b"|F\r", b"|F|\xb5\r"),
        "AE 102 M1",
        "bad_charset",
        "AA M1",
    ),
    framed(
        "14 no MSH-18, the sender's set",
        swap(oru(f18=""), b"|F\r", b"|F|\xb5\r"),
        "AA M1",
        None,
        None,
        Rules(replace(PRODUCTION, charset="iso8859-1")),
    ),
    framed(
        "15 not what MSH-18 says",
        swap(GOOD, b"|F\r", b"|F|\xb5\r"),
        "AE 102 M1",
        "bad_charset",
        "AA M1",
    ),
    framed(
        "16 NUL in a field", swap(GOOD, b"PANEL", b"PA\0NEL"), "AE 102 M1", "malformed_hl7", "AA M1"
    ),
    framed("16 BEL in MSH", oru(f5="\a"), "AE 102 M1", "malformed_hl7", "AA M1"),
    framed(
        "17 a type that is not read", oru(f9="MFN^M02"), "AR 200 M1", "unsupported_message", "AA M1"
    ),
    framed(
        "17 an event that is not read",
        oru(f9="ORU^R40"),
        "AR 201 M1",
        "unsupported_message",
        "AA M1",
    ),
    framed(
        "17 two records told apart again",
        oru(f9="ADT^A37"),
        "AR 201 M1",
        "unlink_unsupported",
        "AA M1",
    ),
    framed(
        "17 a message for somebody else",
        oru(f5="BILLING"),
        "AR 103 M1",
        "other_receiver",
        None,
        Rules(replace(PRODUCTION, receivers=(Receiver("SALVAGE"),))),
    ),
    framed(
        "17 a type to pass over",
        oru(f9="MFN^M02"),
        "AA M1",
        None,
        None,
        Rules(ignored=frozenset({"MFN^M02"})),
    ),
    framed("18 training", oru(f11="T"), "AR 202 M1", "refused_processing"),
    framed("18 debugging", oru(f11="D"), "AR 202 M1", "refused_processing"),
    framed("19 version", oru(f12="9.9"), "AR 203 M1", "unknown_version"),
    framed(
        "20 a stranger",
        oru(f3="ELSE"),
        "AR 207 M1",
        "bad_field",
        None,
        Rules(senders=frozenset({"HOSP/LAB"})),
    ),
    framed("20 no name", oru(f3="L" * 300), "AE 102 M1", "bad_field", "AA M1"),
    framed("20 an unprintable name", oru(f3=r"\X07\\"), "AE 102 M1", "bad_field", "AA M1"),
    framed(
        "21 no PID",
        swap(GOOD, b"PID|||1001^^^HOSP^MR\r", b""),
        "AE 101 M1",
        "missing_field",
        "AA M1",
    ),
    framed(
        "21 no authority", swap(GOOD, b"^^^HOSP^MR", b""), "AE 204 M1", "unmapped_patient", "AA M1"
    ),
    framed("23 a comparator", oru("M1", obx(1, ">=10", f2="ST")), "AA M1", None),
    framed(
        "23 no number", oru("M1", obx(1, "see note"), obx(2)), "AE 102 M1", "not_a_number", "AA M1"
    ),
    framed(
        "23 a power of ten, unescaped",
        oru("M1", obx(1, ">=10^6", f2="ST")),
        "AE 102 M1",
        "not_a_number",
        "AA M1",
    ),
    framed("23 an empty component", oru("M1", obx(1, "10^")), "AA M1", None),
    framed("23 an exponent", oru("M1", obx(1, "1.2E3")), "AA M1", None),
    framed("23 a null", oru("M1", obx(1, '""')), "AE 101 M1", "no_value", "AA M1"),
    framed("23 nothing", oru("M1", obx(1, "")), "AE 101 M1", "no_value", "AA M1"),
    framed("23 a comma", oru("M1", obx(1, "12,4")), "AE 102 M1", "not_a_number", "AA M1"),
    framed("24 a unit nobody knows", oru("M1", obx(1, f6="furlong")), "AA M1", None),
    framed("24 no unit", oru("M1", obx(1, f6="")), "AA M1", None),
    framed("25 no zone", swap(oru(f7="20260304100000"), b"080000+0000", b"080000"), "AA M1", None),
    framed(
        "25 before the patient's birth",
        swap(GOOD, b"^^^HOSP^MR", b"^^^HOSP^MR||||20260306"),
        "AE 102 M1",
        "impossible_date",
        "AA M1",
    ),
    framed("25 at birth", swap(GOOD, b"^^^HOSP^MR", b"^^^HOSP^MR||||20260305"), "AA M1", None),
    framed(
        "25 no such day",
        swap(GOOD, b"20260304080000", b"20260230080000"),
        "AE 102 M1",
        "impossible_date",
        "AA M1",
    ),
    framed(
        "25 a result from the future",
        swap(GOOD, b"20260304080000", b"29990304080000"),
        "AE 102 M1",
        "impossible_date",
        "AA M1",
    ),
    framed(
        "25 sent in the future",
        oru(f7="29990101000000+0000"),
        "AE 102 M1",
        "impossible_date",
        "AA M1",
    ),
    framed(
        "25 a report withdrawn in the future",
        report("T11", "EVN|T11|29990101000000+0000"),
        "AE 102 M1",
        "impossible_date",
        "AA M1",
    ),
    framed(
        "26 a report of no status",
        swap(report("T02"), b"AU\r", b"XX\r"),
        "AE 103 M1",
        "bad_status",
        "AA M1",
    ),
    framed("26 a correction", oru("M1", obx(f11="C")), "AA M1", None),
    framed("26 a withdrawal", oru("M1", obx(f11="W")), "AA M1", None),
    framed("26 a deletion", oru("M1", obx(f11="D")), "AA M1", None),
    framed("26 a cancellation", oru("M1", obx(f11="X")), "AA M1", None),
    framed("26 a status nobody knows", oru("M1", obx(f11="Z")), "AE 103 M1", "bad_status", "AA M1"),
    framed("26 no status", oru("M1", obx(f11="")), "AE 103 M1", "bad_status", "AA M1"),
    framed("27 a correction of nothing", oru("M9", obx(f11="C"), person="77"), "AA M9", None),
    framed(
        "28 a merge with itself",
        (header(f9="ADT^A40") + "\rEVN||20260304\rPID|||1^^^H^MR\rMRG|1^^^H^MR\r").encode(),
        "AE 204 M1",
        "bad_merge",
        "AA M1",
    ),
    framed(
        "28 a merge without a survivor",
        (header(f9="ADT^A40") + "\rEVN||20260304\rMRG|1^^^H^MR\r").encode(),
        "AE 204 M1",
        "bad_merge",
        "AA M1",
    ),
    framed("29 broken escapes", swap(GOOD, b"PANEL", rb"P\X4\\Zx\\"), "AA M1", None),
    framed("30 too many segments", MANY, "AE 207 M1", "too_large", "AA M1"),
    framed(
        "30 a list beyond measure",
        swap(GOOD, b"PID|||", b"PID|||" + b"~" * 1_000),
        "AE 207 M1",
        "too_large",
        "AA M1",
    ),
    framed(
        "30 a field of 1 MB",
        oru("M1", obx(1, "9" * 1_000_000)),
        "AE 102 M1",
        "not_a_number",
        "AA M1",
    ),
]
