"""The list: what is pressing comes first, filters restrict, a senseless address does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.alerts import OPEN_STATES, Severity, State
from services.notifier.inbox import listing
from services.notifier.inbox.listing import Choice

if TYPE_CHECKING:
    from datetime import datetime

    from support.memory_book import MemoryBook

ALL = Choice(state=listing.ALL)
RANK = list(Severity)


def test_standing_ones_first_then_severity_then_time_left(book: MemoryBook, now: datetime) -> None:
    rows = listing.rows(book.alerts(), ALL, now)
    keys = [
        (not row.stands, RANK.index(row.alert.severity), 10**6 if row.days is None else row.days)
        for row in rows
        if row.stands
    ]
    assert len(rows) == len(book.alerts())
    assert keys == sorted(keys)
    standing = [row.stands for row in rows]
    assert standing == sorted(standing, reverse=True)
    assert {True, False} == set(standing)


@pytest.mark.parametrize("state", [*State, listing.OPEN, listing.CLOSED])
def test_the_state_restricts(book: MemoryBook, now: datetime, state: str) -> None:
    shown = {row.alert.alert_id for row in listing.rows(book.alerts(), Choice(state), now)}
    wanted = {
        alert.alert_id
        for alert in book.alerts()
        if alert.state == state
        or (state == listing.OPEN and alert.state in OPEN_STATES)
        or (state == listing.CLOSED and alert.state not in OPEN_STATES)
    }
    assert shown == wanted


def test_severity_and_kind_restrict_together(book: MemoryBook, now: datetime) -> None:
    rows = listing.rows(book.alerts(), Choice(listing.ALL, "urgent", "failure"), now)
    assert rows
    assert {(row.alert.severity, row.alert.kind) for row in rows} == {("urgent", "failure")}


def test_nonsense_in_the_address_restricts_nothing() -> None:
    assert Choice.read({"state": "x", "severity": "<b>", "kind": "'", "other": "1"}) == Choice()


def test_the_date_that_counts_and_how_it_is_marked(book: MemoryBook, now: datetime) -> None:
    for alert in book.alerts():
        row = listing.row(alert, now)
        assert row.until == (alert.act_by or alert.confirm_by)
        if row.days is not None and row.stands:
            assert row.pressing == ("past" if row.days < 0 else "soon" if row.days <= 7 else "")
        else:
            assert row.pressing == ""


def test_the_tally_counts_what_stands(book: MemoryBook) -> None:
    tally = listing.by_severity(book.alerts())
    assert [severity for severity, _ in tally] == list(Severity)
    standing = [alert for alert in book.alerts() if alert.state in OPEN_STATES]
    assert sum(count for _, count in tally) == len(standing)


def test_without_a_date_comes_after_those_with_one(book: MemoryBook, now: datetime) -> None:
    dated = next(a for a in book.alerts() if a.state in OPEN_STATES and (a.act_by or a.confirm_by))
    free = dated.model_copy(update={"alert_id": "free", "act_by": None, "confirm_by": None})
    rows = listing.rows([free, dated], ALL, now)
    assert [row.alert.alert_id for row in rows] == [dated.alert_id, "free"]
