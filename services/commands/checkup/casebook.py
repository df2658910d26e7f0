"""The notifier: its database, its audit trail, what it has to send, and the site's folder."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from services.commands.checkup.finding import Finding, examined, warning, well, wrong
from services.notifier.channels.loading import FILE_NAME as CHANNELS
from services.notifier.channels.loading import load_channels
from services.notifier.roster.loading import load_house
from services.notifier.roster.outlook import AHEAD, gaps
from services.notifier.service.sitefolder import KEY, TEAMS
from services.notifier.store import audit, deeds, intake, outbox, shelf
from services.notifier.store.database import opened
from services.notifier.store.migrating import check
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from services.notifier.store.database import Database

LATE: Final = timedelta(minutes=2)
"""How long a message that is due may wait (CHOICE)."""
SOON: Final = timedelta(hours=24)
"""A gap in a roster that begins so soon is nobody's any more (CHOICE)."""
_RUNS: Final = "is `salvage notify run` at work, and its channels reachable?"


# -- the database


def kept_head(text: str | None) -> audit.Head | None:
    """The head of the audit trail that was kept elsewhere, if one was.

    Raises:
        OperatorError: it is none.
    """
    try:
        return None if text is None else audit.read_head(text)
    except ValueError:
        told = "--audit-head: expected NUMBER:HASH, as `salvage notify audit head` prints it"
        raise OperatorError(told) from None


def database(
    where: str, kept: audit.Head | None, now: datetime, *, tells: bool = True
) -> Iterator[Finding]:
    """The database at a URL; it is asked more where we know its tables.

    Args:
        where: the URL.
        kept: a head of the audit trail that was kept elsewhere.
        now: the present instant.
        tells: whether deeds are published; beside `salvage run` they stay where they are.
    """
    with opened(where, alone=False) as found:
        try:
            check(found)
        except OperatorError as error:
            yield wrong("migrations", str(error), "back up, then `salvage notify migrate`")
            return
        yield well("migrations", "the tables are up to date")
        checks = {
            "audit": partial(trail, found, kept),
            "cases": partial(cases, found, now),
            "outbox": partial(messages, found, now),
            **({"deeds": partial(untold, found)} if tells else {}),
        }
        yield from examined(checks)


def trail(database: Database, kept: audit.Head | None) -> Iterator[Finding]:
    """Whether the audit trail is whole, and still has the head that was kept elsewhere."""
    with database.transaction() as connection:
        found = audit.verify(connection, kept)
    if isinstance(found, audit.Broken):
        do = "keep the database as it is; somebody has changed it from outside"
        yield wrong("audit", f"broken at line {found.seq}: {found.why}", do)
    elif kept is None and found.seq:
        do = "keep `salvage notify audit head` elsewhere each day, and give it as --audit-head"
        yield warning("audit", f"{found.seq} lines are whole, as far as they tell themselves", do)
    else:
        yield well("audit", f"{found.seq} lines are whole")


def cases(database: Database, now: datetime) -> Iterator[Finding]:
    """Whether everybody acts in time, and our own code fails at nobody's case."""
    with database.transaction() as connection:
        found = shelf.open_cases(connection)
        failing = shelf.failing(connection)
    overdue = sum(case.act_by is not None and case.act_by < now for case in found)
    if overdue:
        told = f"of {len(found)} open cases {overdue} are past the date by which to act"
        yield wrong("cases", told, "call the teams' desks; the inbox lists them")
    else:
        yield well("cases", f"none of {len(found)} open cases is overdue")
    if failing:
        told = f"our code fails at {failing} patients' cases"
        yield wrong("defects", told, "call their teams; then update, or report the log's place")


def messages(database: Database, now: datetime) -> Iterator[Finding]:
    """Whether messages leave."""
    with database.transaction() as connection:
        due, waiting = outbox.next_due(connection), intake.backlog(connection)
        given_up = outbox.counts(connection).get(outbox.FAILED, 0)
    if due is not None and due < now - LATE:
        told = f"a message is due since {(now - due) // timedelta(minutes=1)} minutes"
        yield wrong("outbox", told, _RUNS)
    else:
        yield well("outbox", "no message that is due waits")
    if waiting:
        yield warning("intake", f"{waiting} inputs wait to be worked on", _RUNS)
    if given_up:
        told = f"{given_up} messages could not be delivered at all"
        yield warning("undelivered", told, "look at the channels' settings and the log")


def untold(database: Database) -> Iterator[Finding]:
    """Whether what people did is published."""
    with database.transaction() as connection:
        count = deeds.unpublished(connection)
    if count:
        yield warning("deeds", f"{count} deeds wait to be published", _RUNS)


# -- the site's folder


def roster(folder: Path, now: datetime) -> Iterator[Finding]:
    """Whether somebody has each duty."""
    try:
        found = gaps(load_house(folder / TEAMS).teams, now)
    except OperatorError as error:
        yield wrong("roster", str(error), "correct the file; `salvage route` tells the same")
        return
    soon = [one for one in found if one.begin < now + SOON]
    do = "fill the roster; `salvage route` tells who would be called"
    if soon:
        told = ", ".join(sorted({f"{one.team}: {one.duty}" for one in soon}))
        yield wrong("roster", f"nobody has a duty within 24 hours: {told}", do)
    elif found:
        told = f"the first gap is {(found[0].begin - now).days} days away: {found[0].team}"
        yield warning("roster", told, do)
    else:
        yield well("roster", f"every duty has somebody for {AHEAD.days} days")


def channels(folder: Path) -> Iterator[Finding]:
    """Whether the channels' settings can be used, and the key is there."""
    try:
        found = load_channels(folder / CHANNELS)
    except OperatorError as error:
        yield wrong("channels", str(error), "correct the file; see docs/channels.md")
    else:
        do = "`salvage notify test-channel` sends a message that says it is one"
        yield well("channels", f"{len(found.channels)} channels can be used; {do}")
    if not (folder / KEY).exists():
        do = "it is made at the first start: keep a copy, and give it to every notifier"
        yield warning("key", f"there is no {KEY} yet", do)
