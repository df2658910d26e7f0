"""Sources and dead letters of a data folder, for the inbox: read beside the one that writes them.

Law of this file: it writes nothing but replays, which wait for `salvage run` where that isn't the
process that we are in.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.detector.engine.instants import instant, moment
from services.embedded import replays
from services.embedded.deadletters import letters_of
from services.embedded.letters import Choice
from services.embedded.readonly import reading
from services.embedded.rereading import reread
from services.embedded.store import FILE_NAME
from services.ingest.journal import FILE_NAME as JOURNAL
from services.ingest.journal import JournalReader
from services.ingest.watching import heard_as, recent
from services.notifier.inbox.reading.machinery import Heap, Heard, Letter, Outcome, Source
from services.runtime.errors import OperatorError, Unavailable

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from schemas.deadletter import Where
    from services.embedded.letters import Kept, Letters
    from services.embedded.rereading import Findings
    from services.ingest.profiles.sources import Sources
    from services.notifier.inbox.reading.machinery import Asked
    from services.notifier.inbox.upkeep import Act

NEWEST: Final = 50_000
"""Records and facts at the end of the store that are looked at, so that no page takes long."""
MOST: Final = 1_000
"""Letters that are read again at a time; the command takes more."""
_RECORDS: Final = """
    SELECT source, MAX(received), SUM(received >= :today) FROM raw
    WHERE id > (SELECT COALESCE(MAX(id), 0) FROM raw) - :newest GROUP BY source
"""
_FACTS: Final = """
    SELECT raw.source, MAX(facts.issued), SUM(facts.received >= :today) FROM facts
    JOIN raw ON raw.id = facts.raw
    WHERE seq > (SELECT COALESCE(MAX(seq), 0) FROM facts) - :newest GROUP BY raw.source
"""
_LETTERS: Final = """
    SELECT source, SUM(received >= :today), SUM(resolved IS NULL) FROM deadletters GROUP BY source
"""
_CUT: Final = """
    SELECT MAX(received) FROM (
        SELECT * FROM (SELECT received FROM raw ORDER BY id DESC LIMIT 1 OFFSET :newest) UNION ALL
        SELECT * FROM (SELECT received FROM facts ORDER BY seq DESC LIMIT 1 OFFSET :newest))
