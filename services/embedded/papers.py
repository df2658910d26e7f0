"""What the store knows of documents, and what follows from it when more is said of one.

Runs within the transaction that holds the facts.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from schemas.events import EVENT, Status
from services.ingest.documents import Change, consequences

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.events import Event
    from services.embedded.reading import Reading
    from services.embedded.store import Store


class Papers:
    """The documents of a store."""

    def __init__(self, store: Store) -> None:
        """Wire."""
        self._store = store

    def learn(self, reading: Reading) -> list[Event]:
        """Take in what a record says of documents.

        Returns:
            The versions of facts that follow, beside those of the record itself.
        """
        touched: list[str] = []
        if reading.document is not None and reading.events:
            facts = (event.to_json().decode() for event in reading.events)
            touched += self._add(reading.document, "fact", facts)
        for change in reading.changes:
            touched += self._add(change.document, "change", [change_to_json(change)])
        return [event for name in dict.fromkeys(touched) for event in self._follows(name)]

    def _add(self, document: str, kind: str, bodies: Iterable[str]) -> list[str]:
        """Keep what is said of a document, once; the document again, if that was new."""
        new = [self._store.add_to_document(document, kind, body) for body in bodies]
        return [document] if any(new) else []

    def _follows(self, document: str) -> list[Event]:
        versions = map(EVENT.validate_json, self._store.of_document(document, "fact"))
        changes = map(change_from_json, self._store.of_document(document, "change"))
        return consequences(versions, changes)


def change_to_json(change: Change) -> str:
    """A change as a line of text."""
    return json.dumps([change.document, change.status, change.issued_at.isoformat()])


def change_from_json(text: str) -> Change:
    """The change of such a line."""
    document, status, issued = json.loads(text)
    return Change(document, Status(status), datetime.fromisoformat(issued))
