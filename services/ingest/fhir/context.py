"""What holds for all resources of a document: its sender, its patients, its versions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.deadletter import Reason
from services.ingest.coding import Notice, Refused
from services.ingest.fhir.elements import OURS
from services.ingest.fhir.identity import fact_of, patient_of
from services.ingest.fhir.times import instant

if TYPE_CHECKING:
    from datetime import datetime

    from services.ingest.fhir.document import Document, Entry
    from services.ingest.fhir.elements import Element
    from services.ingest.fhir.profile import Profile

_SEXES = frozenset({"female", "male"})
_TEST = "HTEST"
"""v3 ActReason: "test health data", a security label (FHIR R4, Security Labels)."""


class Head(NamedTuple):
    """What the events of one resource have in common, and what was odd about it."""

    fields: dict[str, Any]
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Context:
    """A document and what its site says about its sender."""

    document: Document
    profile: Profile

    def head(self, entry: Entry, kind: str, *parts: object) -> Head:
        """The fields of an event that don't depend on its type.

        Args:
            entry: the resource.
            kind: the event's type.
            parts: what tells several facts of one resource apart.

        Raises:
            Refused: no patient, or a time of release that is none.
        """
        refuse_modifiers(entry)
        patient = patient_of(entry, self.document, self.profile)
        identity, weak = fact_of(entry, patient, *parts)
        fields = {
            "type": kind,
            "event_id": identity,
            "patient_id": patient,
            "source": self.source(entry),
            "issued_at": self.issued_at(entry),
        }
        notice = Notice(Reason.WEAK_IDENTITY, "neither id nor identifier")
        return Head(fields, (notice,) if weak else ())

    def refuse_tests(self, entry: Entry) -> None:
        """Refuse what was made up for tests, as MSH-11 says it in HL7 v2.

        Raises:
            Refused: the resource, what contains it or the Bundle is marked so.
        """
        if self.profile.test_data:
            return
        for resource in (self.document.root, entry.root.resource):
            meta = resource.one("meta")
            marks = [*meta.many("security"), *meta.many("tag")] if meta is not None else []
            if any(mark.text("code") == _TEST for mark in marks):
                raise Refused(
                    Reason.REFUSED_PROCESSING, "marked as test data", resource.where("meta")
                )

    def source(self, entry: Entry) -> str:
        """The sending system: as our own writer says, else as the site says."""
        meta = entry.root.resource.one("meta")
        said = (meta.text("source") if meta is not None else None) or ""
        return said.removeprefix(f"{OURS}:") if said.startswith(f"{OURS}:") else self.profile.source

    def issued_at(self, entry: Entry) -> datetime | None:
        """When this version was released: `meta.lastUpdated`, else `issued`.

        `lastUpdated` first: it grows with every version, while senders leave `issued` as it was
        when they correct a result.

        Raises:
            Refused: there is no such moment.
        """
        root = entry.root.resource
        return instant(root.one("meta"), "lastUpdated") or (
            instant(entry.resource, "issued") or instant(root, "issued")
        )

    def report_of(self, entry: Entry) -> Entry | None:
        """The report that lists an Observation among its results, or contains it."""
        if entry.container is not None and entry.container.kind == "DiagnosticReport":
            return entry.container
        return self._reports.get(entry)

    @cached_property
    def _reports(self) -> dict[Entry, Entry]:
        """Each result that a report of the document lists, with that report."""
        return {
            result: report
            for report in self.document.entries
            if report.kind == "DiagnosticReport"
            for reference in report.resource.references("result")
            if (result := self.document.find(reference, report)) is not None
        }

    def sex(self, entry: Entry) -> str | None:
        """`female` or `male`, where the document tells, to choose among reference ranges."""
        reference = entry.root.resource.one("subject")
        address = reference.text("reference") if reference is not None else None
        target = self.document.find(address, entry) if address else None
        sex = target.resource.text("gender") if target is not None else None
        return sex if sex in _SEXES else None


def refuse_modifiers(entry: Entry) -> None:
    """Refuse what may mean the opposite of what it seems to (FHIR R4, Extensibility).

    Raises:
        Refused: a modifier extension or implicit rules; we know none.
    """
    refuse_modifier(entry.resource)
    refuse_modifier(entry.resource, "implicitRules")


def refuse_modifier(element: Element, name: str = "modifierExtension") -> None:
    """Refuse an element, a component or a link for instance, whose meaning something modifies.

    Raises:
        Refused: something does.
    """
    if name in element:
        raise Refused(Reason.UNKNOWN_MODIFIER, "not one that we know", element.where(name))
