"""What changed from one revision of an alert to the next, in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.notifier.inbox import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schemas.alerts import AlertRevision, Evidence


@dataclass(frozen=True, slots=True)
class Entry:
    """A revision, and how it differs from the one before."""

    revision: AlertRevision
    changes: tuple[str, ...]


def journal(revisions: Sequence[AlertRevision]) -> list[Entry]:
    """The journal, newest first, each entry with what it changed."""
    before: list[AlertRevision | None] = [None, *revisions[:-1]]
    entries = [
        Entry(new, tuple(_changes(old, new))) for old, new in zip(before, revisions, strict=True)
    ]
    return entries[::-1]


def _changes(old: AlertRevision | None, new: AlertRevision) -> Iterator[str]:
    if old is None:
        yield f"raised as {words.STATES[new.state][0].lower()}"
        return
    if new.episode != old.episode:
        yield f"episode {new.episode} begins"
    if new.state != old.state:
        yield f"{words.STATES[old.state][0].lower()} → {words.STATES[new.state][0].lower()}"
    if new.severity != old.severity:
        yield f"severity {old.severity} → {new.severity}"
    yield from _small_changes(old, new)
    yield from _evidence_changes(old, new)


def _small_changes(old: AlertRevision, new: AlertRevision) -> Iterator[str]:
    if new.tag != old.tag and new.tag not in (None, new.state):
        yield f"now called “{words.plain(new.tag)}”"
    if new.grade != old.grade and new.grade is not None:
        yield f"grade {new.grade}"
    if new.act_by != old.act_by and new.act_by is not None:
        yield f"act by {words.day(new.act_by)}"
    if new.confirm_by != old.confirm_by and new.confirm_by is not None:
        yield f"confirm by {words.day(new.confirm_by)}"
    if new.confirmation_overdue and not old.confirmation_overdue:
        yield "the confirming test is overdue"
    if new.rule_version != old.rule_version:
        yield "evaluated by another version of the rule"


def _evidence_changes(old: AlertRevision, new: AlertRevision) -> Iterator[str]:
    before = {item.event_id: item for item in old.evidence}
    after = {item.event_id: item for item in new.evidence}
    if before and not after:
        yield "the evidence no longer holds"
        return
    for key, item in after.items():
        if key not in before:
            yield f"evidence added: {_named(item)}"
        elif _reported(before[key]) != _reported(item):
            yield f"evidence corrected: {_named(before[key])} → {_reported(item)}"
    for key, item in before.items():
        if key not in after:
            yield f"evidence gone: {_named(item)}"


def _named(item: Evidence) -> str:
    return f"{words.name_of(item.what)} {_reported(item)} of {words.day(item.at)}"


def _reported(item: Evidence) -> str:
    return words.readable(" ".join(part for part in (item.value, item.unit) if part))
