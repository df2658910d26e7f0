"""The sources of a site: which profile a message is read by. Pure.

Nothing is guessed. Where sources are declared, a sender that none of them names, or that several
name equally well, is refused; where none is declared, all are read as the standard says.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from schemas.deadletter import Reason
from services.ingest.coding import Refused, Rejected
from services.ingest.fhir import profile as fhir
from services.ingest.fhir.document import read_document
from services.ingest.fhir.mapping import read_resources
from services.ingest.fhir.verdicts import Mapped as Resources
from services.ingest.hl7v2 import profile as hl7
from services.ingest.hl7v2.mapping import Mapped, read_message
from services.ingest.mllp.acknowledge import read_header
from services.ingest.profiles.patterns import ANY, is_exact, matches, overlap
from services.ingest.strictjson import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from services.ingest.fhir.document import Document
    from services.ingest.fhir.elements import Element
    from services.ingest.hl7v2.codec import Segment

UNKNOWN: Final = Rejected(Reason.UNKNOWN_SENDER, "no source profile names it, or several do")


@dataclass(frozen=True, slots=True)
class Sender:
    """A sending system, by patterns.

    Attributes:
        facility: of MSH-4, `application` of MSH-3; of either the first component, else the second.
        fhir: of what names a FHIR sender, see `names_of`; None: it sends HL7 v2.
    """

    facility: str = ANY
    application: str = ANY
    fhir: str | None = None

    @property
    def exact(self) -> bool:
        """Whether it is one system and no other."""
        if self.fhir is not None:
            return is_exact(self.fhir)
        return is_exact(self.facility) and is_exact(self.application)

    def sends(self, facility: str, application: str) -> bool:
        """Whether a message of HL7 v2 comes from it."""
        here = self.fhir is None and matches(self.facility, facility)
        return here and matches(self.application, application)

    def publishes(self, name: str) -> bool:
        """Whether a document of FHIR comes from it."""
        return self.fhir is not None and matches(self.fhir, name)

    def clashes(self, other: Sender) -> bool:
        """Whether both fit one system, and neither goes before the other."""
        if self.exact != other.exact or (self.fhir is None) != (other.fhir is None):
            return False
        if self.fhir is not None and other.fhir is not None:
            return overlap(self.fhir, other.fhir)
        same_facility = overlap(self.facility, other.facility)
        return same_facility and overlap(self.application, other.application)


@dataclass(frozen=True, slots=True)
class Source:
    """One source, as its profile describes it.

    Attributes:
        name: the source of its facts, for ever: a correction has to come under the same name.
        senders: the systems that it stands for; none: everybody.
        message: how its HL7 v2 is read; `resource`: how its FHIR is.
        by_facility: whether MSH-4 is the authority of identifiers that name none.
        custody: whether all that is safely kept is accepted, readable or not.
        numbered: whether it numbers its messages (MSH-13).
        max_silence: seconds without a message after which operations have to look.
    """

    name: str
    senders: tuple[Sender, ...] = ()
    message: hl7.Profile = hl7.STANDARD
    resource: fhir.Profile = fhir.STANDARD
    by_facility: bool = False
    custody: bool = False
    numbered: bool = False
    max_silence: float = 24 * 3600.0

    @property
    def spoken(self) -> tuple[Sender, ...]:
        """Its senders; with none declared, everybody's messages of either format."""
        return self.senders or (Sender(), Sender(fhir=ANY))

    def profile_for(self, header: Segment) -> hl7.Profile:
        """How to read the message with this MSH."""
        facility = _name(header, 4)
        if self.by_facility and facility:
            return replace(self.message, authority=facility)
        return self.message


UNDECLARED: Final = Source("(standard)")
"""Everybody, where a site declares nothing: read as the standards say, nothing beyond them."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The declared sources.

    Attributes:
        declared: none: everybody is read by `otherwise`.
        otherwise: for everybody where none is declared.
    """

    declared: tuple[Source, ...] = ()
    otherwise: Source = field(default=UNDECLARED)

    @classmethod
    def of(cls, profile: hl7.Profile) -> Sources:
        """Everybody's HL7 v2 is read by one profile."""
        return cls(otherwise=replace(UNDECLARED, message=profile))

    def of_message(self, header: Segment) -> Source | None:
        """The source of the HL7 v2 message with this MSH; None if it can't be told for certain."""
        facility, application = _name(header, 4), _name(header, 3)
        return self._only(lambda sender: sender.sends(facility, application))

    def of_document(self, names: Sequence[str]) -> Source | None:
        """The source of a FHIR document, by what names its sender; None as above.

        Each name is looked up by itself; all that are known have to lead to the same source.
        """
        found = [self._publisher(name) for name in dict.fromkeys(names or [""])]
        known = {source.name: source for source in found if source is not None}
        return next(iter(known.values())) if len(known) == 1 else None

    def read_message(self, raw: bytes) -> Mapped:
        """Read one HL7 v2 message by its sender's profile. No bytes make it raise."""
        if not self.declared and not self.otherwise.by_facility:
            return read_message(raw, self.otherwise.message)
        header, _ = read_header(raw, "latin-1")
        source = self.of_message(header)
        if source is None:
            return Mapped(rejected=[replace(UNKNOWN, part="MSH-3")])
        return read_message(raw, source.profile_for(header))

    def read_resources(self, raw: bytes, sender: str | None = None) -> Resources:
        """Read one FHIR document by its sender's profile. No bytes make it raise.

        Args:
            raw: its bytes.
            sender: who sent it, where the connection tells; of nobody in particular (the
                standard profile's own name), or else, the document's own words count.
        """
        if not self.declared:
            return read_resources(raw, self.otherwise.resource)
        if sender is None or sender == fhir.STANDARD.source:
            try:
                names = list(names_of(read_document(raw)))
            except (Refused, Unreadable):
                return read_resources(raw)  # says what is wrong with it
        else:
            names = [sender]
        source = self.of_document(names)
        if source is None:
            mapped = Resources()
            mapped.add("document", None, [UNKNOWN])
            return mapped
        return read_resources(raw, source.resource)

    def _publisher(self, name: str) -> Source | None:
        return self._only(lambda sender: sender.publishes(name))

    def _only(self, speaks: Callable[[Sender], bool]) -> Source | None:
        """The one source with a sender that fits; an exact name goes before a pattern."""
        if not self.declared:
            return self.otherwise
        found = [
            (source, sender.exact)
            for source in self.declared
            for sender in source.spoken
            if speaks(sender)
        ]
        exact = {source.name: source for source, exactly in found if exactly}
        some = exact or {source.name: source for source, _ in found}
        return next(iter(some.values())) if len(some) == 1 else None


ANYBODY: Final = Sources()
"""No source is declared."""


def names_of(document: Document) -> Iterator[str]:
    """What a FHIR document says of where it comes from.

    `meta.source` of the Bundle and of its resources, and the server's address in their `fullUrl`.
    """
    yield from _stated(document.root)
    for entry in document.entries:
        yield from _stated(entry.resource)
        if entry.base is not None:
            yield entry.base


def _stated(resource: Element) -> Iterator[str]:
    meta = resource.raw("meta")
    found = meta.get("source") if isinstance(meta, dict) else None
    if isinstance(found, str) and found:
        yield found.partition("#")[0]  # servers add the request's number to it


def _name(header: Segment, number: int) -> str:
    """MSH-3 or MSH-4: the namespace, else the universal id."""
    return header.get(number) or header.get(number, 2)
