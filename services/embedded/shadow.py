"""What the store of `salvage run` holds, for whoever follows it and writes nothing there.

Neither a defect of who follows nor its load can reach what is in force.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.events import EVENT
from schemas.reading import decode_plain
from services.detector.engine.fact import Fact
from services.embedded.readonly import reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BEHIND = (
    "SELECT seq, event, received FROM facts WHERE seq > ? "
    "AND patient_id NOT IN (SELECT patient_id FROM suspended) ORDER BY seq"
)


class StoredFacts:
    """The facts of a store, each given once; those of patients who are set aside are left out."""

    def __init__(self, store: Path) -> None:
        """Begin with the first fact of the file that `salvage run` writes."""
        self._store = store
        self._seq = 0

    def __call__(self) -> Iterator[Fact]:
        """What was stored since the last time.

        Raises:
            Unavailable: the store can't be read.
        """
        with reading(self._store) as db:
            rows = db.execute(_BEHIND, (self._seq,)).fetchall()
        for seq, text, received in rows:
            yield Fact(decode_plain(text.encode()) or EVENT.validate_json(text), received)
            self._seq = seq
