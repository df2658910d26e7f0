"""Watching more closely: findings that count one severity higher while a condition holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.detector.engine.finding import Finding, Note, cite

if TYPE_CHECKING:
    from services.detector.engine.terms import Context, Term


def watched(notes: tuple[Note, ...], closer: Term | None, here: Context) -> tuple[Note, ...]:
    """In a later line of treatment, say, there is less to fall back on: findings count for more.

    What makes it so is part of their evidence.
    """
    if closer is None or not closer.holds(here):
        return notes
    reasons = closer.prove(here).cited
    return tuple(
        replace(note, closer=True, cited=cite(note.cited, reasons))
        if isinstance(note, Finding)
        else note
        for note in notes
    )
