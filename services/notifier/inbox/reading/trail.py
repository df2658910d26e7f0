"""The audit trail, searched: whose case, by whom, what. Newest first, cut by numbers of lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from sqlalchemy import String, func, select
from sqlalchemy.dialects.postgresql import JSONB

from services.notifier.inbox.reading.cases import episodes, located
from services.notifier.inbox.reading.contract import AuditLine, AuditView
from services.notifier.store.tables import AUDIT, CASES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import ColumnElement, Connection

PAGE: Final = 100
_FIELDS: Final = ("reference", "by", "what")


def audit_page(connection: Connection, query: Mapping[str, str]) -> AuditView:
    """One page of what fits."""
    said = {name: query.get(name, "").strip() for name in _FIELDS}
    before = query.get("before", "")
    asked = list(_asked(connection, said))
    if before.isdecimal():
        asked.append(AUDIT.c.seq < min(int(before), 2**62))
    wanted = select(AUDIT).where(*asked).order_by(AUDIT.c.seq.desc()).limit(PAGE + 1)
    found = connection.execute(wanted).all()
    shown = found[:PAGE]
    names = _references(connection, {row.case_id for row in shown if row.case_id})
    more = (
        {name: one for name, one in said.items() if one} | {"before": str(shown[-1].seq)}
        if (len(found) > PAGE)
        else None
    )
    return AuditView(
        lines=tuple(_line(row, names) for row in shown),
        **said,
        next=None if more is None else f"/audit?{urlencode(more)}",
    )


def _asked(connection: Connection, said: Mapping[str, str]) -> Iterable[ColumnElement[bool]]:
    if said["reference"]:
        found = located(connection, said["reference"])
        yield AUDIT.c.case_id.in_(episodes(found.case) if found else [])
    for name in ("by", "what"):
        if said[name]:
            yield _said(connection, name) == said[name]


def _said(connection: Connection, name: str) -> ColumnElement[Any]:
    """A field of a line's JSON, as text."""
    if connection.dialect.name == "postgresql":
        found: ColumnElement[Any] = AUDIT.c.body.cast(JSONB)[name].astext
        return found
    return func.json_extract(AUDIT.c.body, f"$.{name}", type_=String)


def _references(connection: Connection, cases: Iterable[str]) -> dict[str, str]:
    query = select(CASES.c.case_id, CASES.c.reference).where(CASES.c.case_id.in_(list(cases)))
    return {row.case_id: row.reference for row in connection.execute(query)}


def _line(row: Any, names: Mapping[str, str]) -> AuditLine:
    body: dict[str, Any] = json.loads(row.body)
    by, what = str(body.pop("by", None) or "system"), str(body.pop("what", ""))
    rest = ", ".join(f"{name}: {value}" for name, value in sorted(body.items()) if value)
    return AuditLine(row.seq, row.at, names.get(row.case_id or "", ""), by, what, rest)
