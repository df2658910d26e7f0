"""The table of bad inputs, over real sockets: the answer, the dead letter, and life goes on.

Each case sends something wrong and then a good message on the same connection, which must be
accepted. Numbers are those of the table in docs/mllp.md.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pytest
from support.mllp import Sender, code, dead_letters, entries, header, listening, obx, oru

from services.ingest.hl7v2.batch import MAX_MESSAGE
from services.ingest.journal import State
from services.ingest.mllp.connection import Limits
from services.ingest.mllp.framing import frame
from services.ingest.mllp.gate import PRODUCTION, Rules

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = "no answer"


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
    framed("23 a comma", oru("M1", obx(1, "12,4")), "AE 102 M1", "not_a_number", "AA M1"),
    framed("24 a unit nobody knows", oru("M1", obx(1, f6="furlong")), "AA M1", None),
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
    framed("26 a correction", oru("M1", obx(f11="C")), "AA M1", None),
    framed("26 a withdrawal", oru("M1", obx(f11="W")), "AA M1", None),
    framed("26 no status", oru("M1", obx(f11="")), "AE 103 M1", "bad_status", "AA M1"),
    framed("27 a correction of nothing", oru("M9", obx(f11="C"), person="77"), "AA M9", None),
    framed(
        "28 a merge with itself",
        (header(f9="ADT^A40") + "\rEVN||20260304\rPID|||1^^^H^MR\rMRG|1^^^H^MR\r").encode(),
        "AE 204 M1",
        "bad_merge",
        "AA M1",
    ),
    framed("29 broken escapes", swap(GOOD, b"PANEL", rb"P\X4\\Zx\\"), "AA M1", None),
    framed("30 too many segments", MANY, "AE 207 M1", "too_large", "AA M1"),
]


@pytest.mark.parametrize("policy", ["standard", "custody"])
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_each_gets_its_answer_and_the_next_message_works(
    case: Case, policy: str, tmp_path: Path
) -> None:
    custody = policy == "custody"
    expected = case.custody if custody and case.custody is not None else case.answer
    rules, after = replace(case.rules, custody=custody), oru("NEXT")
    with listening(tmp_path, rules) as listener, Sender(listener.port) as sender:
        sender.send(case.sent)
        assert code((sender.answer() or b"").decode()) == expected
        assert code(sender.ask(after)) == "AA NEXT"
    letters = dead_letters(tmp_path, rules.profile)
    assert letters == ([] if case.letter is None else [case.letter])
    *_, last = entries(tmp_path)
    assert (last.raw, last.state) == (after, State.NEW)


def test_4_a_stream_that_ends_within_a_frame(tmp_path: Path) -> None:
    with listening(tmp_path) as listener, Sender(listener.port) as sender:
        assert code(sender.ask(GOOD)) == "AA M1"
        sender.send(b"\x0b" + oru("M2")[:50])
        sender.socket.shutdown(1)
        assert sender.answer() is None
    assert [entry.raw for entry in entries(tmp_path)] == [GOOD, oru("M2")[:50]]
    assert dead_letters(tmp_path) == ["broken_frame"]


@pytest.mark.parametrize("drip", [0.0, 0.05])
def test_6_a_sender_that_stops_within_a_frame_is_let_go(tmp_path: Path, drip: float) -> None:
    with listening(tmp_path, limits=Limits(within=0.1)) as listener:
        slow, other = Sender(listener.port), Sender(listener.port)
        with slow, other:
            started = time.monotonic()
            slow.send(b"\x0bMSH|")
            while drip and time.monotonic() - started < 0.9:
                slow.send(b"x")  # one byte now and then is no frame either
                time.sleep(drip)
            assert slow.answer() is None
            assert time.monotonic() - started < 5
            assert code(other.ask(GOOD)) == "AA M1"
    assert "broken_frame" in dead_letters(tmp_path)


def test_12_the_same_message_again_is_answered_again_and_taken_once(tmp_path: Path) -> None:
    again = oru(f7="20260305110000+0000")
    assert again != GOOD
    with listening(tmp_path) as listener, Sender(listener.port) as sender:
        assert [code(sender.ask(one)) for one in (GOOD, again, GOOD)] == ["AA M1"] * 3
    with listening(tmp_path) as listener, Sender(listener.port) as sender:  # another day
        assert code(sender.ask(again)) == "AA M1"
    found = [(entry.state, entry.refers) for entry in entries(tmp_path)]
    assert found == [(State.NEW, None)] + [(State.REPEAT, 1)] * 3


def test_12_what_was_refused_is_not_taken_for_known(tmp_path: Path) -> None:
    stranger = Rules(senders=frozenset({"ELSE/WHERE"}))
    with listening(tmp_path, stranger) as listener, Sender(listener.port) as sender:
        assert code(sender.ask(GOOD)) == "AR 207 M1"
    with listening(tmp_path) as listener, Sender(listener.port) as sender:
        assert code(sender.ask(GOOD)) == "AA M1"
    assert [entry.state for entry in entries(tmp_path)] == [State.REFUSED, State.NEW]


def test_12_another_sender_may_use_the_same_id(tmp_path: Path) -> None:
    with listening(tmp_path) as listener, Sender(listener.port) as sender:
        assert [code(sender.ask(one)) for one in (GOOD, oru(f3="LAB2"))] == ["AA M1"] * 2
    assert [entry.state for entry in entries(tmp_path)] == [State.NEW] * 2


def test_13_an_id_used_again_for_something_else_is_taken(tmp_path: Path) -> None:
    other = oru("M1", obx(value="40"))
    with listening(tmp_path) as listener, Sender(listener.port) as sender:
        assert [code(sender.ask(one)) for one in (GOOD, other, other)] == ["AA M1"] * 3
    found = [(entry.state, entry.refers) for entry in entries(tmp_path)]
    assert found == [(State.NEW, None), (State.NEW, 1), (State.REPEAT, 2)]


def batch(*messages: bytes, count: int) -> bytes:
    head = b"BHS|^~\\&|LAB|HOSP|SALVAGE|WARD|||||B7\r"
    return head + b"".join(messages) + f"BTS|{count}\r".encode()


@pytest.mark.parametrize(
    ("count", "codes", "letters"),
    [
        (2, ["AA|M1", "AE|M2"], ["not_a_number"]),
        (3, ["AE|B7", "AA|M1", "AE|M2"], ["not_a_number", "batch_count"]),
    ],
)
def test_31_a_batch_is_split_and_answered_as_one(
    tmp_path: Path, count: int, codes: list[str], letters: list[str]
) -> None:
    sent = batch(GOOD, oru("M2", obx(value="x")), count=count)
    with listening(tmp_path) as listener, Sender(listener.port) as sender:
        lines = sender.ask(sent).split("\r")
        assert code(sender.ask(oru("NEXT"))) == "AA NEXT"
    assert lines[0].startswith("BHS|^~\\&|SALVAGE|WARD|LAB|HOSP|")
    assert [line[4:] for line in lines if line.startswith("MSA")] == codes
    assert lines[-2] == f"BTS|{len(codes)}"
    assert dead_letters(tmp_path) == letters
    assert [entry.raw for entry in entries(tmp_path)][:2] == [GOOD, oru("M2", obx(value="x"))]


def test_32_a_gap_in_the_numbers_is_told(tmp_path: Path) -> None:
    with listening(tmp_path, Rules(numbered=True)) as listener, Sender(listener.port) as sender:
        numbers = ["0", "1", "3", "2", "2", "3", "x"]
        answers = [sender.ask(oru(f"M{at}", f13=text)) for at, text in enumerate(numbers)]
        again = sender.ask(oru("M5", f13="3"))
    msa = [answer.split("\r")[1][4:] for answer in answers]
    assert msa == [
        "AA|M0||1",
        "AA|M1||2",
        "AE|M2||2",
        "AA|M3||3",
        "AE|M4||3",
        "AA|M5||4",
        "AE|M6||4",
    ]
    assert again.split("\r")[1] == "MSA|AA|M5"
    assert dead_letters(tmp_path) == ["bad_field"] * 3
    with listening(tmp_path, Rules(numbered=True)) as listener, Sender(listener.port) as sender:
        assert code(sender.ask(oru("M7", f13="4"))) == "AA M7"
