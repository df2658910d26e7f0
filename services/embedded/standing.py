"""What stands at the moment of a scrape, as metrics; and the questions to the store behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from services.embedded.book import OF_PATIENTS, WardBook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.runtime.clock import Clock

GRACE: Final = 60_000_000
"""Microseconds after which what is due and was not looked at is late."""
_JUDGED: Final = f"patient_id NOT IN (SELECT patient_id FROM suspended) AND {OF_PATIENTS}"  # noqa: S608
# From one patient to the next by the index: the cost goes by patients, and not by their facts.
_PATIENTS: Final = (
    "WITH RECURSIVE known (patient_id) AS (SELECT MIN(patient_id) FROM facts UNION ALL "  # noqa: S608 - constants
    "SELECT (SELECT MIN(patient_id) FROM facts WHERE patient_id > known.patient_id) "
    "FROM known WHERE known.patient_id IS NOT NULL) "
    f"SELECT COUNT(patient_id) FROM known WHERE {_JUDGED}"
)


class FactRow(NamedTuple):
    """What operations may know of a stored version of a fact. Instants: microseconds UTC."""

    seq: int
    source: str
    issued: int
    received: int
    status: str


class Standing(WardBook):
    """The same store as a book's, asked what only operations ask."""

    @classmethod
    def of(cls, book: WardBook) -> Standing:
        """On the same store."""
        return cls(book.path)

    def facts_behind(self, seq: int) -> list[FactRow]:
        """The versions of facts that were stored behind one, in their order."""
        sql = "SELECT seq, source, issued, received, status FROM facts WHERE seq > ? ORDER BY seq"
        return [FactRow(*row) for row in self._rows(sql, (seq,))]

    def newest_facts(self) -> list[FactRow]:
        """A row for each source: its highest number, issue and receipt."""
        sql = "SELECT MAX(seq), source, MAX(issued), MAX(received), '' FROM facts GROUP BY source"
        return [FactRow(*row) for row in self._rows(sql)]

    def undecided_for(self) -> list[tuple[str, str, int]]:
        """How many conditions stand undecided, by rule and by what is missing."""
        sql = "SELECT rule, reason, COUNT(*) FROM undecided GROUP BY rule, reason"
        return self._rows(sql)

    def reminders(self, now: int) -> tuple[int, int]:
        """Patients to whom time will say something; of these, those to whom it should have.

        Args:
            now: the present, microseconds UTC.
        """
        sql = (
            "SELECT COUNT(DISTINCT patient_id), "  # noqa: S608 - constants
            "COUNT(DISTINCT CASE WHEN due < ? THEN patient_id END) "
            f"FROM timers WHERE {_JUDGED}"
        )
        ((pending, late),) = self._rows(sql, (now - GRACE,))
        return int(pending), int(late)

    def patients(self) -> int:
        """Patients who are judged, merged records by themselves."""
        ((number,),) = self._rows(_PATIENTS)
        return int(number)

    def ruleset(self) -> str:
        """What the meaning of stored facts depends on, shortened; empty before the first start."""
        rows = self._rows("SELECT value FROM meta WHERE key = 'rules'")
        return str(rows[0][0])[:12] if rows else ""


class StandingMetrics(Collector):
    """Read when scraped."""

    def __init__(self, standing: Standing, clock: Clock) -> None:
        """Nothing is asked before the first scrape."""
        self._standing = standing
        self._clock = clock

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing is read when the collector is registered."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All that stands."""
        yield from self._letters()
        yield self._undecided()
        yield from self._engine()

    def _letters(self) -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
        count = GaugeMetricFamily(
            "salvage_dead_letters_open", "dead letters that nobody has resolved", labels=["reason"]
        )
        oldest = GaugeMetricFamily(
            "salvage_dead_letter_oldest_timestamp_seconds",
            "receipt of the oldest open dead letter",
            labels=["reason"],
        )
        for reason, number, received in self._standing.open_letters():
            count.add_metric([reason], number)
            oldest.add_metric([reason], received / 1_000_000)
        return count, oldest

    def _undecided(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "salvage_detector_indeterminate",
            "conditions that could not be evaluated, by what is missing",
            labels=["rule", "missing"],
        )
        for rule, missing, count in self._standing.undecided_for():
            family.add_metric([rule, missing], count)
        return family

    def _engine(self) -> Iterator[GaugeMetricFamily]:
        pending, late = self._standing.reminders(self._clock.now())
        for name, about, value in (
            ("patients_in_memory", "patients held in memory", self._standing.patients()),
            ("reminders_pending", "patients to whom time will say something", pending),
            ("reminders_overdue", "of these, due since a minute", late),
        ):
            yield GaugeMetricFamily(f"salvage_detector_{name}", about, float(value))
        info = GaugeMetricFamily(
            "salvage_ruleset_info", "which software judges by which rules", labels=["version"]
        )
        if version := self._standing.ruleset():
            info.add_metric([version], 1)
        yield info
