"""A data folder as `salvage run` leaves it: received by a real listener, judged, closed."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from schemas.deadletter import Where
from services.detector.language.compiler import compile_rule
from services.embedded.book import WardBook
from services.embedded.delivery import Delivery
from services.embedded.pump import Pump
from services.embedded.received import JournalFeed
from services.embedded.runtime import Runtime
from services.embedded.store import FILE_NAME, Store
from services.ingest.archive import Format, Record
from services.ingest.sources.files import Arrival
from services.notifier.store.instants import micros
from services.runtime.clock import ManualClock, SystemClock
from services.runtime.pulse import Health
from services.runtime.shutdown import Stop
from support.mllp import Sender, code, listening, obx, oru
from support.small_rules import small_rule

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from schemas.alerts import AlertRevision
    from services.detector.engine.rule import CompiledRule


def rules_above(limit: int) -> tuple[CompiledRule, ...]:
    """A rule that fires at each viral load above a limit."""
    fires = f"- {{name: high, each: load, confirmed: 'load > {limit} {{copies}}/mL'}}"
    return (compile_rule(small_rule("load: {analyte: hiv_rna}", fires)),)


RULES = rules_above(1000)


def received(folder: Path, *values: str, first: int = 1) -> None:
    """Messages come by MLLP, one a value, each of a patient of its own."""
    with listening(folder) as listener, Sender(listener.port) as sender:
        for number, value in enumerate(values, first):
            message = oru(f"M{number}", obx(value=value), person=f"{1000 + number}")
            assert code(sender.ask(message)) == f"AA M{number}"


def judged(folder: Path, rules: Sequence[CompiledRule] = RULES) -> None:
    """What was received is judged, as by `salvage run --once`."""
    store = Store(folder / FILE_NAME, durable=False)
    try:
        runtime = Runtime(store, rules, SystemClock())
        runtime.start()
        pump = Pump(runtime, JournalFeed(folder, store), Stop(), Health(time.monotonic))
        assert pump.once()
    finally:
        store.close()


def filed(folder: Path, source: str, at: datetime, *raws: bytes) -> None:
    """Messages of a file come at an instant, and are judged."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = Store(folder / FILE_NAME, durable=False)
    runtime = Runtime(store, RULES, ManualClock(micros(at)))
    runtime.start()
    for number, raw in enumerate(raws, 1):
        record = Record(Where(file="erika.hl7", line=number), raw)
        arrival = Arrival(source, Format.HL7, record, None)
        runtime.take([Delivery(micros(at), (arrival,))])
    store.close()


def kept(folder: Path, *values: str) -> Path:
    """A folder in which these viral loads came and were judged."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    received(folder, *values)
    judged(folder)
    return folder


def published(folder: Path) -> list[AlertRevision]:
    """Every revision of a folder's store, by alert."""
    book = WardBook(folder / FILE_NAME)
    found = [one for alert in book.alerts() for one in book.journal(alert.alert_id)]
    return sorted(found, key=lambda one: (one.alert_id, one.revision))


def changed(path: Path, *statements: str) -> None:
    """Change a file behind the back of who wrote it."""
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()
