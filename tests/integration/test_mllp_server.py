"""The server under load, in failure and at its end: in order, nothing dropped, no false yes."""

from __future__ import annotations

import io
import logging
import socket
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import pytest
from support.mllp import HERE, Sender, code, entries, header, heard, listening, obx, oru

from services.ingest.hl7v2.mapping import read_message
from services.ingest.journal import FILE_NAME, Journal, State
from services.ingest.mllp.connection import Limits
from services.ingest.mllp.framing import frame
from services.ingest.mllp.gate import Rules
from services.ingest.mllp.listener import Listener
from services.ingest.mllp.server import Endpoint
from services.ingest.receiving import Received, Receiver
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError
from services.runtime.logs import JsonLines, logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from services.ingest.hl7v2.mapping import Mapped
    from services.ingest.hl7v2.profile import Profile


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that is locked by somebody else is given up at once."""
    monkeypatch.setattr(Journal.__init__, "__kwdefaults__", {"patience": 0.05})


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many messages shared each transaction."""
    sizes: list[int] = []
    whole = Receiver.take

    def counting(self: Receiver, received: Sequence[Received]) -> list[bytes]:
        sizes.append(len(received))
        return whole(self, received)

    monkeypatch.setattr(Receiver, "take", counting)
    return sizes


def lock(folder: Path) -> sqlite3.Connection:
    """Keep everybody else from writing the journal."""
    other = sqlite3.connect(folder / FILE_NAME, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    return other


def test_answers_come_in_the_order_of_arrival(tmp_path: Path, groups: list[int]) -> None:
    bad = {at for at in range(300) if at % 7 == 0}
    messages = [oru(f"M{at}", obx(value="x" if at in bad else "40")) for at in range(300)]
    with listening(tmp_path) as listener, Sender(listener.port) as sender:
        sender.send(b"".join(map(frame, messages)))
        answers = [code((sender.answer() or b"").decode()) for _ in messages]
    assert answers == [f"AE 102 M{at}" if at in bad else f"AA M{at}" for at in range(300)]
    assert [entry.raw for entry in entries(tmp_path)] == messages
    assert len(groups) < 150, "messages that wait together share a transaction"


def test_a_sender_that_runs_ahead_is_held_back_and_loses_nothing(
    tmp_path: Path, groups: list[int]
) -> None:
    count = 400
    with listening(tmp_path, limits=Limits(pending=8)) as listener, Sender(listener.port) as sender:
        held = lock(tmp_path)
        everything = b"".join(frame(oru(f"M{at}")) for at in range(count))
        sending = threading.Thread(target=sender.send, args=(everything,))
        sending.start()
        time.sleep(0.3)
        held.execute("ROLLBACK")
        held.close()
        answers = [code((sender.answer() or b"").decode()) for _ in range(count)]
        sending.join()
    assert answers == [f"AA M{at}" for at in range(count)]
    assert max(groups) <= 9, "no more than was allowed had been read"


def test_each_connection_has_its_own_order(tmp_path: Path) -> None:
    with listening(tmp_path) as listener:
        senders = [Sender(listener.port) for _ in range(8)]
        for at in range(20):
            for number, sender in enumerate(senders):
                sender.send(frame(oru(f"S{number}M{at}")))
        for number, sender in enumerate(senders):
            answers = [code((sender.answer() or b"").decode()) for _ in range(20)]
            assert answers == [f"AA S{number}M{at}" for at in range(20)]
            sender.socket.close()
    found = entries(tmp_path)
    assert len({entry.connection for entry in found}) == 8
    assert len({(entry.connection, entry.place) for entry in found}) == 160


def test_a_sender_may_go_on_while_the_same_stream_is_answered_in_two_steps(tmp_path: Path) -> None:
    with listening(tmp_path) as listener, Sender(listener.port) as sender:
        sender.send(frame(oru("M1", f15="AL", f16="AL")) + frame(oru("M2")))
        answers = [code((sender.answer() or b"").decode()) for _ in range(3)]
    assert answers == ["CA M1", "AA M1", "AA M2"]


@pytest.mark.usefixtures("impatient")
def test_a_journal_that_cannot_be_written_never_says_yes(tmp_path: Path) -> None:
    with listening(tmp_path) as listener:
        with Sender(listener.port) as sender:
            assert code(sender.ask(oru("M1"))) == "AA M1"
            held = lock(tmp_path)
            assert code(sender.ask(oru("M2"))) == "AR 207 M2"
            assert sender.answer() is None, "and the listener closes"
        wait_until(lambda: listener.problem() == "the journal cannot be written")
        assert not heard(listener.port)
        held.execute("ROLLBACK")
        held.close()
        wait_until(lambda: listener.problem() is None)
        with Sender(listener.port) as sender:
            assert code(sender.ask(oru("M2"))) == "AA M2"
    assert [entry.control for entry in entries(tmp_path)] == ["M1", "M2"]


@pytest.mark.usefixtures("impatient")
def test_a_negative_commit_is_all_that_an_enhanced_sender_hears(tmp_path: Path) -> None:
    with listening(tmp_path, Rules(custody=True)) as listener, Sender(listener.port) as sender:
        held = lock(tmp_path)
        assert code(sender.ask(oru("M1", f15="AL", f16="AL"))) == "CR 207 M1"
        assert sender.answer() is None
        held.close()
    assert entries(tmp_path) == []


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_was_read_is_answered_before_the_end(tmp_path: Path) -> None:
    sent = b"".join(frame(oru(f"M{at}")) for at in range(200))
    with listening(tmp_path) as listener, Sender(listener.port) as sender:
        sender.send(sent)
        answers = [sender.answer()]
        ending = threading.Thread(target=listener.stop)
        ending.start()
        try:
            while (answer := sender.answer()) is not None:
                answers.append(answer)
        except ConnectionResetError:
            pass  # some of ours had not been read
        ending.join()
        assert not listener.alive
    kept = [entry.control for entry in entries(tmp_path)]
    assert kept == [f"M{at}" for at in range(len(kept))]
    assert len(answers) <= len(kept), "nobody heard yes for what was not kept"


def test_an_idle_listener_ends_at_once(tmp_path: Path) -> None:
    with listening(tmp_path) as listener, Sender(listener.port) as sender:
        assert code(sender.ask(oru())) == "AA M1"
        started = time.monotonic()
        listener.stop()
        assert time.monotonic() - started < 5
        assert sender.answer() is None


def test_more_connections_than_allowed_are_turned_away(tmp_path: Path) -> None:
    with listening(tmp_path, limits=Limits(connections=2)) as listener:
        first, second = Sender(listener.port), Sender(listener.port)
        with first, second:
            assert [code(one.ask(oru())) for one in (first, second)] == ["AA M1"] * 2
            assert not heard(listener.port)
            assert code(first.ask(oru("M2"))) == "AA M2"
        wait_until(lambda: heard(listener.port))


def test_a_sender_that_never_reads_is_let_go(tmp_path: Path) -> None:
    long = "M" * 60_000  # comes back in every answer, so that a few fill all buffers
    many = b"".join(frame(oru(f"{long}{at}")) for at in range(400))
    with listening(tmp_path, limits=Limits(unread=0.2)) as listener:
        deaf, other = Sender(listener.port), Sender(listener.port)
        with deaf, other:
            with pytest.raises(ConnectionError):
                deaf.send(many)
            assert code(other.ask(oru())) == "AA M1"


def test_idle_connections_are_closed(tmp_path: Path) -> None:
    limits = Limits(idle=0.2)
    with listening(tmp_path, limits=limits) as listener, Sender(listener.port) as sender:
        assert code(sender.ask(oru())) == "AA M1"
        assert sender.answer() is None


def test_a_port_that_is_taken_is_the_operators_business(tmp_path: Path) -> None:
    with socket.create_server((HERE, 0)) as taken:
        where = Endpoint(HERE, taken.getsockname()[1])
        listener = Listener(where, Rules(), tmp_path, SystemClock())
        with pytest.raises(OperatorError, match="--mllp"):
            listener.start()


def test_a_defect_of_ours_costs_one_message_its_answer_and_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(raw: bytes, profile: Profile) -> Mapped:
        if b"|BAD|" in raw:
            raise KeyError(raw)
        return read_message(raw, profile)

    monkeypatch.setattr("services.ingest.mllp.gate.read_message", broken)
    with listening(tmp_path) as listener, Sender(listener.port) as sender:
        assert [code(sender.ask(oru(one))) for one in ("M1", "BAD", "M2")] == [
            "AA M1",
            "AR 207 BAD",
            "AA M2",
        ]
    states = [entry.state for entry in entries(tmp_path)]
    assert states == [State.NEW, State.DEFECT, State.NEW]


SENTINEL = ("Zyxomma", "31415926", "271828", "ZZ-SECRET")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged: ours, and that of every library."""
    stream = io.StringIO()
    handler, plain = logging.StreamHandler(stream), logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root, ours = logging.getLogger(), logger()
    before = ours.level
    ours.addHandler(handler)
    root.addHandler(plain)
    ours.setLevel(logging.DEBUG)
    yield stream
    ours.setLevel(before)
    ours.removeHandler(handler)
    root.removeHandler(plain)


def hostile() -> list[bytes]:
    """Messages with planted names and numbers, wrong in every place where a message may be."""
    name, number, value, other = SENTINEL
    good = oru("M1", obx(value=value), person=number)
    good = good.replace(b"^^^HOSP^MR", f"^^^HOSP^MR||{name}^{name}".encode())
    spots = [
        good.replace(b"|NM|", b"|ZZ-SECRET|"),
        good.replace(b"|" + value.encode(), b"|" + name.encode()),
        good.replace(b"20260304080000", other.encode()),
        good.replace(b"^^^HOSP^MR", b"^^^^MR"),
        good.replace(b"|F\r", f"|{other}\r".encode()),
        good.replace(b"25836-8^HIV^LN", b""),
        good.replace(b"PID|", b"PID|\0"),
        good.replace(b"\rOBR", f"\r{name}\rOBR".encode()),
        good.replace(b"2.5.1", other.encode(), 1),
        good.replace(b"|P|", f"|{other}|".encode(), 1),
        good.replace(b"ORU^R01^ORU_R01", other.encode()),
        good.replace(b"UNICODE UTF-8", other.encode()),
        good.replace(b"M1|P", b"|P"),
        good + good,
        name.encode(),
        f"MSH{name}".encode(),
        f"BHS|^~\\&|\r{name}\rBTS|{number}\r".encode(),
    ]
    merge = f"{header(f9='ADT^A40')}\rPID|||{number}^^^H^MR||{name}\rMRG|{number}^^^H^MR\r"
    return [*spots, merge.encode()]


def test_nothing_that_a_message_says_is_said_again(tmp_path: Path, log: io.StringIO) -> None:
    refused = 0
    with listening(tmp_path) as listener, Sender(listener.port) as sender:
        for message in hostile():
            answer = sender.ask(message)
            refused += "MSA|AA" not in answer
            told = "\r".join(answer.split("\r")[1:])  # MSH is the sender's own header
            assert not any(word in told for word in SENTINEL), message
        sender.send(SENTINEL[0].encode() + b"\x0b" + SENTINEL[1].encode())
    assert refused >= 14
    assert log.getvalue().count('"refused"') >= refused
    assert not [word for word in SENTINEL if word in log.getvalue()]
