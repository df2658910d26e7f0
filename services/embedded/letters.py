"""Dead letters, read from the store: which there are, how many, how old, and their bytes.

Law of this file: it only reads. What it gives out holds no patient's value, but for `raw`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from schemas.base import digest
from schemas.deadletter import RAW_KEPT, DeadLetter
from schemas.events import EVENT
from services.embedded.persons import Persons
from services.embedded.readonly import reading
from services.embedded.schema import STEPS
from services.embedded.unevaluated import unevaluated
from services.ingest.archive import Format
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from schemas.events import Event
    from services.embedded.reading import Reading
    from services.embedded.unevaluated import Unevaluated

_COLUMNS: Final = "id, place, reason, source, received, times, resolved"
_WITHOUT_RAW: Final = "json_set(body, '$.raw', '')"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which letters are meant.

    Attributes:
        reasons: of these; none: of any.
        source: of this sender; None: of any.
        since: received at or behind this instant, microseconds UTC; `before`: before it.
        resolved: those that were made something of, too.
        id: of which the letter's id begins with it.
    """

    reasons: frozenset[str] = frozenset()
    source: str | None = None
    since: int | None = None
    resolved: bool = False
    id: str | None = None
    before: int | None = None

    def where(self) -> tuple[str, list[Any]]:
        """As a condition of SQL, with its values."""
        parts: list[str] = ["1 = 1"]
        values: list[Any] = []
        if not self.resolved:
            parts.append("resolved IS NULL")
        if self.reasons:
            parts.append(f"reason IN ({', '.join('?' * len(self.reasons))})")
            values += sorted(self.reasons)
        for part, value in (
            ("source = ?", self.source),
            ("received >= ?", self.since),
            ("received < ?", self.before),
        ):
            if value is not None:
                parts.append(part)
                values.append(value)
        if self.id is not None:
            parts.append("substr(id, 1, ?) = ?")
            values += [len(self.id), self.id]
        return " AND ".join(parts), values


@dataclass(frozen=True, slots=True)
class Kept:
    """A dead letter as it is kept.

    Attributes:
        key: its id and place in the table.
        letter: what it says.
        received: the first receipt, microseconds UTC; `times`: how often it came.
        resolved: when a replay made something of it; None: it is open.
    """

    key: tuple[str, str]
    letter: DeadLetter
    received: int
    times: int
    resolved: int | None


@dataclass(frozen=True, slots=True)
class Heap:
    """The letters of one reason and source."""

    reason: str
    source: str
    count: int
    oldest: int
    newest: int


