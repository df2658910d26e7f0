"""All patients: versions of facts and the passing of time go in, alert revisions come out.

The monitor is the whole engine behind two verbs, `receive` and `advance`. It reads no clock:
instants (microseconds since 1970, UTC) are given. Facts are the truth; everything else in here
can be built again from them, except which revisions were already published.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from services.detector.engine.instants import day_of
from services.detector.engine.patient import TURNING, FactChange, LaneKey, Patient, order_of
from services.detector.engine.readers import Readers
from services.detector.engine.readiness import readiness
from services.detector.engine.terms import Context
from services.detector.engine.timeline import Timeline
from services.detector.engine.writing import write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from decimal import Decimal

    from schemas.alerts import AlertRevision
    from services.detector.engine.fact import Fact, Key
    from services.detector.engine.finding import Doubt
    from services.detector.engine.journal import Revision
    from services.detector.engine.lane import Lane
    from services.detector.engine.rule import CompiledRule


@dataclass(frozen=True, slots=True)
class Undecided:
    """A condition of a rule that could not be evaluated at a fact."""

    patient_id: str
    rule: str
    course_id: str | None
    doubt: Doubt


class News(NamedTuple):
    """A revision of an alert, not yet put into words. `number` counts the alert's revisions."""

    patient_id: str
    lane: LaneKey
    number: int
    revision: Revision
    at: int


