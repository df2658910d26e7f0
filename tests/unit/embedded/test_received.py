"""The journal as a feed: from the stored place on, each entry once, whoever ended in between."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.mllp import oru

from schemas.deadletter import Reason
from services.embedded.book import WardBook
from services.embedded.feeds import Feeds
from services.embedded.pump import Pump
from services.embedded.received import JournalFeed
from services.ingest.coding import Rejected
from services.ingest.journal import FILE_NAME, Entry, Journal, State
from services.runtime.errors import Unavailable
from services.runtime.pulse import Health
from services.runtime.shutdown import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RECEIVED = 1_900_000_000_000_000  # 2030, microseconds


def entry(control: str, state: State = State.NEW) -> Entry:
    refused = Rejected(Reason.MALFORMED_HL7, "why") if state is State.REFUSED else None
    return Entry(
        received=RECEIVED,
        connection="1",
        place=0,
        source="HOSP/LAB",
        raw=oru(control),
        state=state,
        control=control,
        refused=refused,
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal")
    yield made
    made.close()


def add(journal: Journal, *entries: Entry) -> None:
    with journal.transaction():
        for one in entries:
            journal.add(one)


def feed_of(journal: Journal, ward: Any) -> JournalFeed:
    ward.clock.set(RECEIVED)
    return JournalFeed(journal.path.parent, ward.store)


def taken(feed: JournalFeed | Feeds, ward: Any) -> list[tuple[str, bool]]:
    """Take all that is new: the places, and whether each had waited."""
    found = []
    for batch in feed.batches():
        ward.runtime.take(batch)
        found += [(str(one.arrivals[0].record.where), one.waited) for one in batch]
    return found


def places(*numbers: int, waited: bool) -> list[tuple[str, bool]]:
    return [(f"{FILE_NAME}:{number}", waited) for number in numbers]


def test_what_was_there_had_waited_and_what_comes_has_not(
    open_ward: Callable[..., Any], journal: Journal
) -> None:
    ward = open_ward()
    add(journal, entry("M1"), entry("M2"))
    feed = feed_of(journal, ward)
    assert feed.catching_up
    assert taken(feed, ward) == places(1, 2, waited=True)
    assert not feed.catching_up
    add(journal, entry("M3"))
    assert taken(feed, ward) == places(3, waited=False)
    assert taken(feed, ward) == []
    assert WardBook(ward.store.path).counts()["facts"] == 3


def test_only_what_is_to_be_read_is_given_out(
    open_ward: Callable[..., Any], journal: Journal
) -> None:
    ward = open_ward()
    states = [State.REPEAT, State.NEW, State.IGNORED, State.DEFECT, State.REFUSED, State.REPEAT]
    add(journal, *(entry(f"M{at}", state) for at, state in enumerate(states)))
    feed = feed_of(journal, ward)
    assert taken(feed, ward) == places(2, 5, waited=True)
    counts = WardBook(ward.store.path).counts()
    assert (counts["facts"], counts["dead_letters"]) == (1, 1)


def test_after_an_end_at_any_point_each_is_taken_once(
    open_ward: Callable[..., Any], journal: Journal
) -> None:
    ward = open_ward()
    add(journal, *(entry(f"M{at}") for at in range(5)))
    first = feed_of(journal, ward).batches(2)
    ward.runtime.take(next(first))
    next(first)  # given out, not taken
    assert taken(feed_of(journal, ward), ward) == places(3, 4, 5, waited=True)
    assert taken(feed_of(journal, ward), ward) == []
    assert WardBook(ward.store.path).counts()["facts"] == 5


def test_a_failure_gives_it_out_again(
    open_ward: Callable[..., Any], journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward = open_ward()
    feed, health = feed_of(journal, ward), Health(lambda: 0.0)
    pump = Pump(ward.runtime, Feeds(feed), Stop(), health)
    add(journal, entry("M1"))
    with monkeypatch.context() as broken:
        broken.setattr(ward.runtime, "take", _unavailable)
        assert not pump.once()
        assert health.problem() == "the store is not available"
    assert pump.once()
    assert WardBook(ward.store.path).counts()["facts"] == 1


def _unavailable(_: object) -> None:
    raise Unavailable("the store cannot be written")


def test_a_journal_in_another_ones_place_is_read_from_its_start(
    open_ward: Callable[..., Any], journal: Journal, tmp_path: Path
) -> None:
    ward = open_ward()
    add(journal, entry("M1"), entry("M2"))
    feed = feed_of(journal, ward)
    taken(feed, ward)
    journal.close()
    journal.path.unlink()
    other = Journal(tmp_path / "journal")
    add(other, entry("M3"))
    assert taken(feed, ward) == places(1, waited=False)
    assert taken(feed_of(other, ward), ward) == []
    other.close()
    assert WardBook(ward.store.path).counts()["facts"] == 3


def test_without_a_journal_nobody_waits(open_ward: Callable[..., Any], tmp_path: Path) -> None:
    ward = open_ward()
    feed = JournalFeed(tmp_path / "nowhere", ward.store)
    assert list(feed.batches()) == []
    assert not feed.catching_up


def test_what_it_says_became_known_when_it_was_received(
    open_ward: Callable[..., Any], journal: Journal
) -> None:
    ward = open_ward()
    add(journal, replace(entry("M1"), received=RECEIVED - 60_000_000))
    (batch,) = feed_of(journal, ward).batches()
    assert [one.at for one in batch] == [RECEIVED - 60_000_000]


def test_trouble_elsewhere_shows_in_the_health_and_holds_nothing_up(
    open_ward: Callable[..., Any], journal: Journal
) -> None:
    ward, worries = open_ward(), ["the journal cannot be written"]
    health = Health(lambda: 0.0)
    pump = Pump(
        ward.runtime,
        feed_of(journal, ward),
        Stop(),
        health,
        lambda: worries[0] if worries else None,
    )
    add(journal, entry("M1"))
    assert pump.once()
    assert health.problem() == "the journal cannot be written"
    assert WardBook(ward.store.path).counts()["facts"] == 1
    worries.clear()
    assert pump.once()
    assert health.problem() is None
