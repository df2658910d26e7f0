"""What ingest and mapping tell of their steps, where somebody traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.topics import EVENTS
from services.runtime.clock import SystemClock
from services.runtime.trace import continued, started
from services.runtime.tracing import Step, Told, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from services.ingest.journal import Entry
    from services.ingest.kafka.publisher import Outgoing
    from services.ingest.kafka.records import Incoming
    from services.ingest.sources.files import Arrival


def receipt(entry: Entry) -> str:
    """The `traceparent` of what was received: the same in the journal and on its topic."""
    return started(entry.connection, entry.place, entry.received)


def tell_received(entries: Iterable[Entry], named: Callable[[str], str]) -> None:
    """Entries are on the disk, and where they are to be: their senders may be told.

    A sender's own trace is a link: nobody outside chooses our ids, nor what we follow.

    Args:
        entries: of one transaction.
        named: what a sender is called; what a stranger calls itself is told to nobody.
    """
    now = SystemClock().now()
    for one in entries:
        about: dict[str, Told | None] = {
            "source": named(one.source),
            "format": one.form.value,
            "state": one.state.value,
        }
        links = () if one.caller is None else (one.caller,)
        tell(Step("receive", receipt(one), one.received, now, about, links=links))


def tell_read(arrivals: Iterable[Arrival]) -> list[tuple[str, ...]]:
    """Records were read from files.

    Returns:
        The `traceparent` of each, if it has a place to be known by: not the file's name, which may
        be a person's.
    """
    now, found = SystemClock().now(), list[tuple[str, ...]]()
    for one in arrivals:
        own = () if one.mark is None else (started(one.mark.stamp, one.mark.records),)
        for trace in own:
            tell(Step("receive", trace, now, now, {"format": one.form.value}))
        found.append(own)
    return found


def tell_mapped(made: Iterable[tuple[Incoming, Sequence[Outgoing]]], begun: int) -> None:
    """Records were mapped, and what came of them is in Kafka.

    Args:
        made: the records of a batch, each with what came of it.
        begun: when the batch was, microseconds UTC.
    """
    now = SystemClock().now()
    for record, each in made:
        place, parent = str(record.where), record.headers.get("traceparent")
        facts = sum(one.topic == EVENTS.name for one in each)
        about: dict[str, Told | None] = {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "facts": facts,
            "deadletters": len(each) - facts,
        }
        tell(Step("map", continued(parent, place), begun, now, about, parent))
