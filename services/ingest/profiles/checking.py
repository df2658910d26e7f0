"""What becomes of each message under the profiles: `salvage sources check`. Pure.

One verdict a message, and nothing of a patient: codes, units, names of fields, and counts.
A message is one of HL7 v2, or one resource of FHIR with all that it contains.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from schemas.deadletter import Reason
from schemas.events import Observation
from schemas.terminology import Refusal, analyte, by_code, scale
from services.ingest.archive import Format
from services.ingest.decode import Decoded, decode_event
from services.ingest.fhir.verdicts import Verdict as FhirVerdict
from services.ingest.mllp.acknowledge import read_header
from services.ingest.profiles.sources import UNDECLARED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.events import Event
    from services.ingest.archive import Record
    from services.ingest.coding import Notice, Rejected
    from services.ingest.fhir.verdicts import EntryVerdict
    from services.ingest.profiles.sources import Sources

NOT_A_MESSAGE: Final = "not_a_message"
"""The reason of a file that holds no message: a README, a licence, a list of codes."""


class Fate(StrEnum):
    """What becomes of a message. One that is used in part is accepted."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Judged:
    """One message. `kind` is MSH-9 or a resource type; `reason` why it was not used."""

    kind: str
    fate: Fate
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """One record: a message, or a document of several.

    Attributes:
        where: file and line.
        sender: as it names itself, where it does; `profile`: by which it is read.
        messages: each with its verdict.
        events: what was understood; `rejected`, `notices`: what was not, or is odd.
    """

    where: str
    messages: tuple[Judged, ...]
    sender: str = ""
    profile: str = ""
    events: tuple[Event, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    notices: tuple[Notice, ...] = ()


@dataclass(slots=True)
class Totals:
    """Sums over all that was checked; accepted, refused and ignored add up to messages."""

    messages: int = 0
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    facts: int = 0
    parts_refused: Counter[str] = field(default_factory=Counter)
    unmapped_codes: Counter[str] = field(default_factory=Counter)
    refused_codes: Counter[str] = field(default_factory=Counter)
    unmapped_units: Counter[str] = field(default_factory=Counter)

    def add(self, checked: Checked) -> None:
        """Take in one record."""
        for one in checked.messages:
            self.messages += 1
            self.accepted += one.fate is Fate.ACCEPTED
            if one.fate is Fate.REFUSED:
                self.refused[one.reason or ""] += 1
            elif one.fate is Fate.IGNORED:
                self.ignored[one.reason or ""] += 1
        self.facts += len(checked.events)
        self.parts_refused.update(str(one.reason) for one in checked.rejected)
        for event in checked.events:
            self._code(event)

    def _code(self, event: Event) -> None:
        if not isinstance(event, Observation):
            return
        code = event.code
        if event.analyte is None and code is not None:
            refused = isinstance(by_code(code.system, code.code), Refusal)
            told = self.refused_codes if refused else self.unmapped_codes
            told[f"{code.system}|{code.code}"] += 1
        elif unit_problem(event):
            self.unmapped_units[f"{event.analyte}|{event.unit or ''}"] += 1


def unit_problem(event: Observation) -> str | None:
    """Why a result's unit can't be used; None if it can, or needs none."""
    known = analyte(event.analyte) if event.analyte else None
    if known is None or event.value is None:
        return None
    found = scale(event.unit, known)
    return str(found.reason) if isinstance(found, Refusal) else None


def check(record: Record, form: Format, sources: Sources) -> Checked:
    """What becomes of one record of an archive."""
    where = str(record.where)
    if record.rejected is not None:
        why = str(record.rejected.reason)
        return Checked(where, (Judged("", Fate.REFUSED, why),), rejected=(record.rejected,))
    if form is Format.HL7:
        return _message(record, sources)
    return _document(record, sources) if form is Format.FHIR else _event(record)


def _message(record: Record, sources: Sources) -> Checked:
    header, _ = read_header(record.raw, "latin-1")
    source = sources.of_message(header)
    mapped = sources.read_message(record.raw)
    kind = "^".join(filter(None, (_shown(header.get(9)), _shown(header.get(9, 2)))))
    names = (_shown(header.get(number) or header.get(number, 2)) for number in (4, 3))
    used = mapped.events or mapped.changes
    judged = _fate(kind, used, mapped.rejected, mapped.notices)
    return Checked(
        str(record.where),
        (judged,),
        sender="/".join(filter(None, names)),
        profile=source.name if source is not None and source is not UNDECLARED else "",
        events=tuple(mapped.events),
        rejected=tuple(mapped.rejected),
        notices=tuple(mapped.notices),
    )


def _shown(text: str) -> str:
    """A field of a header that may be broken: it must not steer a terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:64])


def _event(record: Record) -> Checked:
    found = decode_event(record.raw)
    if isinstance(found, Decoded):
        judged = Judged(found.event.type, Fate.ACCEPTED)
        return Checked(str(record.where), (judged,), events=(found.event,), notices=found.notices)
    judged = Judged("", Fate.REFUSED, str(found.reason))
    return Checked(str(record.where), (judged,), rejected=(found,))


def _fate(
    kind: str, used: Sequence[object], rejected: Sequence[Rejected], notices: Sequence[Notice]
) -> Judged:
    if used:
        return Judged(kind, Fate.ACCEPTED)
    if rejected:
        return Judged(kind, Fate.REFUSED, str(rejected[0].reason))
    return Judged(kind, Fate.IGNORED, str(notices[0].reason if notices else Reason.NOT_A_RESULT))


def _document(record: Record, sources: Sources) -> Checked:
    mapped = sources.read_resources(record.raw)
    names = dict.fromkeys(event.source for event in mapped.events)
    return Checked(
        str(record.where),
        tuple(map(_resource, _grouped(mapped.verdicts))),
        profile=", ".join(names) if sources.declared else "",
        events=tuple(mapped.events),
        rejected=tuple(mapped.rejected),
        notices=tuple(mapped.notices),
    )


def _grouped(verdicts: Sequence[EntryVerdict]) -> list[list[EntryVerdict]]:
    """Each resource with those that it contains: they have no existence of their own (R4)."""
    groups: dict[str, list[EntryVerdict]] = {}
    for verdict in verdicts:
        groups.setdefault(verdict.place.partition(".contained")[0], []).append(verdict)
    return list(groups.values())


def _resource(group: Sequence[EntryVerdict]) -> Judged:
    used = {FhirVerdict.USED, FhirVerdict.PARTLY}
    own = group[0]
    kind = own.kind or ""
    if any(one.verdict in used for one in group):
        return Judged(kind, Fate.ACCEPTED)
    refused = [one for one in group if one.verdict is FhirVerdict.REFUSED]
    told = refused[0] if refused else own
    return Judged(kind, Fate.REFUSED if refused else Fate.IGNORED, str(told.reason))
