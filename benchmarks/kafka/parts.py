"""Where the time of a record goes: each part of our way alone, one record after the other."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

from schemas.events import EVENT
from schemas.topics import DEADLETTERS, EVENTS
from services.detector.adapters.changelog import Changelog
from services.detector.adapters.desk import Desk
from services.detector.adapters.keyed import Judging
from services.detector.adapters.outbox import Record
from services.detector.adapters.sending import Sender
from services.detector.adapters.settings import connection
from services.runtime.kafka import cluster

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.workload import Message
    from services.detector.engine.rule import CompiledRule


def parts(
    address: str, folder: Path, messages: Sequence[Message], rules: Sequence[CompiledRule]
) -> dict[str, float]:
    """Microseconds a record. The changelog's last partition is written to: nobody else may be."""
    return asyncio.run(_parts(address, folder, messages, rules))


async def _parts(
    address: str, folder: Path, messages: Sequence[Message], rules: Sequence[CompiledRule]
) -> dict[str, float]:
    link = connection(cluster(address, {}))
    sender = Sender(link)
    changelog = Changelog(link, sender, folder)
    await sender.start()
    await changelog.start()
    try:
        await changelog.catch_up(0)
        found = await _walk(sender, changelog, messages, Desk(Judging.by(rules), changelog))
    finally:
        await changelog.stop()
        await sender.stop()
    return {part: spent / len(messages) * 1e6 for part, spent in found.items()}


async def _walk(
    sender: Sender, changelog: Changelog, messages: Sequence[Message], desk: Desk
) -> dict[str, float]:
    spent = dict.fromkeys(("decode", "judge (and decode)", "changelog", "alerts"), 0.0)
    for offset, message in enumerate(messages):
        record = _record(message, offset)
        begun = perf_counter()
        EVENT.validate_json(message.line)
        decoded = perf_counter()
        handled = desk.handle(record)
        judged = perf_counter()
        if handled.key is not None:
            await changelog.append(0, handled.key, handled.row)
        stored = perf_counter()
        for one in handled.sends:
            # Not where alerts are read: these are nobody's.
            await sender.send(DEADLETTERS.name, one.key.encode(), one.value.encode(), one.headers)
        told = perf_counter()
        for part, seconds in zip(
            spent, (decoded - begun, judged - decoded, stored - judged, told - stored), strict=True
        ):
            spent[part] += seconds
    return spent


def _record(message: Message, offset: int) -> Record:
    event = EVENT.validate_json(message.line)
    received = round(message.at.timestamp() * 1e6)
    return Record(EVENTS.name, 0, offset, event.patient_id.encode(), message.line, received)