class Monitor:
    """The engine for any number of patients."""

    def __init__(self, rules: Sequence[CompiledRule], *, incremental: bool = True) -> None:
        """Start without patients.

        Args:
            rules: compiled, in the order in which their alerts are published.
            incremental: keep the states of lanes; without, every change evaluates anew (the
                oracle that tests hold the incremental engine to).
        """
        self._rules = tuple(rules)
        self._incremental = incremental
        self._charts: dict[str, Timeline] = {}
        self._links: dict[str, dict[Key, str]] = {}
        self._patients: dict[str, Patient] = {}
        self._members: dict[str, tuple[str, ...]] = {}
        self._queue: list[tuple[int, str, LaneKey]] = []
        self._here = Context.nowhere()
        self._readers = Readers(self._rules, sleeping=incremental)
        self._watched = frozenset(
            item for rule in rules if rule.card for item in rule.card.readiness
        )

    # -- the two verbs

    def receive(self, versions: Iterable[Fact], now: int) -> list[AlertRevision]:
        """Take in versions of facts that become known at `now`; give the alerts that change."""
        # What the calendar says first is put into words before the new facts are known.
        queue = self._queue
        revisions = self.advance(now - 1) if queue and queue[0][0] < now else []
        found = self.observe(versions, now)
        return revisions + [self.written(news) for news in found] if found else revisions

    def observe(self, versions: Iterable[Fact], now: int) -> list[News]:
        """The same as `receive`, before it is put into words.

        Deadlines that passed before `now` come first; at the same instant facts come first.
        """
        several = tuple(versions)
        queue = self._queue
        if queue and queue[0][0] < now:
            return self._pass(now - 1) + self._observe_all(several, now)
        if len(several) != 1:
            return self._observe_all(several, now)
        # One version of what turns nothing else: by far the commonest arrival.
        version = several[0]
        patient_id: str = version.event.patient_id
        patient = self._patients.get(patient_id)
        if patient is None or version.topic in TURNING or self._is_merged(patient_id):
            return self._observe_all(several, now)
        chart = patient.chart
        if chart is None:
            chart = patient.chart = self.chart(patient_id)
        change = chart.merge(version)
        if change is None:
            return []
        before, after = change
        if before is None and after is not None:
            touched = patient.add(after, chart)
        else:
            touched = list(patient.take((change,), chart))
        return self._publish(patient_id, touched, now) if touched else []

    def _observe_all(self, versions: Iterable[Fact], now: int) -> list[News]:
        changes: dict[str, dict[Key, FactChange]] = {}
        news: list[News] = []
        relinked = False
        for version in versions:
            patient_id: str = version.event.patient_id
            chart = self._charts.get(patient_id)
            if chart is None:
                chart = self._charts[patient_id] = Timeline(self._watched)
            change = chart.merge(version)
            survivor = self._survivor(patient_id) if self._links else patient_id
            relinked = relinked or self._is_shared(survivor, patient_id, version.key)
            if change is None:
                continue
            if version.topic == "patient" and self._follow_links(patient_id, change):
                relinked = True
                survivor = self._survivor(patient_id)
            folded = changes.setdefault(survivor, {})
            earlier = folded.get(version.key)
            # Several versions in one arrival: what stood first, what stands last.
            folded[version.key] = change if earlier is None else (earlier[0], change[1])
        if relinked:
            return self._regroup(now)
        for patient_id, changed in changes.items():
            patient = self._patients.get(patient_id) or self._patient(patient_id)
            touched = patient.take(tuple(changed.values()), self._facts_of(patient_id))
            if touched:
                news += self._publish(patient_id, touched, now)
        return news

    def advance(self, now: int) -> list[AlertRevision]:
        """Let time pass up to and including `now`: deadlines come due, in their order."""
        return [self.written(news) for news in self._pass(now)]

    def _pass(self, now: int) -> list[News]:
        news: list[News] = []
        while self._queue and self._queue[0][0] <= now:
            due, patient_id, key = heapq.heappop(self._queue)
            patient = self._patients.get(patient_id)
            if patient is not None and patient.dues.get(key) == due:
                news += self._publish(patient_id, (key,), due)
        return news

    def next_due(self) -> int | None:
        """The next instant at which `advance` may have something to say."""
        while self._queue:
            due, patient_id, key = self._queue[0]
            patient = self._patients.get(patient_id)
            if patient is not None and patient.dues.get(key) == due:
                return due
            heapq.heappop(self._queue)
        return None

    # -- what there is to see

    def undecided(self) -> Iterator[Undecided]:
        """Every condition that stands undecided, with its reason."""
        for patient_id, patient in self._patients.items():
            for (number, course_id), doubt in patient.doubts():
                yield Undecided(patient_id, self._rules[number].id, course_id, doubt)

    def figures(self) -> Iterator[tuple[str, str, str | None, Fact, Decimal]]:
        """Patient, rule, course, and the numbers that the rule worked out last, at which fact."""
        for patient_id, patient in self._patients.items():
            for key in patient.concerned():
                rule = self._rules[key[0]]
                if rule.figures:
                    for fact, value in patient.lane(key, self._facts_of(patient_id)).figures():
                        yield patient_id, rule.id, key[1], fact, value

    def lanes(self, patient_id: str) -> Iterator[tuple[LaneKey, Lane]]:
        """The lanes of a patient, by rule and course."""
        patient = self._patients.get(patient_id)
        if patient is not None:
            for key in patient.concerned():
                yield key, patient.lane(key, self._facts_of(patient_id))

    def facts(self, patient_id: str) -> Iterator[Fact]:
        """The standing facts of a patient, merged records included."""
        return iter(self._facts_of(self._survivor(patient_id)))

    def patients(self) -> tuple[str, ...]:
        """The surviving patient ids."""
        return tuple(self._patients)

    # -- storage

    def dump(self, patient_id: str) -> list[dict[str, Any]]:
        """What was published of a patient, as JSON-ready values."""
        patient = self._patients.get(patient_id)
        return [] if patient is None else patient.dump()

    def chart(self, patient_id: str) -> Timeline:
        """The facts as addressed to one patient id, tombstones included."""
        return self._charts.setdefault(patient_id, Timeline(self._watched))

    def restore(
        self,
        charts: dict[str, Iterable[tuple[Fact, int | None]]],
        journals: dict[str, Iterable[dict[str, Any]]],
        now: int,
    ) -> list[AlertRevision]:
        """Put back stored facts and what had been published by `now`.

        Returns:
            What changed in the meaning of the stored facts: nothing, unless the rules are others.
        """
        for patient_id, versions in charts.items():
            chart = self.chart(patient_id)
            for version, known in versions:
                chart.restore(version, known)
                if version.topic == "patient" and not version.withdrawn:
                    self._follow_links(patient_id, (None, version))
        for patient_id, stored in journals.items():
            self._patient(patient_id).load(stored)
        return [self.written(news) for news in self._regroup(now)]

    # -- identity

    def _follow_links(self, patient_id: str, change: FactChange) -> bool:
        """Keep which record says that it was merged into which; True when that changed."""
        before, after = change
        links = self._links.setdefault(patient_id, {})
        old = dict(links)
        if before is not None:
            links.pop(before.key, None)
        if after is not None and after.event.merged_into not in {None, patient_id}:
            links[after.key] = after.event.merged_into
        if not links:
            del self._links[patient_id]
        return links != old

    def _is_merged(self, patient_id: str) -> bool:
        """Whether the patient has, or is, a record that was merged with others."""
        return patient_id in self._links or patient_id in self._members

    def _survivor(self, patient_id: str) -> str:
        """Follow the merges; records that were merged in a circle share the smallest id."""
        seen = [patient_id]
        while links := self._links.get(seen[-1]):
            following = min(links.values())
            if following in seen:
                return min(seen[seen.index(following) :])
            seen.append(following)
        return seen[-1]

    def _regroup(self, now: int) -> list[News]:
        """Build the patients anew after records were merged, or a merge was taken back."""
        members: dict[str, list[str]] = {}
        for patient_id in self._charts:
            survivor = self._survivor(patient_id)
            # The surviving record belongs to it even if nothing has come under its id yet.
            members.setdefault(survivor, [survivor])
            if patient_id != survivor:
                members[survivor].append(patient_id)
        self._members = {
            survivor: tuple(ids) for survivor, ids in members.items() if ids != [survivor]
        }
        news: list[News] = []
        for patient_id in dict.fromkeys((*members, *self._patients)):
            former = self._patients.pop(patient_id, None)
            patient = self._patient(patient_id)
            if former is not None:
                patient.journals = former.journals
            facts = self._facts_of(patient_id) if patient_id in members else Timeline()
            patient.take([(None, fact) for fact in facts], facts)
            keys = dict.fromkeys((*patient.lanes, *patient.journals))
            news += self._publish(patient_id, keys, now)
        return news

    def _is_shared(self, survivor: str, patient_id: str, key: Key) -> bool:
        """Whether a fact of merged records has versions under more than one of their ids."""
        ids = self._members.get(survivor, ())
        return any(key in self.chart(one) for one in ids if one != patient_id)

    def _patient(self, patient_id: str) -> Patient:
        patient = self._patients.get(patient_id)
        if patient is None:
            patient = self._patients[patient_id] = Patient(
                self._rules, self._readers, self._here, incremental=self._incremental
            )
        return patient

    def _facts_of(self, patient_id: str) -> Timeline:
        ids = self._members.get(patient_id) if self._members else None
        if ids is None:
            return self._charts.get(patient_id) or Timeline()
        together = Timeline()
        for one in ids:
            together.absorb(self.chart(one))
        return together

    # -- publishing

    def _publish(self, patient_id: str, keys: Iterable[LaneKey], now: int) -> list[News]:
        patient = self._patients[patient_id]
        found: list[News] = []
        for key in sorted(keys, key=order_of):
            before = patient.dues.get(key)
            revisions = patient.publish(key, now)
            due = patient.dues.get(key)
            if due is not None and due != before:
                heapq.heappush(self._queue, (due, patient_id, key))
            if revisions:
                number = patient.journals[key].revisions - len(revisions)
                found += [
                    News(patient_id, key, number + place, revision, now)
                    for place, revision in enumerate(revisions, start=1)
                ]
        return found

    def written(self, news: News) -> AlertRevision:
        """Put news into words, with what is known of the patient now."""
        number, course_id = news.lane
        card = self._rules[number].card
        facts = self._facts_of(news.patient_id)
        return write(
            news.revision,
            news.number,
            card,
            patient_id=news.patient_id,
            course_id=course_id,
            at=news.at,
            comfort_only=self._patients[news.patient_id].comfort_only,
            readiness=lambda: readiness(card.readiness, facts, day_of(news.at)),
        )
