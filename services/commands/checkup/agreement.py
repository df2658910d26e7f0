"""Whether what a data folder holds fits together: journal, facts, alerts, and the clock."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from services.commands.checkup.files import RESTORE
from services.commands.checkup.finding import Finding, warning, well, wrong
from services.commands.checkup.folder import at_work
from services.embedded.book import WardBook
from services.embedded.readonly import reading
from services.embedded.received import MARK
from services.embedded.standing import Standing
from services.embedded.store import FILE_NAME as STORE
from services.ingest.journal import FILE_NAME as JOURNAL
from services.ingest.journal import JournalReader

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from services.runtime.clock import Clock

AHEAD: Final = 60_000_000
"""Microseconds by which a stored instant may be ahead of the machine's clock."""
LETTERS_OLD: Final = 4 * 3_600_000_000
"""Microseconds after which an open dead letter is too old; as SalvageDeadLetterAging (CHOICE)."""
_GONE: Final = (
    "SELECT COUNT(*) FROM journal.entries e WHERE e.seq <= ? AND e.state IN ('new', 'refused') "
    "AND NOT EXISTS (SELECT 1 FROM raw r WHERE r.source = e.source AND r.hash = e.hash)"
)
_HOLES: Final = (
    "SELECT COUNT(*) FROM (SELECT 1 FROM alerts GROUP BY alert_id "
    "HAVING MIN(revision) <> 1 OR MAX(revision) <> COUNT(*))"
)
_LAST: Final = "SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'alerts'), 0)"
_UNCONFIRMED: Final = (
    "SELECT body FROM alerts WHERE state = 'suspected' AND sequence IN "
    "(SELECT MAX(sequence) FROM alerts GROUP BY alert_id)"
)


def journal(folder: Path) -> Iterator[Finding]:
    """Whether all that was acknowledged is stored, or waits."""
    reader = JournalReader(folder)
    name = reader.identity()
    if name is None:
        yield well("journal", "nothing was received over the network")
        return
    with reading(folder / STORE) as db:
        mark = _place(db)
        if mark is not None and mark[0] != name:
            do = "another journal has taken the place of the one that was read: find the first one"
            yield wrong("journal", "not the journal that the store has read", do)
            return
        done, last = (0 if mark is None else mark[1]), reader.last()
        db.execute("ROLLBACK")  # no file can be attached within a transaction
        db.execute("ATTACH DATABASE ? AS journal", (str(folder / JOURNAL),))
        gone = _number(db, _GONE, (done,))
    yield from _told_of_journal(folder, done, last, gone)


def _told_of_journal(folder: Path, done: int, last: int, gone: int) -> Iterator[Finding]:
    if done > last:
        told = f"the journal ends {done - last} entries before the place that was read"
        yield wrong("journal", told, RESTORE)
    elif gone:
        told = f"{gone} messages that were acknowledged are not in the store"
        yield wrong("journal", told, "rebuild the store from the journal (docs/operations.md)")
    elif done < last and not at_work(folder):
        told = f"{last - done} received messages wait to be judged"
        yield wrong("journal", told, "start `salvage run`: it takes them up")
    else:
        yield well("journal", f"{done} of {last} entries are read, all of them are stored")


def _place(db: sqlite3.Connection) -> tuple[str, int] | None:
    row = db.execute("SELECT digest, records FROM marks WHERE name = ?", (MARK,)).fetchone()
    return None if row is None else (str(row[0]), int(row[1]))


def facts(folder: Path) -> Iterator[Finding]:
    """Whether each fact still is what it was when it was stored."""
    changed = 0
    with reading(folder / STORE) as db:
        for version, event in db.execute("SELECT version, event FROM facts"):
            changed += hashlib.sha256(event.encode()).digest()[:16] != version
    if changed:
        told = f"{changed} facts are not what their digest says: they were changed from outside"
        yield wrong("facts", told, RESTORE)
    else:
        yield well("facts", f"{WardBook(folder / STORE).counts()['facts']} facts fit their digests")


def alerts(folder: Path) -> Iterator[Finding]:
    """Whether no revision of an alert is missing, and nobody was told of one that isn't there."""
    with reading(folder / STORE) as db:
        holes = _number(db, _HOLES)
        kept = _number(db, "SELECT COALESCE(MAX(sequence), 0) FROM alerts")
        told = _number(db, "SELECT COALESCE(MAX(delivered), 0) FROM subscribers")
        late = sum(_overdue(body) for (body,) in db.execute(_UNCONFIRMED))
        missing = max(_number(db, _LAST), told) - kept
    if holes or missing > 0:
        yield wrong("alerts", f"revisions are missing: {holes} alerts have holes", RESTORE)
    else:
        yield well("alerts", f"{kept} revisions without a hole")
    if late:
        do = "the care teams' inbox lists them; are confirming results reaching us?"
        yield warning("confirmations", f"{late} suspicions were not confirmed in time", do)
    else:
        yield well("confirmations", "none is overdue")


def _overdue(body: str) -> bool:
    found: dict[str, Any] = json.loads(body)
    return bool(found.get("confirmation_overdue"))


def patients(folder: Path) -> Iterator[Finding]:
    """Whether everybody is judged."""
    number = WardBook(folder / STORE).counts()["suspended"]
    if number:
        do = "see docs/runbooks/SalvagePatientsSuspended.md"
        yield wrong("patients", f"{number} patients are not judged: our code failed at them", do)
    else:
        yield well("patients", "everybody is judged")


def letters(folder: Path, clock: Clock) -> Iterator[Finding]:
    """Whether somebody works the dead letters."""
    found = Standing(folder / STORE).open_letters()
    told = ", ".join(f"{count} {reason}" for reason, count, _ in found)
    do = "`salvage deadletters list --data DIR`, and docs/sources.md"
    if not found:
        yield well("letters", "no dead letter is open")
    elif clock.now() - min(oldest for _, _, oldest in found) > LETTERS_OLD:
        yield wrong("letters", f"dead letters are open for more than four hours: {told}", do)
    else:
        yield warning("letters", f"dead letters are open: {told}", do)


def time(folder: Path, clock: Clock) -> Iterator[Finding]:
    """Whether time passes: the clock did not go back, and what was due was looked at."""
    now = clock.now()
    with reading(folder / STORE) as db:
        row = db.execute("SELECT value FROM meta WHERE key = 'now'").fetchone()
    judged = 0 if row is None else int(row[0])
    _, late = Standing(folder / STORE).reminders(now)
    if judged > now + AHEAD:
        told = f"the store has judged up to {(judged - now) // 1_000_000} s from now"
        yield wrong("clock", told, "set the machine's clock (NTP): until then nothing falls due")
    elif late:
        do = "start `salvage run`, or see docs/runbooks/SalvageTimersLate.md"
        yield wrong("clock", f"{late} patients were due and nobody has looked", do)
    else:
        yield well("clock", "not behind the store; nothing that is due waits")


def _number(db: sqlite3.Connection, sql: str, values: tuple[Any, ...] = ()) -> int:
    return int(db.execute(sql, values).fetchone()[0])
