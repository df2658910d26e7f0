"""A small FHIR server to be polled: searches by `_lastUpdated`, pages, and misbehaves when told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from support.fhir import encoded, psa

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2024, 5, 1, 8, tzinfo=UTC)


def stamped(number: int, minutes: float, **changes: object) -> dict[str, Any]:
    """A PSA that was released so many minutes after the start."""
    at = (START + timedelta(minutes=minutes)).isoformat()
    meta = {"lastUpdated": at, "versionId": "1"}
    return psa(id=f"p{number}", meta=meta, effectiveDateTime=at, **changes)


@dataclass
class FhirServer:
    """Its content and its manners.

    Attributes:
        content: resources, whatever their order.
        size: entries of a page, whatever was asked for.
        manners: may answer in its place; gives None to let it answer.
        asked: the addresses it was asked for, path and query.
    """

    content: list[dict[str, Any]] = field(default_factory=list)
    size: int = 3
    manners: Callable[[web.Request], web.StreamResponse | None] = lambda _: None
    asked: list[web.Request] = field(default_factory=list)

    def app(self) -> web.Application:
        """As an application."""
        app = web.Application()
        app.router.add_get("/fhir/{kind}", self._search)
        app.router.add_get("/{tail:.*}", self._other)
        return app

    async def _search(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        instead = self.manners(request)
        if instead is not None:
            return instead
        since = request.query.get("_lastUpdated", "ge0001-01-01T00:00:00+00:00")
        at = datetime.fromisoformat(since.removeprefix("ge"))
        kind, start = request.match_info["kind"], int(request.query.get("at", "0"))
        found = [one for one in self.content if one["resourceType"] == kind and _updated(one) >= at]
        found.sort(key=_updated)
        address = request.url.update_query(at=str(start + self.size))
        more = start + self.size < len(found)
        links = [{"relation": "next", "url": str(address)}] if more else []
        return page(found[start : start + self.size], links)

    async def _other(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        return web.Response(status=404)


def _updated(resource: dict[str, Any]) -> datetime:
    meta = resource.get("meta") or {}
    return datetime.fromisoformat(meta.get("lastUpdated", START.isoformat()))


def page(
    resources: list[dict[str, Any]], links: list[dict[str, str]] | None = None
) -> web.Response:
    """A page of a search."""
    entries = [{"resource": one, "search": {"mode": "match"}} for one in resources]
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": entries, "link": links or []}
    return web.Response(body=encoded(bundle), content_type="application/fhir+json")


def ids(pages: list[bytes]) -> list[str]:
    """The ids of the resources of pages, in order."""
    return [entry["resource"]["id"] for raw in pages for entry in json.loads(raw)["entry"]]
