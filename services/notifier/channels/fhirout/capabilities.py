"""What a server can take, by its CapabilityStatement: the richest way to write that it offers.

    detected_issue_task   DetectedIssue and Task: a finding, and work for its owner
    communication         Communication: that somebody was told
    document_reference    DocumentReference: a note
    inbox_only            nothing; the inbox is the only place

Order and reasons: the large vendors' servers take different parts of FHIR. One in production that
was looked at takes Communication and DocumentReference, and neither DetectedIssue nor Task (H).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

IDENTIFIER: Final = "identifier"


class Mode(StrEnum):
    """A way to write, richest first."""

    DETECTED_ISSUE_TASK = "detected_issue_task"
    COMMUNICATION = "communication"
    DOCUMENT_REFERENCE = "document_reference"
    INBOX_ONLY = "inbox_only"


KINDS: Final[dict[Mode, tuple[str, ...]]] = {
    Mode.DETECTED_ISSUE_TASK: ("DetectedIssue", "Task"),
    Mode.COMMUNICATION: ("Communication",),
    Mode.DOCUMENT_REFERENCE: ("DocumentReference",),
    Mode.INBOX_ONLY: (),
}
"""What each way creates."""


class Ability(NamedTuple):
    """What a server does with one type of resource.

    Attributes:
        once: it creates only what isn't there yet (`If-None-Exist`).
        finds: it can be asked for an identifier.
    """

    create: bool = False
    update: bool = False
    once: bool = False
    finds: bool = False

    @property
    def recognises(self) -> bool:
        """Whether a repeat can be kept from becoming a second resource."""
        return self.once or self.finds


class Offer(NamedTuple):
    """What a server offers: its way, and its abilities by type."""

    mode: Mode
    abilities: Mapping[str, Ability]

    def ability(self, kind: str) -> Ability:
        """Of a type."""
        return self.abilities.get(kind, Ability())


def negotiated(statement: Mapping[str, Any]) -> Offer:
    """The richest way that a server offers.

    Args:
        statement: its CapabilityStatement; whatever is missing or odd in it is no offer.

    Raises:
        ValueError: it is no CapabilityStatement of R4.
    """
    if statement.get("resourceType") != "CapabilityStatement":
        raise ValueError("not a CapabilityStatement")
    if not str(statement.get("fhirVersion", "")).startswith("4.0"):
        raise ValueError("not FHIR R4 (4.0)")
    abilities = dict(_abilities(statement))
    ways = (mode for mode in Mode if all(_creates(abilities, kind) for kind in KINDS[mode]))
    return Offer(next(ways), abilities)


def _creates(abilities: Mapping[str, Ability], kind: str) -> bool:
    return abilities.get(kind, Ability()).create


def _abilities(statement: Mapping[str, Any]) -> Iterator[tuple[str, Ability]]:
    for rest in _objects(statement.get("rest")):
        if rest.get("mode") == "server":
            for resource in _objects(rest.get("resource")):
                yield str(resource.get("type")), _ability(resource)


def _ability(resource: Mapping[str, Any]) -> Ability:
    codes = {one.get("code") for one in _objects(resource.get("interaction"))}
    asked = {one.get("name") for one in _objects(resource.get("searchParam"))}
    return Ability(
        create="create" in codes,
        update="update" in codes,
        once=resource.get("conditionalCreate") is True,
        finds="search-type" in codes and IDENTIFIER in asked,
    )


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
