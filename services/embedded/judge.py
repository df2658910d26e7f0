"""The engine on the store: what is judged is stored in the same breath.

Everything here runs inside a transaction of the caller's. A judge that was interrupted by an
exception knows things that were not stored: it is thrown away, and a new one restored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detector.engine.fact import Fact
from services.embedded.monitor import WardMonitor
from services.embedded.papers import Papers
from services.embedded.persons import Persons
from services.embedded.reading import Reread, dead_letter, read_plain, read_whole
from services.embedded.spans import Judged, judging

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from schemas.alerts import AlertRevision
    from schemas.events import Event
    from schemas.reading import PlainObservation
    from services.detector.engine.rule import CompiledRule
    from services.embedded.delivery import Delivery, Outcome
    from services.embedded.monitor import Row
    from services.embedded.reading import Reading
    from services.embedded.store import Store
    from services.ingest.profiles.sources import Sources
    from services.ingest.sources.files import Arrival


MOST_KNOWN = 100_000
"""Patients of whom it is remembered what the store has; of others it is asked or told again."""


class Judge:
    """Judges deliveries and the passing of time.

    now: the latest instant that was judged, microseconds UTC; it never goes back.
    suspended: patients whose facts are stored and not judged.
    """

    def __init__(self, store: Store, rules: Sequence[CompiledRule], sources: Sources) -> None:
        """Know nobody, yet; `restore` comes first."""
        self.now = int(store.meta("now") or 0)
        self.suspended = store.suspended()
        self._store = store
        self._sources = sources
        self._papers = Papers(store)
        self._persons = Persons(store.query)
        self._monitor = WardMonitor(rules)
        self._judging: set[str] = set()
        self._known: set[str] = set()
        self._rows: dict[str, Mapping[str, AbstractSet[Row]]] = {}

    def restore(self, outcome: Outcome, *, anew: bool, unjudged: Collection[str] = ()) -> None:
        """Build the engine's memory from the stored facts, and publish what they say anew.

        Args:
            outcome: told what was done.
            anew: the rules or the software are others than those that wrote the stored states.
            unjudged: patients of whom facts were stored that nobody has judged; what is said of
                them may be due to those, and not to other rules.
        """
        charts = {chart.patient_id: chart.versions for chart in self._store.charts()}
        revisions = self._monitor.restore(charts, self._store.journals(), self.now)
        self._publish(
            (
                one.after_rule_change() if anew and one.patient_id not in unjudged else one
                for one in revisions
            ),
            outcome,
        )
        if not (anew or revisions):
            self._monitor.touched()  # what is stored says the same
        self.keep()

    def deliver(self, delivery: Delivery, outcome: Outcome) -> None:
        """Store what came, judge it, and publish what it changes."""
        before = outcome.facts
        read = [self._read(arrival, delivery.at, outcome) for arrival in delivery.arrivals]
        facts = [fact for new in read for fact in new]
        now = self._known_at(delivery, facts)
        self._judging = set()
        self._publish(self._monitor.advance(now - 1), outcome)
        judged = [fact for fact in facts if fact.event.patient_id not in self.suspended]
        self._judging = {fact.event.patient_id for fact in judged}
        said, cause = len(outcome.revisions), judging(delivery.traces)
        self._publish(self._monitor.receive(judged, now), outcome, cause)
        self.now = now
        if cause is not None:
            rules = tuple(one.rule for one in outcome.revisions[said:])
            outcome.judged.append(Judged(delivery.traces, outcome.facts - before, rules))

    def _known_at(self, delivery: Delivery, facts: Iterable[Fact]) -> int:
        """The instant at which a delivery is judged; it never goes back."""
        if not delivery.waited:
            return max(self.now, delivery.at)
        issues = [fact.issued for fact in facts if fact.event.issued_at is not None]
        return max(self.now, min(delivery.at, max(issues, default=self.now)))

    def let_pass(self, now: int, outcome: Outcome) -> None:
        """Let time pass up to and including `now`, and publish what is due."""
        self._judging = set()
        self._publish(self._monitor.advance(now), outcome)
        self.now = max(self.now, now)

    def next_due(self) -> int | None:
        """The next instant at which time alone may change an alert."""
        return self._monitor.next_due()

    def patients(self) -> int:
        """How many there are."""
        return len(self._monitor.patients())

    def concerned(self) -> set[str]:
        """After a failure: at whom, merged records included; empty if that can't be told."""
        at_work = self._monitor.at_work
        known = self._judging if at_work is None else {at_work}
        return {one for each in known for one in self._monitor.group(each)}

    def _read(self, arrival: Arrival, now: int, outcome: Outcome) -> list[Fact]:
        """Store what came of one record.

        Returns:
            The versions of facts that are new.
        """
        if isinstance(arrival, Reread):
            return self._reread(arrival, now, outcome)
        plain = read_plain(arrival)
        if plain is not None:
            raw = self._store.keep_raw(arrival, now)
            return self._marked(arrival, self._add_all((plain,), now, raw, outcome))
        reading = self._persons.checked(read_whole(arrival, self._sources))
        raw = self._store.keep_raw(arrival, now)
        for rejected in reading.rejected:
            letter = dead_letter(arrival, rejected, now)
            self._store.add_deadletter(letter, now)
            outcome.deadletters.append(letter)
        self._store.add_notices(arrival.source, reading.notices, now)
        outcome.notices += reading.notices
        return self._marked(arrival, self._add(reading, now, raw, outcome))

    def _reread(self, arrival: Reread, now: int, outcome: Outcome) -> list[Fact]:
        """The same of a record that was received before: its facts keep that moment."""
        received, reading = arrival.received, self._persons.checked(arrival.reading)
        refused = [dead_letter(arrival, one, received) for one in reading.rejected]
        raw = self._store.raw_number(arrival) or self._store.keep_raw(arrival, received)
        self._store.judge_anew(arrival.letters, refused, now)
        return self._marked(arrival, self._add(reading, received, raw, outcome))

    def _marked(self, arrival: Arrival, new: list[Fact]) -> list[Fact]:
        """Note that a record was taken, and pass on what came of it."""
        if arrival.mark is not None:
            self._store.set_mark(arrival.mark)
        return new

    def _add(self, reading: Reading, received: int, raw: int, outcome: Outcome) -> list[Fact]:
        """Store the facts of a reading, and who is who; those that are new."""
        events = (*reading.events, *self._papers.learn(reading))
        new = self._add_all(events, received, raw, outcome)
        several = [(name, names[0]) for names in reading.persons for name in names]
        if several:
            self._store.add_persons(several)
        return new

    def _add_all(
        self,
        events: Iterable[Event | PlainObservation],
        received: int,
        raw: int,
        outcome: Outcome,
    ) -> list[Fact]:
        """Store facts, each patient under their own identifier; those that are new."""
        facts = [Fact(event, received) for event in events]
        new = [fact for fact in facts if self._store.add_fact(fact, received, raw)]
        patients = {fact.event.patient_id for fact in new} - self._known
        if patients:
            self._store.add_persons((one, one) for one in sorted(patients))
            self._known = patients | (self._known if len(self._known) < MOST_KNOWN else set())
        outcome.facts += len(new)
        outcome.repeats += len(facts) - len(new)
        return new

    def _publish(
        self, revisions: Iterable[AlertRevision], outcome: Outcome, trace: str | None = None
    ) -> None:
        for revision in revisions:
            if self._store.add_revision(revision, trace):
                outcome.revisions.append(revision)

    def keep(self) -> None:
        """Store what changed of the patients, and when we are."""
        if len(self._rows) > MOST_KNOWN:
            self._rows.clear()
        for patient_id in self._monitor.touched():
            state = self._monitor.state_of(patient_id)
            for journal in state.journals:
                self._store.set_journal(patient_id, journal)
            before = self._rows.get(patient_id, {})
            for table, rows in state.rows.items():
                self._store.replace_rows(table, patient_id, rows, before.get(table))
            self._rows[patient_id] = state.rows
        self._store.set_meta("now", str(self.now))
