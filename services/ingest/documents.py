"""What is said of a document as a whole, and what follows for the facts that came with it. Pure.

A report that was sent with content may later be authenticated, replaced or withdrawn by a message
without content. Whoever keeps the facts keeps, for each document, the versions of facts that it
gave and what was said of it, and asks here what follows.

Law of this file: what follows depends on what is known and not on the order in which it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final

from schemas.events import Observation, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from schemas.events import Event

_MICROSECOND: Final = timedelta(microseconds=1)
_MEASURED: Final = ("value", "comparator", "unit", "value_code", "reference_low", "reference_high")


@dataclass(frozen=True, slots=True)
class Change:
    """Something said of a document.

    Attributes:
        document: its name, unique over all senders.
        status: what its facts are from then on: final, where they were preliminary; or withdrawn.
        issued_at: when it was said.
    """

    document: str
    status: Status
    issued_at: datetime


def consequences(versions: Iterable[Event], changes: Iterable[Change]) -> list[Event]:
    """What follows from all that is known of one document.

    Each change concerns what a fact last said before it. What came later stands for itself: a
    document that is sent again after it was withdrawn is there again.

    Args:
        versions: of its facts, as they were sent; each with its issue.
        changes: said of the document.

    Returns:
        Further versions of its facts. Asked again with more known, they overrule the former.
    """
    once = {event.to_json(): event for event in versions}
    by_fact = groupby(sorted(once.values(), key=_order), key=_fact)
    facts = [list(group) for _, group in by_fact]
    said = sorted(set(changes), key=lambda one: (one.issued_at, one.status.rank))
    made = (_changed(fact, change, said) for change in said for fact in facts)
    return [event for event in made if event is not None]


def _fact(event: Event) -> tuple[str, str]:
    return event.patient_id, event.event_id


def _order(event: Event) -> tuple[tuple[str, str], datetime | None, int, bytes]:
    return _fact(event), event.issued_at, event.status.rank, event.to_json()


def _changed(fact: Sequence[Event], change: Change, said: Sequence[Change]) -> Event | None:
    """The version of a fact that a change makes; None if it changes nothing."""
    before = [one for one in fact if _issue(one) <= change.issued_at]
    if not before or before[-1].status.withdraws:
        return None
    last = before[-1]
    # Behind what was made of fewer versions, which may have come first.
    issued = change.issued_at + (len(before) - 1) * _MICROSECOND
    if change.status.withdraws:
        return _withdrawn(last, change.status, issued)
    gone = any(_issue(last) <= one.issued_at <= issued and one.status.withdraws for one in said)
    if gone or last.status is not Status.PRELIMINARY:
        return None
    return last.model_copy(update={"status": change.status, "issued_at": issued})


def _issue(event: Event) -> datetime:
    assert event.issued_at is not None  # noqa: S101 - the reader of documents sees to it
    return event.issued_at


def _withdrawn(event: Event, status: Status, issued: datetime) -> Event:
    values = dict.fromkeys(_MEASURED if isinstance(event, Observation) else ())
    return event.model_copy(update=values | {"status": status, "issued_at": issued})
