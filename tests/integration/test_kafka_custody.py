"""The journal that publishes: senders hear yes when Kafka has their message, and not before."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest
from support.kafka import at, drop_topics, everything, make_topic
from support.mllp import HERE, Sender, code, entries, oru

from schemas.topics import RAW
from services.embedded.reading import read
from services.ingest.coding import Rejected
from services.ingest.journal import Entry, State
from services.ingest.kafka.custody import PublishingJournal, publishing
from services.ingest.kafka.mapper import Mapper
from services.ingest.kafka.publisher import Publisher
from services.ingest.kafka.records import raw_arrival
from services.ingest.mllp.framing import frame
from services.ingest.mllp.gate import Rules
from services.ingest.mllp.listener import Listener
from services.ingest.mllp.server import Endpoint
from services.ingest.profiles.sources import Sources
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from support.broker import Broker

    from services.ingest.kafka.publisher import Outgoing


@contextmanager
def listening(folder: Path, address: str, patience: float = 15.0) -> Iterator[Listener]:
    """A listener whose journal publishes."""

    def opened(where: Path) -> PublishingJournal:
        return PublishingJournal(where, lambda: Publisher(at(address), patience=patience))

    listener = Listener(
        Endpoint(HERE, 0), Rules(), folder, SystemClock(), retry=0.2, journal=opened
    )
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()


def test_what_was_answered_is_in_the_topic_with_what_was_thought_of_it(
    broker: Broker, tmp_path: Path
) -> None:
    with listening(tmp_path, broker.address) as listener, Sender(listener.port) as sender:
        told = [sender.ask(oru("M1")), sender.ask(oru("M1")), sender.ask(oru("M2", f9="MFN^M02"))]
    assert [code(one) for one in told] == ["AA M1", "AA M1", "AR 200 M2"]
    found = everything(broker.address, RAW.name)
    assert [(one.value, one.headers["state"]) for one in found] == [
        (oru("M1"), "new"),
        (oru("M1"), "repeat"),
        (oru("M2", f9="MFN^M02"), "refused"),
    ]
    assert {one.key for one in found} == {b"HOSP/LAB"}
    assert {one.headers["source"] for one in found} == {"HOSP/LAB"}
    assert len({one.headers["traceparent"] for one in found}) == 3
    assert [one.received for one in found] == [one.received for one in entries(tmp_path)]
    assert found[2].headers["reason"] == "unsupported_message"
    read = [raw_arrival(one) for one in found]
    assert [one and one.record.raw for one in read] == [oru("M1"), None, found[2].value]
    assert isinstance(read[2] and read[2].record.rejected, Rejected)


@pytest.mark.slow
def test_senders_wait_while_kafka_stands_still(broker: Broker, tmp_path: Path) -> None:
    messages = [oru(f"M{n}") for n in range(100)]  # so few that sending them never blocks
    with listening(tmp_path, broker.address) as listener, Sender(listener.port) as sender:
        assert code(sender.ask(oru("FIRST"))) == "AA FIRST"
        broker.pause()
        try:
            for message in messages:
                sender.send(frame(message))
            sender.socket.settimeout(1.0)
            with pytest.raises(TimeoutError):
                sender.answer()
            assert len(entries(tmp_path)) == 1, "nothing else counts as received"
        finally:
            broker.resume()
        sender.socket.settimeout(20.0)
        told = [code((sender.answer() or b"").decode()) for _ in messages]
    assert told == [f"AA M{n}" for n in range(100)]
    found = everything(broker.address, RAW.name)
    assert [one.value for one in found] == [oru("FIRST"), *messages], "each once, in order"


@pytest.mark.slow
# asyncio (3.11) drops a connection that comes while its server closes, and says so when collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_who_waits_too_long_is_refused_and_may_send_again(broker: Broker, tmp_path: Path) -> None:
    with listening(tmp_path, broker.address, patience=1.5) as listener:
        broker.pause()
        try:
            with Sender(listener.port) as sender:
                assert code(sender.ask(oru("M1"))) == "AR 207 M1"
        finally:
            broker.resume()
        assert entries(tmp_path) == []
        assert again(listener.port, oru("M1")) == "AA M1"
    found = everything(broker.address, RAW.name)
    assert len(entries(tmp_path)) == 1
    assert {one.value for one in found} == {oru("M1")}
    assert 1 <= len(found) <= 2, "the first one may have been written late"


def again(port: int, message: bytes) -> str:
    """The first answer but refusals; the port may be closed for a moment."""
    deadline = time.monotonic() + 20.0
    while time.monotonic() < deadline:
        try:
            with Sender(port) as sender:
                told = code(sender.ask(message))
        except (OSError, StopIteration):
            told = ""
        if told.startswith("AA"):
            return told
        time.sleep(0.1)
    return "never"


class Interrupted(Publisher):
    """Ends the process, as far as anybody can tell, when Kafka has said yes."""

    def publish(self, records: Iterable[Outgoing]) -> None:
        super().publish(records)
        raise KeyboardInterrupt


def test_an_end_between_kafkas_yes_and_our_own_makes_a_repeat_and_no_loss(
    broker: Broker, tmp_path: Path
) -> None:
    entry = Entry(1, "c", 0, "LAB", oru("M1"), State.NEW, "M1", b"content", accepted=True)
    for kind in (Interrupted, Publisher):
        with (
            closing(PublishingJournal(tmp_path, partial(kind, at(broker.address)))) as journal,
            suppress(KeyboardInterrupt),
            journal.transaction(),
        ):
            journal.add(entry)
    assert [one.raw for one in entries(tmp_path)] == [oru("M1")], "told, and kept, once"
    found = everything(broker.address, RAW.name)
    assert [one.value for one in found] == [oru("M1")] * 2, "published twice"
    mapper = Mapper(partial(read, sources=Sources()))
    first, second = ([made.value for made in mapper.mapped(one)] for one in found)
    assert first == second, "which is the same event in the same version"
    assert len(first) == 1


def test_a_failure_of_ours_within_a_transaction_publishes_nothing(
    broker: Broker, tmp_path: Path
) -> None:
    entry = Entry(1, "c", 0, "LAB", oru("M1"))
    opened = PublishingJournal(tmp_path, partial(Publisher, at(broker.address)))
    with closing(opened) as journal, suppress(ZeroDivisionError), journal.transaction():
        journal.add(entry)
        raise ZeroDivisionError
    assert entries(tmp_path) == []
    assert everything(broker.address, RAW.name) == []


def test_a_cluster_that_is_not_prepared_is_refused_at_the_start(
    broker: Broker, tmp_path: Path
) -> None:
    with closing(publishing(at(broker.address))(tmp_path)):
        pass
    drop_topics(broker.address, RAW.name)
    with pytest.raises(OperatorError, match=r"clinical\.raw: topic is missing"):
        publishing(at(broker.address))(tmp_path)
    make_topic(broker.address, RAW.name, config={"max.message.bytes": "1000000"})
    with pytest.raises(OperatorError, match=r"clinical\.raw: max\.message\.bytes is 1000000"):
        publishing(at(broker.address))(tmp_path)
    assert entries(tmp_path) == []
