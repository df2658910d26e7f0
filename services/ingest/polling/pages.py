"""Pages of a search: what is in one, and where the next one is. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from services.ingest.coding import Refused
from services.ingest.fhir.document import read_document
from services.ingest.fhir.times import instant
from services.ingest.strictjson import Unreadable

if TYPE_CHECKING:
    from datetime import datetime

    from services.ingest.fhir.document import Entry
    from services.ingest.fhir.elements import Element


class BadPage(Exception):  # noqa: N818 - a verdict on the answer
    """The answer is no page of a search; the text says why and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        versions: what is in it: its name and version, and when it was released if it says so.
        next: address of the next page; None if it is the last.
    """

    versions: dict[str, datetime | None]
    next: str | None


def read_page(raw: bytes, url: str, base: str) -> Page:
    """Read a page.

    Args:
        raw: its bytes.
        url: where it came from.
        base: of the server; a next page anywhere else is refused.

    Raises:
        BadPage: a login page, another resource, a complaint of the server among its results, or a
            next page that leads away.
    """
    try:
        document = read_document(raw)
        kind = document.root.text("type") if "type" in document.root else None
        if document.root.raw("resourceType") != "Bundle" or kind != "searchset":
            raise BadPage("not a page of a search")
        _refuse_complaints(document.entries)
        versions = dict(map(_version, document.entries))
        return Page(versions, _next(document.root, url, base))
    except (Unreadable, Refused) as error:
        raise BadPage("not a page of a search") from error


def _refuse_complaints(entries: list[Entry]) -> None:
    """Results with an error among them are not all that there is."""
    for entry in entries:
        levels = {issue.text("severity") for issue in entry.resource.many("issue")}
        if entry.kind == "OperationOutcome" and levels & {"error", "fatal"}:
            raise BadPage("the server reports an error among its results")


def _version(entry: Entry) -> tuple[str, datetime | None]:
    """Type, id and version; without a version the content stands in for it."""
    resource = entry.resource
    meta = resource.one("meta")
    number = meta.raw("versionId") if meta is not None else None
    if not isinstance(number, str):
        fields = {name: resource.raw(name) for name in resource.names()}
        number = hashlib.sha256(json.dumps(fields, default=str).encode()).hexdigest()[:32]
    at = instant(meta, "lastUpdated")
    return f"{entry.kind}/{resource.raw('id')}/{number}/{at}", at


def _next(root: Element, url: str, base: str) -> str | None:
    for link in root.many("link"):
        if link.text("relation") == "next":
            address = urljoin(url, link.need("url"))
            if origin(address) != origin(base):
                raise BadPage("the next page is on another server")
            return address
    return None


def origin(address: str) -> tuple[Any, ...]:
    """Scheme, host and port; what names a user there is another origin.

    Raises:
        BadPage: no address.
    """
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        raise BadPage("the next page has no address") from None
    return parts.scheme, parts.hostname, port, parts.username, parts.password