"""
"""Receipt of the newest of those that are not looked at."""


@dataclass(slots=True)
class Tally:
    """What is known of a source. Instants: microseconds UTC; 0: none."""

    last: int = 0
    issued: int = 0
    messages: int = 0
    facts: int | None = 0
    letters: int = 0
    open: int = 0

    def told(self, name: str, limit: float | None) -> Source:
        """For the page."""
        return Source(
            name=name,
            last=moment(self.last) if self.last else None,
            limit=None if limit is None else timedelta(seconds=limit),
            issued=moment(self.issued) if self.issued else None,
            messages=self.messages,
            facts=self.facts,
            letters=self.letters,
            open=self.open,
        )


@dataclass(slots=True)
class Tallies:
    """All sources, by name; those that are declared, too."""

    sources: Sources
    by_name: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))

    def told(self) -> tuple[Source, ...]:
        """In the order of their names."""
        limits = {name: one.max_silence for one in self.sources.declared for name in heard_as(one)}
        names = sorted({*self.by_name, *limits})
        return tuple(self.by_name[name].told(name, limits.get(name)) for name in names)


class StoreUpkeep:
    """A `services.notifier.inbox.upkeep.Upkeep` on a data folder."""

    acts: frozenset[Act] = frozenset({"replay"})

    def __init__(self, folder: Path, sources: Sources) -> None:
        """Look into a folder.

        Args:
            folder: of the data.
            sources: the profiles by which letters are read again, with their limits of silence.
        """
        self._folder, self._sources = folder, sources

    # -- sources

    def heard(self, today: datetime) -> Heard:
        """Of each source when it was last heard, and what came of it since midnight."""
        found, midnight = Tallies(self._sources), instant(today)
        since = self._count(found.by_name, midnight)
        for entries in recent(JournalReader(self._folder)):
            for entry in entries:  # repeats, too: whoever repeats is not silent
                tally = found.by_name[entry.source]
                tally.last = max(tally.last, entry.received)
        return Heard(found.told(), moment(max(midnight, since)))

    def _count(self, tallies: dict[str, Tally], midnight: int) -> int:
        """Since when the newest records tell all; 0: all are looked at."""
        values = {"today": midnight, "newest": NEWEST}
        with reading(self._folder / FILE_NAME) as db:
            (since,) = db.execute(_CUT, values).fetchone()
            for source, last, messages in db.execute(_RECORDS, values):
                tallies[source].last, tallies[source].messages = last, messages
            for source, issued, facts in db.execute(_FACTS, values):
                tallies[source].issued, tallies[source].facts = issued, facts
            for source, letters, still in db.execute(_LETTERS, values):
                tallies[source].letters, tallies[source].open = letters, still
        return since or 0

    # -- letters

    def heaps(self) -> list[Heap]:
        """The open letters by reason and source, the largest heap first."""
        found = self._letters().heaps(Choice())
        return [
            Heap(one.reason, one.source, one.count, moment(one.oldest), moment(one.newest))
            for one in found
        ]

    def letters(self, asked: Asked, most: int) -> Sequence[Letter]:
        """The letters that are meant, the oldest first."""
        return [_told(one) for one in self._letters().chosen(_choice(asked), most=most)]

    def replay(self, asked: Asked, by: str) -> Outcome:
        """Read letters again, and let `salvage run` put into the timeline what comes of them.

        Raises:
            OperatorError: there are too many.
            Unavailable: nothing was written.
        """
        del by  # the audit trail has it
        letters, choice = self._letters(), _choice(asked)
        if len(letters.chosen(choice, most=MOST + 1)) > MOST:
            raise OperatorError(f"more than {MOST} letters: `salvage deadletters replay` does it")
        found = reread(letters, choice, self._sources)
        if found.records:
            replays.append(self._folder, found.records)
        return Outcome(found.letters, tuple(_words(found)))

    def _letters(self) -> Letters:
        try:
            return letters_of(self._folder)
        except OperatorError as error:
            raise Unavailable(str(error)) from None

    def drop(self, asked: Asked, by: str, because: str) -> Outcome:
        """Refuse: a store's letters are open until something becomes of them.

        Raises:
            OperatorError: always.
        """
        del asked, by, because
        raise OperatorError("a store's letters are open until something becomes of them")


def _choice(asked: Asked) -> Choice:
    return Choice(
        reasons=frozenset({asked.reason} if asked.reason else ()),
        source=asked.source or None,
        resolved=asked.handled,
        id=asked.letter or None,
        before=None if asked.before is None else instant(asked.before),
    )


def _told(one: Kept) -> Letter:
    letter = one.letter
    return Letter(
        id=letter.id,
        reason=letter.reason,
        meaning=letter.reason.sentence,
        source=letter.source,
        received=moment(one.received),
        times=one.times,
        tries=None,
        part=letter.part,
        detail=letter.detail,
        size=letter.raw_size,
        place=place(letter.where),
        state="open" if one.resolved is None else "resolved",
    )


def place(where: Where) -> str:
    """Where it stood; the name of a file is left out, as some are named after people."""
    if where.topic is not None:
        return f"{where.topic}, partition {where.partition}, offset {where.offset}"
    kind = "entry of the journal" if where.file == JOURNAL else "line of a file"
    return f"{kind}, number {where.line}"


def _words(found: Findings) -> Iterator[str]:
    yield f"{many(found.letters)} read again; resolved thereby: {found.closed}."
    yield f"Facts: {found.facts} new, {found.known} known before."
    yield from counted("Still refused", found.refused)
    yield from counted("To be sent again by their sender", found.untried)
    if found.records:
        yield "The running process takes them in a moment; without one, the next does."


def many(letters: int) -> str:
    """`1 letter`, `2 letters`."""
    return f"{letters} letter{'' if letters == 1 else 's'}"


def counted(what: str, counts: Counter[str]) -> Iterable[str]:
    """`Still refused: bad field: 2.`, a line for each reason."""
    return [
        f"{what}: {reason.replace('_', ' ')}: {count}."
        for reason, count in sorted(counts.items())
        if count
    ]
