"""Feeds: where alerts and clinical events come from. Each is read from the place it was left at.

Events come before the alerts that they caused: with an alert, everything is taken that the record
had said by the time at which the alert was read.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import ValidationError

from schemas.alerts import AlertRevision
from schemas.base import digest
from schemas.events import EVENT, Event, Patient, Treatment
from services.notifier.service.agenda import take_in
from services.notifier.service.inputs import occurred, revised
from services.notifier.store import intake, shelf
from services.runtime.errors import OperatorError, Unavailable
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from services.notifier.store.database import Database
    from services.notifier.store.intake import Given

PAGE: Final = 500
_SQLITE: Final = b"SQLite format 3\x00"


class Page(NamedTuple):
    """What was read, as JSON, the place behind it, whether there is more, and any traces."""

    texts: list[str]
    position: int
    more: bool
    traces: list[str | None] | None = None


class Lines:
    """A file of JSON lines that may grow; what has no end of line yet is not read yet."""

    def __init__(self, path: Path) -> None:
        """Read a file."""
        self.name, self._path = f"lines:{digest(str(path))}", path

    def read(self, position: int) -> Page:
        """The lines behind a place, counted in bytes.

        Raises:
            Unavailable: the file can't be read, or is shorter than it was.
        """
        try:
            if self._path.stat().st_size < position:
                raise Unavailable("a feed's file is shorter than it was; give it another name")
            with self._path.open("rb") as file:
                file.seek(position)
                whole = [line for _ in range(PAGE) if (line := file.readline()).endswith(b"\n")]
        except OSError as error:
            raise Unavailable(f"a feed can't be read: {type(error).__name__}") from error
        texts = [line.decode("utf-8", "replace") for line in whole if line.strip()]
        return Page(texts, position + sum(map(len, whole)), len(whole) == PAGE)


class Rows:
    """A table of the embedded store: numbered rows, of which new ones come at the end."""

    def __init__(self, path: Path, table: str, number: str, body: str, trace: str = "NULL") -> None:
        """Read a table, by the names of its columns; it is never written."""
        self.name, self._path = f"{table}:{digest(str(path))}", path
        order = f"WHERE {number} > ? ORDER BY {number} LIMIT {PAGE}"
        self._query = f"SELECT {number}, {body}, {trace} FROM {table} {order}"  # noqa: S608 - our words

    def read(self, position: int) -> Page:
        """The rows behind a number.

        Raises:
            Unavailable: the file can't be read.
        """
        try:
            uri = f"{self._path.absolute().as_uri()}?mode=rw"
            with closing(sqlite3.connect(uri, uri=True, timeout=10.0)) as db:
                db.execute("PRAGMA query_only=ON")
                rows = db.execute(self._query, (position,)).fetchall()
        except sqlite3.Error as error:
            raise Unavailable(f"a feed can't be read: {type(error).__name__}") from error
        end = rows[-1][0] if rows else position
        texts, traces = [str(body) for _, body, _ in rows], [trace for _, _, trace in rows]
        return Page(texts, end, len(rows) == PAGE, traces)


class Feed:
    """Alerts, with the events that belong to them."""

    def __init__(self, alerts: Lines | Rows, events: Lines | Rows | None) -> None:
        """Read both; without events nobody says which condition a course is of."""
        self._alerts, self._events = alerts, events

    def take(self, database: Database, now: datetime) -> int:
        """Take in a page.

        Returns:
            How many records were read.

        Raises:
            Unavailable: nothing was taken.
        """
        page = self._alerts.read(self._place(database, self._alerts))
        count, behind = self._take_events(database, now)
        if behind or not page.texts:
            return count  # the alerts are read again when all events are there
        traces = page.traces or [None] * len(page.texts)
        given = [
            revised(one, trace)
            for text, trace in zip(page.texts, traces, strict=True)
            if (one := _revision(text)) is not None
        ]
        take_in(database, given, now, {self._alerts.name: page.position})
        return count + len(page.texts)

    def _take_events(self, database: Database, now: datetime) -> tuple[int, bool]:
        if self._events is None:
            return 0, False
        page = self._events.read(self._place(database, self._events))
        if page.texts:
            events = [one for text in page.texts if (one := _event(text)) is not None]
            given = concerning(database, events)
            take_in(database, given, now, {self._events.name: page.position})
        return len(page.texts), page.more

    def _place(self, database: Database, source: Lines | Rows) -> int:
        with database.transaction() as connection:
            return intake.position(connection, source.name)


def concerning(database: Database, events: Sequence[Event]) -> list[Given]:
    """Those events that may change a case.

    That are treatments, what is said of a patient, and any event of a patient who has a case that
    sleeps, because it may be what is waited for.
    """
    others = {one.patient_id for one in events if not isinstance(one, Treatment | Patient)}
    with database.transaction() as connection:
        waits = shelf.snoozed(connection, others) if others else set()
    return [
        occurred(one)
        for one in events
        if isinstance(one, Treatment | Patient) or one.patient_id in waits
    ]


def is_store(alerts: Path) -> bool:
    """Whether a file is an embedded store, with everything in it, and not a file of alerts.

    Raises:
        OperatorError: there is no such file.
    """
    try:
        with alerts.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError as error:
        raise OperatorError(f"--alerts: {error.strerror or 'cannot be read'}") from None


def feed(alerts: Path, events: Path | None) -> Feed:
    """The feed of a file of alerts, or of an embedded store with everything in it.

    Raises:
        OperatorError: there is no such file.
    """
    if is_store(alerts):
        facts = Rows(alerts, "facts", "seq", "event")
        return Feed(Rows(alerts, "alerts", "sequence", "body", _trace_of(alerts)), facts)
    return Feed(Lines(alerts), None if events is None else Lines(events))


def _trace_of(store: Path) -> str:
    """The column with the traces; a store that an older release writes has none."""
    try:
        with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=rw", uri=True)) as db:
            columns = {name for _, name, *_ in db.execute("PRAGMA table_info(alerts)")}
    except sqlite3.Error:
        return "NULL"  # whoever reads it says so
    return "trace" if "trace" in columns else "NULL"


def _revision(text: str) -> AlertRevision | None:
    try:
        return AlertRevision.model_validate_json(text)
    except ValidationError as error:
        _unusable("alert", error)
        return None


def _event(text: str) -> Event | None:
    try:
        return EVENT.validate_json(text)
    except ValidationError as error:
        _unusable("event", error)
        return None


def _unusable(what: str, error: ValidationError) -> None:
    """Said loudly: somebody may wait for it. Its content isn't told."""
    reason = f"{what}: {error.error_count()} fields that don't fit"
    logger().error("unusable record", extra={"reason": reason})
