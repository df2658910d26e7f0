"""Sources and dead letters of a cluster, as the inbox of a notifier on Kafka has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.kafka import at
from support.letters import RECEIVED, Ward, nameless, repaired
from support.mllp import oru

from services.commands.topicupkeep import TopicUpkeep
from services.ingest.profiles.files import load_sources
from services.notifier.inbox.reading.machinery import Asked
from services.notifier.store.instants import moment
from services.runtime.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.broker import Broker

pytestmark = pytest.mark.slow
MINUTE = 60_000_000
SENDER = "NORTH/LAB"
NAMELESS = Asked(reason="unmapped_patient", source=SENDER)


@pytest.fixture
def ward(own_broker: Broker) -> Ward:
    found = Ward(own_broker.address)
    found.receive(nameless("M1"), nameless("M2"), oru("M3"))
    found.map()
    return found


@pytest.fixture
def upkeep(ward: Ward, tmp_path: Path) -> Iterator[TopicUpkeep]:
    sources = load_sources([repaired(tmp_path)], None)
    found = TopicUpkeep(at(ward.address), sources, ManualClock(RECEIVED + 10 * MINUTE))
    yield found
    found.close()


def test_letters_are_followed_read_again_and_dropped(
    ward: Ward, upkeep: TopicUpkeep, tmp_path: Path
) -> None:
    heard = upkeep.heard(moment(RECEIVED + MINUTE))
    (source,) = heard.sources
    assert (source.name, source.last) == (SENDER, moment(RECEIVED + 2 * MINUTE))
    assert (source.messages, source.letters, source.open, source.facts) == (2, 1, 2, None)
    assert heard.since == moment(RECEIVED + MINUTE), "all of the topic was looked at"
    assert [(one.reason, one.count) for one in upkeep.heaps()] == [("unmapped_patient", 2)]

    first, second = upkeep.letters(NAMELESS, 5)
    dropped = upkeep.drop(Asked(letter=second.id), "ops-1", "a test message")
    assert dropped.letters == 1
    assert upkeep.letters(NAMELESS, 5) == [first]
    (told,) = upkeep.letters(Asked(letter=second.id, handled=True), 5)
    assert (told.state, told.by, told.because) == ("dropped", "ops-1", "a test message")

    done = upkeep.replay(NAMELESS, "ops-1")
    assert (done.letters, upkeep.letters(NAMELESS, 5)) == (1, [])
    ward.map(repaired(tmp_path))
    ward.receive(nameless("M4"))
    ward.map()
    (new,) = upkeep.letters(Asked(), 5)
    assert (new.reason, new.state) == ("unmapped_patient", "open"), "what came since is there"
    assert upkeep.letters(Asked(before=new.received), 5) == []
