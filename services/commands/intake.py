"""Archives become events, and whatever can't be used is told: file, line, reason, never a value.

The rest is read on. What was odd but usable (a unit or code that nobody has mapped) is counted by
reason; such facts are kept, and no rule is evaluated on them.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from schemas.plain import PlainObservation
from schemas.reading import decode_plain
from services.ingest.archive import Format, Record, read_archive
from services.ingest.decode import Notice, Rejected, decode_event
from services.ingest.documents import consequences
from services.ingest.profiles.sources import ANYBODY, Sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from schemas.events import Event
    from services.ingest.documents import Change
    from services.ingest.hl7v2.mapped import Mapped

    Told = Event | PlainObservation

FORMATS: Final = tuple(form.value for form in Format)
_EVERY: Final = 1_000
"""Records between two lines of progress."""
_WIDTH: Final = 40
"""Characters that a line of progress takes up."""


@dataclass(slots=True)
class Intake:
    """Reads archives of one format and keeps the books.

    name: the command that reads, for its lines on stderr.
    sources: what is known of the senders.
    documents: what was said of each, and the versions of facts that it gave.
    """

    name: str
    form: Format
    sources: Sources = ANYBODY
    records: int = 0
    unusable: int = 0
    events: int = 0
    notices: Counter[tuple[str, str]] = field(default_factory=Counter)
    documents: dict[str, tuple[list[Change], list[Event]]] = field(default_factory=dict)

    def read(self, paths: Iterable[str]) -> Iterator[Event]:
        """The events of all archives, in the order of the files; last, what documents change."""
        for event in self.told(paths):
            yield event.as_event() if isinstance(event, PlainObservation) else event

    def told(self, paths: Iterable[str]) -> Iterator[Told]:
        """The same for who only makes facts of them: plain observations are no models."""
        for path in paths:
            for record in read_archive(path, self.form):
                yield from self._record(record)
                self._progress()
        clear_progress()
        for changes, versions in self.documents.values():
            yield from consequences(versions, changes)

    def close(self) -> bool:
        """Say on stderr what was odd and what was not usable.

        Returns:
            Whether every record could be used.
        """
        for (reason, detail), count in sorted(self.notices.items()):
            print(f"{self.name}: {count} x {reason}: {detail}; not evaluated", file=sys.stderr)
        if self.unusable:
            print(
                f"{self.name}: {self.unusable} of {self.records} records could not be used whole; "
                f"{self.events} events were read",
                file=sys.stderr,
            )
        return not self.unusable

    def _record(self, record: Record) -> Sequence[Told]:
        self.records += 1
        refused = [record.rejected] if record.rejected else []
        found: Sequence[Told] = []
        if not refused:
            found, refused, notices = self._understood(record.raw)
            self.notices.update((str(each.reason), _general(each.detail)) for each in notices)
        for each in refused:
            print(f"{self.name}: {record.where}: {_told(each)}", file=sys.stderr)
        self.unusable += bool(refused)
        self.events += len(found)
        return found

    def _understood(self, raw: bytes) -> tuple[Sequence[Told], list[Rejected], Iterable[Notice]]:
        if self.form is Format.HL7:
            message = self.sources.read_message(raw)
            self._file(message)
            return message.events, message.rejected, message.notices
        if self.form is Format.FHIR:
            mapped = self.sources.read_resources(raw)
            return mapped.events, mapped.rejected, mapped.notices
        plain = decode_plain(raw)
        if plain is not None:
            return [plain], [], ()
        decoded = decode_event(raw)
        if isinstance(decoded, Rejected):
            return [], [decoded], ()
        return [decoded.event], [], decoded.notices

    def _file(self, message: Mapped) -> None:
        """Keep what a message says of documents until all are read."""
        if message.document is not None:
            self.documents.setdefault(message.document, ([], []))[1].extend(message.events)
        for change in message.changes:
            self.documents.setdefault(change.document, ([], []))[0].append(change)

    def _progress(self) -> None:
        if self.records % _EVERY == 0:
            show_progress(f"{self.records:,} records")


def show_progress(text: str) -> None:
    """Say how far the work has come, if somebody is watching; the next line takes its place."""
    if sys.stderr.isatty():
        print(f"{text:<{_WIDTH}}", end="\r", file=sys.stderr, flush=True)


def clear_progress() -> None:
    """Leave no trace of it."""
    show_progress("")


def _told(refused: Rejected) -> str:
    part = refused.part if refused.part and refused.part not in refused.detail else None
    return f"{refused.reason}: {f'{part}: ' if part else ''}{refused.detail}"


def _general(detail: str) -> str:
    """The notice without its place in the message (`OBX[3]: …`), so that equals are counted."""
    place, colon, rest = detail.partition(": ")
    return rest if colon and "[" in place else detail