@dataclass(frozen=True, slots=True)
class Bytes:
    """What was received, whole.

    Attributes:
        number: under which it is kept.
        source, form: from whom, and what it is.
        place: `file:line` of the first receipt.
        received: microseconds UTC.
        raw: the bytes.
    """

    number: int
    source: str
    form: Format
    place: str
    received: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a fact as it is stored, and the record that it came from."""

    raw: int
    issued: int
    event: Event


class Letters:
    """The dead letters of a store, while others write to it or not."""

    def __init__(self, path: Path) -> None:
        """Read the store at a path.

        Raises:
            OperatorError: there is none, or one of another version.
        """
        self._path = path
        if not path.exists():
            raise OperatorError("--data: there is no store")
        with reading(path) as db:
            (taken,) = db.execute("PRAGMA user_version").fetchone()
        if taken != len(STEPS):
            raise OperatorError("--data: the store is of another version; start `salvage run` once")

    def chosen(self, choice: Choice, *, raw: bool = False, most: int = -1) -> list[Kept]:
        """The letters that are meant, in the order of their receipt.

        Args:
            choice: which.
            raw: with the bytes that each of them holds.
            most: no more than so many; negative: all.
        """
        where, values = choice.where()
        body = "body" if raw else _WITHOUT_RAW
        order = "ORDER BY received, id LIMIT ?"
        sql = f"SELECT {_COLUMNS}, {body} FROM deadletters WHERE {where} {order}"  # noqa: S608 - ours
        return [_kept(row) for row in self._rows(sql, [*values, most])]

    def heaps(self, choice: Choice) -> list[Heap]:
        """How many there are by reason and source, the largest heap first."""
        where, values = choice.where()
        sql = (
            "SELECT reason, source, COUNT(*), MIN(received), MAX(received) FROM deadletters "  # noqa: S608
            f"WHERE {where} GROUP BY reason, source ORDER BY COUNT(*) DESC, reason, source"
        )
        return [Heap(*row) for row in self._rows(sql, values)]

    def raw(self, letter: DeadLetter) -> Bytes | None:
        """The bytes of a letter; None if not all of them were kept."""
        if letter.raw_size <= RAW_KEPT:
            hashed = hashlib.sha256(letter.raw_bytes()).digest()
            found = self._bytes("source = ? AND hash = ?", (letter.source, hashed))
        else:
            sized = (letter.source, letter.raw_size)
            found = self._bytes("source = ? AND length(bytes) = ?", sized)
        ours = (one for one in found if _identity(one.raw, letter.part) == letter.id)
        return next(ours, None)

    def numbered(self, number: int) -> Bytes:
        """The bytes that are kept under a number."""
        return self._bytes("id = ?", (number,))[0]

    def _bytes(self, where: str, values: Iterable[Any]) -> list[Bytes]:
        sql = f"SELECT id, source, form, place, received, bytes FROM raw WHERE {where}"  # noqa: S608 - ours
        return [
            Bytes(number, source, Format(form), place, received, raw)
            for number, source, form, place, received, raw in self._rows(sql, values)
        ]

    def unevaluated(self, choice: Choice) -> list[Unevaluated]:
        """The results that were kept and can't be evaluated, as far as they are meant."""
        return [
            one
            for one in unevaluated(self._rows)
            if (not choice.reasons or one.reason in choice.reasons)
            and choice.source in (None, one.source)
            and (choice.since is None or one.received >= choice.since)
        ]

    def facts_of(self, number: int) -> list[Version]:
        """The versions of facts that came of a record."""
        sql = "SELECT raw, issued, event FROM facts WHERE raw = ?"
        return self._versions(sql, (number,))

    def versions(self, event: Event) -> list[Version]:
        """All stored versions of a fact."""
        sql = (
            "SELECT raw, issued, event FROM facts "
            "WHERE patient_id = ? AND source = ? AND event_id = ?"
        )
        return self._versions(sql, (event.patient_id, event.source, event.event_id))

    def _versions(self, sql: str, values: Iterable[Any]) -> list[Version]:
        rows = self._rows(sql, values)
        return [Version(raw, issued, EVENT.validate_json(text)) for raw, issued, text in rows]

    def checked(self, reading: Reading) -> Reading:
        """A reading as the judge would have it: all of it held, if it doesn't fit the persons."""
        return Persons(self._rows).checked(reading)

    def place_of(self, name: str) -> tuple[str, int]:
        """How far a feed has been taken, by the name of its mark: in which stream, to where."""
        rows = self._rows("SELECT digest, records FROM marks WHERE name = ?", (name,))
        return (str(rows[0][0]), int(rows[0][1])) if rows else ("", 0)

    def _rows(self, sql: str, values: Iterable[Any] = ()) -> list[Any]:
        with reading(self._path) as db:
            return db.execute(sql, tuple(values)).fetchall()


def _identity(raw: bytes, part: str | None) -> str:
    """As `DeadLetter.of` makes the id of a letter."""
    return digest("deadletter", hashlib.sha256(raw).hexdigest(), part)


def _kept(row: tuple[Any, ...]) -> Kept:
    number, place, _reason, _source, received, times, resolved, body = row
    letter = DeadLetter.model_validate_json(body)
    return Kept((number, place), letter, received, times, resolved)
