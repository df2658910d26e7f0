"""Dead letters on a broker: what is received, mapped in one go, and worked by the command."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from kafka import KafkaAdminClient, TopicPartition

from schemas.topics import DEADLETTERS, EVENTS, HANDLED, RAW
from services.embedded.reading import read
from services.ingest.journal import Entry
from services.ingest.kafka.mapper import Mapper
from services.ingest.kafka.publisher import Outgoing, Publisher
from services.ingest.kafka.records import raw_record
from services.ingest.profiles.files import load_sources
from services.ingest.profiles.gating import gate_of
from services.ingest.profiles.sources import Sources
from support.console import Ran, salvage
from support.kafka import at, everything, ready
from support.mllp import oru

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SECRET = re.compile(r"Erika|Jane|4711|1200")
"""What no output may hold unasked."""
OURS = (RAW.name, EVENTS.name, DEADLETTERS.name, HANDLED.name)
RECEIVED = 1_772_614_800_000_000
"""2026-03-04T09:00:00Z."""


class Ward:
    """A broker, and what stands between its topics."""

    def __init__(self, address: str) -> None:
        ready(address)
        emptied(address)
        self.address = address
        self._mapped: set[str] = set()

    def receive(self, *raws: bytes) -> None:
        """Publish messages as `salvage ingest` does, a minute apart."""
        self.publish(
            raw_record(Entry(RECEIVED + n * 60_000_000, "c", n, "NORTH/LAB", raw))
            for n, raw in enumerate(raws)
        )

    def publish(self, records: Iterable[Outgoing]) -> None:
        with Publisher(at(self.address)) as publisher:
            publisher.publish(records)

    def map(self, *profiles: Path, topics: tuple[str, ...] = (RAW.name,)) -> None:
        """Map what is new, as `salvage map` does."""
        sources = load_sources(profiles, None) if profiles else Sources()
        self.map_by(Mapper(partial(read, sources=sources), gate_of(sources)), *topics)

    def map_by(self, mapper: Mapper, *topics: str) -> None:
        found = everything(self.address, *topics)
        new = [one for one in found if str(one.where) not in self._mapped]
        self._mapped |= {str(one.where) for one in new}
        self.publish(made for record in new for made in mapper.mapped(record))

    def letters(self, action: str, *words: str | Path) -> Ran:
        """Run `salvage deadletters`."""
        return salvage("deadletters", action, "--kafka", self.address, *words)

    def told(self, action: str, *words: str | Path) -> dict[str, Any]:
        """What it prints for programs."""
        ran = self.letters(action, "--json", *words)
        assert ran.code == 0, ran.err
        found: dict[str, Any] = json.loads(ran.out)
        return found

    def listed(self, *words: str | Path) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.told("list", *words)["dead_letters"]
        return found


def emptied(address: str, *names: str) -> None:
    """Delete what lies on our topics, or on these: quicker than to make them anew."""
    admin: Any = KafkaAdminClient(bootstrap_servers=address)
    ends = {
        TopicPartition(one.topic, one.partition): one.offset + 1
        for one in everything(address, *(names or OURS))
    }
    if ends:
        admin.delete_records(ends)
    admin.close()


def nameless(control: str = "M1", *results: str, person: str = "4711") -> bytes:
    """A message whose patient's identifier names no authority."""
    return oru(control, *results, person=person).replace(b"^^^HOSP^MR", b"^^^^MR")


def repaired(folder: Path) -> Path:
    """A source profile that knows the authority."""
    path = folder / "north.yaml"
    path.write_text("name: NORTH/LAB\nidentity: {authority: NORTH}\n", encoding="utf-8")
    return path
