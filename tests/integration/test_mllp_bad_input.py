"""The table of bad inputs, over real sockets: the answer, the dead letter, and life goes on.

Each case sends something wrong and then a good message on the same connection, which must be
accepted. Numbers are those of the table in docs/mllp.md.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support.bad_input import CASES, GOOD, Case, swap
from support.mllp import Sender, code, dead_letters, entries, listening, obx, oru

from services.ingest.hl7v2.mapping import read_message
from services.ingest.journal import State
from services.ingest.mllp.connection import Limits
from services.ingest.mllp.gate import Rules

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mllp.md"
COLUMNS = 5


def row(case: Case) -> str:
    """A case as the page for interface teams has it."""
    number, _, name = case.name.partition(" ")
    answers = [without_id(text) for text in (case.answer, case.custody or case.answer)]
    return f"| {number} | {name} | {' | '.join(answers)} | {case.letter or ''} |"


def without_id(answer: str) -> str:
    first, *rest = answer.split()
    return " ".join([first, *(one for one in rest if one.isdecimal())])


def test_the_page_for_interface_teams_says_the_same() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if re.match(r"\| \d", line)]
    assert [line for line in rows if line.count("|") == COLUMNS + 1] == [row(one) for one in CASES]


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


def test_23_the_other_results_of_the_message_are_used(tmp_path: Path) -> None:
    sent = oru("M1", obx(1, "see note"), obx(2, "40"))
    with listening(tmp_path) as listener, Sender(listener.port) as sender:
        assert code(sender.ask(sent)) == "AE 102 M1"
    (entry,) = entries(tmp_path)
    assert entry.state is State.NEW
    assert [str(event.value) for event in read_message(entry.raw).events] == ["40"]  # type: ignore[union-attr]


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


@pytest.mark.parametrize(
    ("number", "expected"), [("-1", "AA|M1||1"), ("9" * 15, "AE|M1||1"), ("9" * 22, "AE|M1||1")]
)
def test_32_a_sender_may_ask_for_the_number_and_not_make_us_stumble(
    number: str, expected: str, tmp_path: Path
) -> None:
    with listening(tmp_path, Rules(numbered=True)) as listener, Sender(listener.port) as sender:
        assert code(sender.ask(oru("M0", f13="0"))) == "AA M0"
        assert sender.ask(oru("M1", f13=number)).split("\r")[1][4:] == expected
        assert code(sender.ask(oru("M2", f13="1"))) == "AA M2"


def test_31_a_file_of_a_batch_is_answered_as_one(tmp_path: Path) -> None:
    sent = b"FHS|^~\\&|LAB|HOSP|||||||F1\r" + batch(GOOD, count=1) + b"FTS|1\r"
    with listening(tmp_path) as listener, Sender(listener.port) as sender:
        names = [line[:3] for line in sender.ask(sent).split("\r")]
        assert code(sender.ask(oru("NEXT"))) == "AA NEXT"
    assert names == ["FHS", "BHS", "MSH", "MSA", "BTS", "FTS", ""]
    assert dead_letters(tmp_path) == []


ALPHABETS = ["^~\\&", "^~\\&#", "^~\\", "^", "*@?!", "^~&", "%/$:;"]


@pytest.mark.parametrize("separator", ["|", "+", "'"])
@pytest.mark.parametrize("second", ALPHABETS)
def test_the_sender_chooses_its_delimiters(separator: str, second: str, tmp_path: Path) -> None:
    """MSH-1 and MSH-2 of any legal form; the answer has them, too."""
    sent = swap(oru(f7="20260304100000"), b"080000+0000", b"080000").replace(b"100000+0000", b"")
    sent = sent.replace(b"|ORU^R01^ORU_R01|", b"|ORU^R01|")
    for old, new in zip("|^", separator + second, strict=False):
        sent = sent.replace(b"MSH|^~\\&", b"MSH\1\2").replace(old.encode(), new.encode())
    sent = sent.replace(b"MSH\1\2", b"MSH" + (separator + second).encode())
    with listening(tmp_path) as listener, Sender(listener.port) as sender:
        answer = sender.ask(sent)
    assert answer.startswith(f"MSH{separator}{second}{separator}SALVAGE{separator}WARD")
    assert f"\rMSA{separator}AA{separator}M1\r" in answer
    (event,) = read_message(entries(tmp_path)[0].raw).events
    assert event.patient_id == "HOSP|1001"
