"""A JSON document becomes resources that can find each other; nothing outside it is looked up.

A document is one resource or a Bundle. References are resolved within it as FHIR R4 says
(Bundle, "Resolving references in Bundles"): by `fullUrl`, relative to the `fullUrl` of the entry
that refers, or to `contained`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from schemas.deadletter import Reason
from services.ingest.coding import Refused, Rejected
from services.ingest.fhir.elements import Element
from services.ingest.fhir.resources import R4
from services.ingest.fhir.verdicts import Ignored
from services.ingest.strictjson import read_object

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES: Final = 16 * 1024 * 1024
"""Bytes of one document; a patient's whole record of ten years as one Bundle has one MiB."""
BUNDLES: Final = frozenset(
    {"transaction", "batch", "collection", "searchset", "message", "history"}
)
_HISTORY = re.compile(r"/_history/[^/]*$")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_ASKING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A resource in its document.

    Attributes:
        resource: its content; `resource.place` names it in messages.
        kind: its resource type.
        url: `fullUrl`, if there is one.
        method: with which it is sent, in a transaction or a batch.
        container: the entry in which it is contained.
    """

    resource: Element
    kind: str
    url: str | None = None
    method: str = ""
    container: Entry | None = None

    @property
    def created(self) -> bool:
        """It is being POSTed: its id will be another one (FHIR R4, RESTful API, "create")."""
        return self.method == "POST"

    @property
    def root(self) -> Entry:
        """The entry itself, or the one that contains it."""
        return self if self.container is None else self.container.root

    @property
    def base(self) -> str | None:
        """The address of the server that has it, where its `fullUrl` tells."""
        tail = f"/{self.kind}/{self.resource.raw('id')}"
        url = self.url or ""
        known = url.startswith(("http://", "https://")) and url.endswith(tail)
        return url.removesuffix(tail) if known else None

    def contained(self) -> Iterator[Entry]:
        """The resources that it contains."""
        for inner in self.resource.many("contained"):
            yield Entry(inner, inner.text("resourceType") or "", container=self)


@dataclass(slots=True)
class Document:
    """The resources of one document.

    Attributes:
        root: the document itself.
        entries: its resources, in their order.
        others: entries without a resource to read, each with why.
    """

    root: Element
    entries: list[Entry] = field(default_factory=list)
    others: list[tuple[str, Rejected | Ignored]] = field(default_factory=list)
    _by_url: dict[str, Entry] = field(default_factory=dict)
    _by_id: dict[str, Entry | None] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Take in a resource."""
        self.entries.append(entry)
        if entry.url:
            self._by_url[_HISTORY.sub("", entry.url)] = entry
        key = f"{entry.kind}/{entry.resource.raw('id')}"
        if not entry.created:
            other = self._by_id.setdefault(key, entry)
            if other is None or other.url != entry.url:
                self._by_id[key] = None  # two servers' resources of the same number

    def find(self, reference: str, seen_from: Entry) -> Entry | None:
        """The resource of this document to which a reference leads, if it does."""
        if reference.startswith("#"):
            inside = seen_from.root.contained()
            return next((e for e in inside if e.resource.raw("id") == reference[1:]), None)
        address = _HISTORY.sub("", reference)
        if address in self._by_url:
            return self._by_url[address]
        base = seen_from.root.base
        if base is not None and f"{base}/{address}" in self._by_url:
            return self._by_url[f"{base}/{address}"]
        near = self._by_id.get(address)
        return near if near is not None and (base is None or near.base in (None, base)) else None


def read_document(raw: bytes) -> Document:
    """Read one document.

    Raises:
        Unreadable: it is no JSON object that all readers understand alike.
        Refused: it is XML, no resource, or a Bundle of a type that states no facts.
    """
    if raw.lstrip().startswith(b"<"):
        raise Refused(Reason.UNEXPECTED_RESOURCE, "XML (or HTML); only FHIR JSON is read")
    fields = read_object(raw, MAX_BYTES)
    _refuse_surrogates(raw, fields)
    kind = fields.get("resourceType")
    if not isinstance(kind, str):
        raise Refused(Reason.UNEXPECTED_RESOURCE, "no resource", "resourceType")
    if kind == "Bundle":
        return _bundle(Element(fields, "Bundle"))
    document = Document(Element(fields, "document"))
    document.add(Entry(Element(fields, _printable(kind)), kind))
    return document


def _refuse_surrogates(raw: bytes, fields: dict[str, Any]) -> None:
    """Half of a surrogate pair is no text: what reads it next would fail, or read it differently.

    Raises:
        Refused: there is one.
    """
    if not _SURROGATE.search(raw):
        return
    try:
        json.dumps(fields, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise Refused(Reason.BAD_FIELD, "half of a surrogate pair in a text") from None


def _printable(kind: str) -> str:
    """Anything may stand where a resource type ought to; only a known one is shown."""
    return kind if kind in R4 else "resource"


def _bundle(root: Element) -> Document:
    if "implicitRules" in root:
        raise Refused(Reason.UNKNOWN_MODIFIER, "not one that we know", "implicitRules")
    if root.text("type") not in BUNDLES:
        raise Refused(Reason.UNEXPECTED_RESOURCE, "not a kind of Bundle that states facts", "type")
    document = Document(root)
    listed = root.raw("entry")
    if listed is not None and not isinstance(listed, list):
        raise Refused(Reason.BAD_FIELD, "expected a list", "entry")
    for at, item in enumerate(listed or ()):
        place = f"entry[{at}]"
        try:
            document.add(_entry(item, place))
        except Refused as refusal:
            document.others.append((place, refusal.rejected))
        except _Asking:
            why = Ignored(Reason.NOT_A_RESULT, "a question to the server; it states nothing")
            document.others.append((place, why))
    return document


class _Asking(Exception):  # noqa: N818 - tells one kind of entry from the others
    """The entry asks the server for something."""


def _entry(item: object, place: str) -> Entry:
    if not isinstance(item, dict):
        raise Refused(Reason.BAD_FIELD, "expected an object", place)
    entry = Element(item, place)
    request = entry.one("request")
    method = (request.text("method") or "") if request is not None else ""
    if method in _ASKING:
        raise _Asking
    if method == "DELETE":
        raise Refused(Reason.NO_SUBJECT, "a deletion does not say whose record it removes", place)
    inner = entry.raw("resource")
    if method == "PATCH" or not isinstance(inner, dict):
        raise Refused(Reason.UNEXPECTED_RESOURCE, "no whole resource in it", place)
    kind = Element(inner, place).text("resourceType")
    if kind is None:
        raise Refused(Reason.UNEXPECTED_RESOURCE, "no resourceType", place)
    return Entry(Element(inner, place), kind, entry.text("fullUrl"), method)
