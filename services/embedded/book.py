"""The read side of the store, for pages and metrics.

Each read opens its own connection and closes it: readers in other threads see a committed state
and never hold up the writer (WAL).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.alerts import AlertRevision
from schemas.canary import AUTHORITY, is_of_canary
from schemas.events import EVENT
from services.detector.engine.fact import Fact
from services.detector.engine.timeline import Timeline
from services.embedded.readonly import reading

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.events import Event

_LATEST = (
    "SELECT body FROM alerts WHERE sequence IN "
    "(SELECT MAX(sequence) FROM alerts GROUP BY alert_id) ORDER BY sequence DESC"
)
_GROUP = (
    "WITH survivor (id) AS (SELECT COALESCE("
    "(SELECT patient_id FROM identities WHERE member = :patient), :patient)) "
    "SELECT id FROM survivor UNION "
    "SELECT member FROM identities WHERE patient_id = (SELECT id FROM survivor)"
)
OF_PATIENTS = f"SUBSTR(patient_id, 1, {len(AUTHORITY) + 1}) <> '{AUTHORITY}|'"
"""Of a row: it is not about operations' canary."""
_COUNTS = {
    "facts": "SELECT COUNT(*) FROM facts",
    "patients": "SELECT COUNT(DISTINCT patient_id) FROM facts "  # noqa: S608 - constants
    "WHERE patient_id NOT IN (SELECT member FROM identities) "
    f"AND {OF_PATIENTS}",
    "alerts": f"SELECT COUNT(DISTINCT alert_id) FROM alerts WHERE {OF_PATIENTS}",  # noqa: S608
    "dead_letters": "SELECT COUNT(*) FROM deadletters WHERE resolved IS NULL",
    "undecided": "SELECT COUNT(*) FROM undecided",
    "notices": "SELECT COALESCE(SUM(times), 0) FROM notices",
    "suspended": "SELECT COUNT(*) FROM suspended",
}


@dataclass(frozen=True, slots=True)
class Undecided:
    """A condition of a rule that could not be evaluated at a fact, and why."""

    rule: str
    event_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something odd about records that were kept; `times` it was met."""

    source: str
    reason: str
    detail: str
    times: int


class WardBook:
    """Alerts and facts as they stand now."""

    def __init__(self, path: Path) -> None:
        """Read the store at a path; a `Store` has made it."""
        self.path = path

    def alerts(self) -> list[AlertRevision]:
        """The latest revision of every alert, newest first; the canary's is nobody's."""
        found = (AlertRevision.model_validate_json(body) for (body,) in self._rows(_LATEST))
        return [one for one in found if not is_of_canary(one)]

    def journal(self, alert_id: str) -> list[AlertRevision]:
        """All revisions of an alert, first to last; empty if there is none of that id."""
        sql = "SELECT body FROM alerts WHERE alert_id = ? ORDER BY revision"
        return [AlertRevision.model_validate_json(body) for (body,) in self._rows(sql, (alert_id,))]

    def events(self, patient_id: str) -> list[Event]:
        """The latest version of every standing fact, in clinical order.

        Those of all records that were merged with this one are included, whichever of their ids
        is asked for.
        """
        charts: dict[str, Timeline] = {}
        for event, received in self._facts(patient_id):
            charts.setdefault(event.patient_id, Timeline()).merge(Fact(event, received))
        standing = [fact for chart in charts.values() for fact in chart]
        standing.sort(key=lambda fact: (fact.day, fact.at, fact.key))
        return [fact.event for fact in standing]

    def versions(self, patient_id: str) -> list[Event]:
        """All that was ever said of a person, in the order of receipt; ids as in `events`."""
        return [event for event, _ in self._facts(patient_id)]

    def _facts(self, patient_id: str) -> list[tuple[Event, int]]:
        sql = (
            f"SELECT event, received FROM facts WHERE patient_id IN ({_GROUP}) "  # noqa: S608 - constants
            "ORDER BY seq"
        )
        rows = self._rows(sql, {"patient": patient_id})
        return [(EVENT.validate_json(text), received) for text, received in rows]

    def undecided(self, patient_id: str) -> list[Undecided]:
        """What could not be evaluated for a patient, merged records included."""
        sql = (
            "SELECT DISTINCT rule, event_id, reason FROM undecided "  # noqa: S608 - constants
            f"WHERE patient_id IN ({_GROUP}) ORDER BY rule, event_id, reason"
        )
        return [Undecided(*row) for row in self._rows(sql, {"patient": patient_id})]

    def undecided_by_rule(self) -> dict[str, int]:
        """How many conditions of each rule stand undecided."""
        return dict(self._rows("SELECT rule, COUNT(*) FROM undecided GROUP BY rule"))

    def open_letters(self) -> list[tuple[str, int, int]]:
        """Open dead letters by reason: how many, and the oldest receipt, microseconds UTC."""
        sql = (
            "SELECT reason, COUNT(*), MIN(received) FROM deadletters "
            "WHERE resolved IS NULL GROUP BY reason ORDER BY reason"
        )
        return self._rows(sql)

    def oddities(self) -> list[Oddity]:
        """What was odd about records that were kept, most often first."""
        sql = "SELECT source, reason, detail, times FROM notices ORDER BY times DESC, detail"
        return [Oddity(*row) for row in self._rows(sql)]

    def counts(self) -> dict[str, int]:
        """What has been taken in, by name."""
        with reading(self.path) as db:
            return {name: int(db.execute(sql).fetchone()[0]) for name, sql in _COUNTS.items()}

    def latest_sequence(self) -> int:
        """A number that grows whenever an alert is published."""
        ((number,),) = self._rows("SELECT COALESCE(MAX(sequence), 0) FROM alerts")
        return int(number)

    def _rows(self, sql: str, values: Any = ()) -> list[Any]:
        with reading(self.path) as db:
            return db.execute(sql, values).fetchall()
