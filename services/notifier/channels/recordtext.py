"""What is written into the hospital's record: the case in words, for people who may read it there.

All of it is a patient's. It goes into bodies that the record keeps, and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.alerts import OPEN_STATES, AlertRevision, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from schemas.alerts import Evidence
    from services.notifier.channels.contract import Message, Record

GRAVITY: Final = list(Severity)
"""Gravest first."""
AUTHOR: Final = "salvage-watch"
ADVICE: Final = "Information from rules over recorded data; it informs, people decide."


def standing(record: Record) -> list[AlertRevision]:
    """The alerts that hold, gravest first."""
    found = [one for one in record.alerts if one.state in OPEN_STATES]
    return sorted(found, key=lambda one: (GRAVITY.index(one.severity), one.at, one.alert_id))


def fallen(record: Record) -> list[AlertRevision]:
    """The alerts that hold no more."""
    return [one for one in record.alerts if one.state not in OPEN_STATES]


def record_lines(message: Message, record: Record) -> list[str]:
    """The text, a sentence or a value on each line.

    The first line is the message's own subject: it says what sort of message it is, and whether it
    may be a repeat.
    """
    return [_one_line(text) for text in _lines(message, record)]


def _lines(message: Message, record: Record) -> Iterator[str]:
    yield message.subject
    for alert in standing(record):
        yield from _alert(alert)
    for alert in fallen(record):
        yield f"No longer holds ({alert.state}): {alert.title}"
    if message.act_by is not None:
        yield f"Act by {written(message.act_by)}"
    yield from (f"Case: {link}" for link in message.links)
    yield ADVICE


def _alert(alert: AlertRevision) -> Iterator[str]:
    yield f"{alert.title} ({alert.state}, {alert.severity})"
    yield alert.summary
    yield from (f"- {evidence_text(one)}" for one in alert.evidence)
    yield f"Rule {alert.rule} {alert.rule_version}"
    yield from (f"Source: {one.cite}" for one in alert.source)


def evidence_text(one: Evidence) -> str:
    """A piece of evidence as it was reported: `psa 3.4 ng/mL on 2026-05-02 (trigger)`."""
    value = " ".join(part for part in (one.what, one.value, one.unit) if part)
    return f"{value} on {one.at.isoformat()} ({one.role})"


def written(at: date | datetime) -> str:
    """A time as ISO 8601, to the second."""
    return at.isoformat().replace("+00:00", "Z")


def _one_line(text: str) -> str:
    return " ".join(text.split())
