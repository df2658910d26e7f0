"""The audit trail: append-only, each line sealed with the hash of the one before it.

Whoever changes, removes or inserts a line would have to change the hash of every later one, and
the head that was exported before. Two notifiers take turns at the end of the chain.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import insert, select, update

from services.notifier.store.instants import micros
from services.notifier.store.tables import AUDIT, CHAIN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

_START = bytes(32)
_PAGE = 1_000


class Line(NamedTuple):
    """One line: when, of which case, and what happened as a JSON object."""

    at: datetime
    case_id: str | None
    body: dict[str, Any]


class Head(NamedTuple):
    """The end of a chain: how many lines it has, and the seal of the last."""

    seq: int
    seal: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.seal.hex()}"


class Broken(NamedTuple):
    """The first line that does not fit, and why."""

    seq: int
    why: str


def append(connection: Connection, lines: Sequence[Line]) -> None:
    """Append lines; the last thing of a transaction, because others wait for the chain's end."""
    if not lines:
        return
    end = select(CHAIN.c.seq, CHAIN.c.hash).with_for_update()
    seq, seal = connection.execute(end).one()
    rows = []
    for line in lines:
        seq, body = seq + 1, json.dumps(line.body, sort_keys=True, ensure_ascii=False)
        seal = _seal(seal, seq, line.at, line.case_id, body)
        row = {"seq": seq, "at": line.at, "case_id": line.case_id, "body": body, "hash": seal}
        rows.append(row)
    connection.execute(insert(AUDIT), rows)
    connection.execute(update(CHAIN).values(seq=seq, hash=seal))


def head(connection: Connection) -> Head:
    """Where the chain ends now."""
    return Head(*connection.execute(select(CHAIN.c.seq, CHAIN.c.hash)).one())


def read_head(text: str) -> Head:
    """An exported head.

    Raises:
        ValueError: it is none.
    """
    seq, _, seal = text.strip().partition(":")
    found = bytes.fromhex(seal)
    if len(found) != len(_START):
        raise ValueError("expected NUMBER:HASH, as `salvage notify audit head` prints it")
    return Head(int(seq), found)


def verify(connection: Connection, anchor: Head | None = None) -> Broken | Head:
    """Go through the whole chain.

    Args:
        connection: a transaction in which nothing is appended.
        anchor: a head that was exported earlier; the chain must have it still.

    Returns:
        The first line that does not fit; the head if all do.
    """
    seq, seal = 0, _START
    while rows := _page(connection, seq):
        for row in rows:
            seal = _seal(seal, seq + 1, row.at, row.case_id, row.body)
            if row.seq != seq + 1 or row.hash != seal:
                why = "a line is missing" if row.seq != seq + 1 else "the line was changed"
                return Broken(seq + 1, why)
            seq = row.seq
            if _differs(anchor, seq, seal):
                return Broken(seq, "not the line that was exported")
    end = head(connection)
    if end != (seq, seal):
        return Broken(seq + 1, "the last lines are missing")
    return Broken(seq + 1, "shorter than it was") if anchor and anchor.seq > seq else end


def _differs(anchor: Head | None, seq: int, seal: bytes) -> bool:
    return anchor is not None and anchor.seq == seq and anchor.seal != seal


def _page(connection: Connection, after: int) -> Sequence[Any]:
    query = select(AUDIT).where(AUDIT.c.seq > after).order_by(AUDIT.c.seq).limit(_PAGE)
    return connection.execute(query).all()


def _seal(before: bytes, seq: int, at: datetime, case_id: str | None, body: str) -> bytes:
    told = json.dumps([seq, micros(at), case_id, body], ensure_ascii=False)
    return hashlib.sha256(before + told.encode()).digest()
