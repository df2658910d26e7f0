"""The Kafka cluster: its topics, its groups, and the letters that wait."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from schemas.topics import ALERTS, DEADLETTERS, EVENTS, HANDLED, RAW, TOPICS
from services.commands.checkup.agreement import LETTERS_OLD
from services.commands.checkup.finding import Finding, warning, well, wrong
from services.commands.notifying import GROUP as NOTIFIERS
from services.detector.adapters.outbox import SENDER as DETECTORS
from services.ingest.kafka.lags import asked
from services.ingest.kafka.letters import Book, Choice
from services.ingest.kafka.mapper import GROUP as MAPPERS
from services.ingest.kafka.snapshot import Snapshot
from services.ingest.kafka.topics import connected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.ingest.kafka.lags import Standing
    from services.ingest.kafka.letters import Letter
    from services.runtime.clock import Clock
    from services.runtime.kafka import Cluster

READERS: Final = (
    (MAPPERS, RAW.name, "salvage map"),
    (DETECTORS, EVENTS.name, "salvage detect"),
    (NOTIFIERS, ALERTS.name, "salvage notify run"),
)
"""Each group, what it reads, and whose it is."""
MOST_BEHIND: Final = 10_000
"""Records behind which a group may lag while it works: some minutes of a hospital (CHOICE)."""


def reachable(cluster: Cluster) -> Iterator[Finding]:
    """Whether a broker answers, and takes us for who we are."""
    with connected(cluster):
        yield well("cluster", "a broker answers")


def topics(cluster: Cluster, replicas: int) -> Iterator[Finding]:
    """Whether the topics are those of our table."""
    with connected(cluster, replicas) as found:
        differences = found.differences(TOPICS)
    missing = [one.topic for one in differences if one.setting == "topic"]
    do = "`salvage topics apply`; partitions and replicas are changed by hand (docs/kafka.md)"
    if missing:
        yield wrong("topics", f"missing: {', '.join(missing)}", do)
    for one in differences:
        if one.topic not in missing:
            yield warning("topics", str(one), do)
    if not differences:
        yield well("topics", f"{len(TOPICS)} topics as they should be")


def groups(cluster: Cluster) -> Iterator[Finding]:
    """Whether everything that is published is read."""
    with asked(cluster) as found:
        for group, topic, whose in READERS:
            yield finding(found.standing(group, topic), whose)


def finding(one: Standing, whose: str) -> Finding:
    """What it means that a group stands so."""
    told = f"{one.group}: {one.behind} records of {one.topic} are not finished"
    if one.behind and not one.members:
        return wrong("groups", f"{told}, and nobody reads", f"start `{whose}`")
    if one.behind > MOST_BEHIND:
        return warning("groups", told, "see docs/runbooks/SalvageConsumerLag.md")
    return well("groups", told if one.members else f"{told}; nobody is in the group")


def letters(cluster: Cluster, clock: Clock) -> Iterator[Finding]:
    """Whether somebody works the dead letters."""
    book = Book()
    with Snapshot(cluster) as snapshot:
        book.add(snapshot.news(DEADLETTERS.name))
        book.note(snapshot.news(HANDLED.name))
    yield waiting(book.letters(Choice()), clock.now())


def waiting(found: Sequence[Letter], now: int) -> Finding:
    """What it means that these letters are open, the oldest first; `now` in microseconds UTC."""
    if not found:
        return well("letters", "no dead letter is open")
    heaps = Counter(one.about.reason for one in found)
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(heaps.items()))
    do = "`salvage deadletters list --kafka HOST:PORT`, and docs/deadletters-on-kafka.md"
    if now - found[0].received > LETTERS_OLD:
        return wrong("letters", f"dead letters are open for more than four hours: {told}", do)
    return warning("letters", f"dead letters are open: {told}", do)
