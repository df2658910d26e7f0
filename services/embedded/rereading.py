"""Kept records are read again: what would become of each by the profiles as they are now.

Nothing is written here. The same eyes as the first time look at the bytes: those of the MLLP gate
too, where that is how they came. What no profile can repair is not tried.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from schemas.deadletter import OF_THE_CARRIER, Reason, Where
from services.embedded.letters import Choice
from services.embedded.reading import Reading, Reread, read_whole
from services.embedded.superseding import IdentityChanged, settled
from services.ingest.archive import Format, Record
from services.ingest.journal import FILE_NAME as JOURNAL
from services.ingest.journal import State
from services.ingest.profiles.gating import gate_of
from services.ingest.sources.files import Arrival

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from schemas.deadletter import DeadLetter
    from services.embedded.letters import Bytes, Kept, Letters
    from services.ingest.profiles.sources import Sources

NOT_KEPT: Final = "not_kept_whole"
NOT_ALLOWED: Final = "sender_not_allowed"
OTHER_IDENTITY: Final = "identity_would_change"
"""Some of the record is in the timeline, and would get another patient or another name there."""


@dataclass(slots=True)
class Findings:
    """What reading again gives.

    Attributes:
        records: what is to be put into the timeline.
        letters: how many were read again; `closed`: of which nothing is wrong any longer.
        facts: versions of facts that are not in the store yet; `known`: that are.
        refused: what is wrong now, by reason.
        untried: letters, or records without one, that can't be read again, by reason.
    """

    records: list[Reread] = field(default_factory=list)
    letters: int = 0
    closed: int = 0
    facts: int = 0
    known: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    untried: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Work:
    """One record, and its open letters."""

    kept: Bytes
    letters: list[Kept] = field(default_factory=list)

    @property
    def where(self) -> Where:
        """Where the record stood."""
        if self.letters:
            return self.letters[0].letter.where
        file, _, line = self.kept.place.rpartition(":")
        return Where(file=file, line=int(line)) if line.isdecimal() else Where()


def reread(letters: Letters, choice: Choice, sources: Sources) -> Findings:
    """Read again what is chosen: of each record all open letters, and the results in it.

    A record of which nothing changed is left alone.
    """
    found = Findings()
    for work in _works(letters, choice, found).values():
        reading = letters.checked(_read(work, sources))
        try:
            reading, known = settled(letters, work.kept, reading)
        except IdentityChanged:
            found.untried[OTHER_IDENTITY] += max(1, len(work.letters))
            continue
        _note(work, reading, known, found)
    return found


def _works(letters: Letters, choice: Choice, found: Findings) -> dict[int, _Work]:
    """What there is to do, by the number of the record."""
    works: dict[int, _Work] = {}
    chosen = {one.key for one in letters.chosen(choice)}
    wanted = letters.unevaluated(choice)
    touched = {one.raw for one in wanted}
    for letter in _repairable(letters.chosen(Choice(), raw=True), chosen, found):
        kept = letters.raw(letter.letter)
        if kept is None:
            found.untried[NOT_KEPT] += letter.key in chosen
            continue
        works.setdefault(kept.number, _Work(kept)).letters.append(letter)
        touched |= {kept.number} if letter.key in chosen else set()
    for one in wanted:
        if one.raw not in works:
            works[one.raw] = _Work(letters.numbered(one.raw))
    return {number: work for number, work in sorted(works.items()) if number in touched}


def _repairable(
    letters: Iterable[Kept], chosen: Container[tuple[str, str]], found: Findings
) -> list[Kept]:
    told = []
    for one in letters:
        why_not = _why_not(one.letter)
        if why_not is None:
            told.append(one)
        else:
            found.untried[why_not] += one.key in chosen
    return told


def _why_not(letter: DeadLetter) -> str | None:
    """Why no profile can repair a letter; None if one might."""
    if letter.reason in OF_THE_CARRIER:
        return str(letter.reason)
    # The gate knew that this sender may not speak there; no profile may overrule it.
    barred = (letter.reason, letter.part) == (Reason.BAD_FIELD, "MSH-3")
    return NOT_ALLOWED if barred else None


def _read(work: _Work, sources: Sources) -> Reading:
    """As it was read at its receipt, but by today's profiles."""
    kept, where = work.kept, work.where
    if kept.form is Format.HL7 and where.file == JOURNAL:
        seen = gate_of(sources)(kept.raw, kept.received)
        if seen.state is State.REFUSED and seen.refused is not None:
            return Reading(rejected=(seen.refused,))
        if seen.state is State.IGNORED:
            return Reading()
    return read_whole(Arrival(kept.source, kept.form, Record(where, kept.raw), None), sources)


def _note(work: _Work, reading: Reading, known: int, found: Findings) -> None:
    wrong = {(why.reason, why.part) for why in reading.rejected}
    parts = {part for _, part in wrong}
    had = {(one.letter.reason, one.letter.part) for one in work.letters}
    found.letters += len(work.letters)
    found.closed += sum(one.letter.part not in parts for one in work.letters)
    found.known += known
    found.facts += len(reading.events)
    found.refused.update(str(why.reason) for why in reading.rejected)
    if reading.events or reading.changes or wrong != had:
        kept, keys = work.kept, tuple(one.key for one in work.letters)
        record = Record(work.where, kept.raw)
        found.records.append(
            Reread(kept.source, kept.form, record, None, reading, kept.received, keys)
        )
