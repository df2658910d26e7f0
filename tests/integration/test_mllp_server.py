"""The server under load, in failure and at its end: in order, nothing dropped, no false yes."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from support.mllp import HERE, Sender, code, entries, heard, listening, obx, oru

from services.ingest import receiving
from services.ingest.journal import FILE_NAME, Journal, State
from services.ingest.mllp.connection import Limits
from services.ingest.mllp.framing import frame
from services.ingest.mllp.gate import Rules
from services.ingest.mllp.listener import Listener
from services.ingest.mllp.server import Endpoint
from services.ingest.mllp.verdict import UNAVAILABLE
from services.ingest.receiving import Received, Receiver
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


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


def test_one_address_does_not_take_all_connections(tmp_path: Path) -> None:
    with listening(tmp_path, limits=Limits(each=2)) as listener:
        first, second = Sender(listener.port), Sender(listener.port)
        with first, second:
            assert [code(one.ask(oru())) for one in (first, second)] == ["AA M1"] * 2
            assert not heard(listener.port)
            with elsewhere(listener.port) as other:
                assert code(other.ask(oru("M2"))) == "AA M2"
        wait_until(lambda: heard(listener.port))


@contextmanager
def elsewhere(port: int) -> Iterator[Sender]:
    """A sender with another address."""
    with Sender(port) as sender:
        sender.socket.close()
        sender.socket = socket.create_connection((HERE, port), 20, ("127.0.0.2", 0))
        yield sender


def test_a_full_disk_never_says_yes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Journal.__init__

    def small(self: Journal, folder: Path, *, patience: float = 1.0) -> None:
        whole(self, folder, patience=patience)
        self._db.execute("PRAGMA max_page_count=20")

    monkeypatch.setattr(Journal, "__init__", small)
    with listening(tmp_path) as listener, Sender(listener.port) as sender:
        answers = [code(sender.ask(oru("M0")))]
        while answers[-1].startswith("AA"):
            answers.append(code(sender.ask(oru(f"M{len(answers)}"))))
        assert answers[-1] == f"AR 207 M{len(answers) - 1}"
        assert sender.answer() is None
    kept = [entry.control for entry in entries(tmp_path)]
    assert kept == [f"M{at}" for at in range(len(answers) - 1)], "what got yes, and nothing else"


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


@pytest.mark.parametrize(
    ("part", "kept"),
    [
        ("examine", [State.NEW, State.DEFECT, State.NEW]),
        ("content_digest", [State.NEW, State.DEFECT, State.NEW]),
        ("answers", [State.NEW, State.NEW, State.DEFECT, State.NEW]),
    ],
)
def test_a_defect_of_ours_costs_one_message_its_answer_and_nobody_else(
    part: str, kept: list[State], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = getattr(receiving, part)

    def broken(what: object, *rest: Any) -> Any:
        if "|BAD|" in str(what) or ("'BAD'" in str(what) and UNAVAILABLE not in rest):
            raise KeyError(what)
        return whole(what, *rest)

    monkeypatch.setattr(receiving, part, broken)
    with listening(tmp_path) as listener, Sender(listener.port) as sender:
        answers = [code(sender.ask(oru(one))) for one in ("M1", "BAD", "M2")]
    assert answers == ["AA M1", "AR 207 BAD", "AA M2"]
    assert [entry.state for entry in entries(tmp_path)] == kept
