"""One patient, judged from rows: a record comes in, and its row comes out.

Laws of this file:
- no I/O and no clock: a record brings its instant, and time never goes back;
- rows are the truth; everything else here is built from them, and again after every failure;
- a row says all that its record did, so the same rows always mean the same patient.

Facts that were received at one instant came together and are judged together, as a replay does:
a fact waits until a later one, or the clock, shows that its instant is complete.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING

from schemas.base import digest
from schemas.deadletter import Reason
from schemas.events import Patient
from services.detector.adapters import outbox
from services.detector.adapters.rows import Head, Row, applied, difference
from services.detector.engine.fact import Fact
from services.detector.engine.monitor import Monitor
from services.detector.engine.timeline import Timeline
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from schemas.alerts import AlertRevision
    from schemas.events import Event
    from services.detector.adapters.outbox import Outgoing, Record
    from services.detector.adapters.rows import Dump
    from services.detector.engine.rule import CompiledRule


@dataclass(frozen=True, slots=True)
class Judging:
    """The rules, and a digest of what the meaning of facts depends on: they and this software."""

    rules: tuple[CompiledRule, ...]
    meaning: str

    @classmethod
    def by(cls, rules: Sequence[CompiledRule]) -> Judging:
        """By these rules."""
        cards = [(rule.id, rule.card.version) for rule in rules]
        return cls(tuple(rules), digest(version("salvage-watch"), cards))


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a record says: a fact that was received at `at`, or that time has passed until then."""

    record: Record
    at: int
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class _Held:
    """A fact, the number of its row, and the `traceparent` that it came with."""

    number: int
    event: Event
    received: int
    trace: str | None


@dataclass(slots=True)
class _Said:
    """What comes of one record."""

    revisions: list[AlertRevision] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)
    forwards: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()


class Person:
    """The state of one patient id; facts of records that were merged into it included.

    patient_id: whose it is.
    head: where the patient stands.
    """

    def __init__(self, patient_id: str, judging: Judging, rows: Iterable[Row] = ()) -> None:
        """Take up where the rows end.

        Args:
            patient_id: whose they are.
            judging: the rules of today.
            rows: in any order.

        Raises:
            OperatorError: not all are there.
        """
        self.head = Head(0, 0, None, None, judging.meaning)
        self.patient_id = patient_id
        self._judging = judging
        self._monitor: Monitor | None = None
        self._held: list[_Held] = []
        self._known: set[bytes] = set()
        self._journals: dict[tuple[str, str | None], Dump] = {}
        self._heirs: dict[str, None] = {}
        self._places: dict[str, int] = {}
        for number, row in enumerate(sorted(rows, key=lambda one: one.head.number), start=1):
            if row.head.number != number:
                raise OperatorError("--data: a row of the state is missing; begin without folder")
            self._add(row)

    # -- the verbs

    def take(self, arrival: Arrival) -> Row | None:
        """Take in a record.

        Returns:
            Its row, which is to be stored before anything of it is sent; None: it changes nothing.
        """
        event = arrival.event
        if event is not None and _digest(event) in self._known:
            return None
        if self.suspended:
            return None if event is None else self._kept(arrival, self.head, _Said())
        said, before = _Said(), self.head
        monitor = self._awake(arrival, said)
        head = self._judge_pending(monitor, arrival, said)
        if event is not None:
            return self._kept(arrival, _waiting_from(head, arrival.at), said)
        head = self._pass(monitor, head, arrival.at, said)
        if head == before:
            return None
        return self._kept(arrival, head, said)

    def fail(self, arrival: Arrival, defect: str) -> Row:
        """Take in a record at which our code failed: nothing is judged, its fact is kept.

        Args:
            arrival: the record.
            defect: where our code failed.
        """
        said, pending = _Said(), self.head.pending
        if arrival.event is not None:
            said.outgoing = [outbox.letter(arrival.record, Reason.DEFECT, defect)]
            pending = pending or self.head.number + 1
        head = self.head._replace(
            wake=None, pending=pending, meaning=self._judging.meaning, defect=defect
        )
        return self._kept(arrival, head, said)

    def sends(self, row: Row) -> Iterator[Outgoing]:
        """All that is to be sent of a row, in order; the same whenever it is asked."""
        for heir in row.forwards:
            for one in self._held:
                if one.number <= row.head.number:
                    yield outbox.forward(one.event, one.received, heir, one.trace)
        yield from row.outgoing

    def row_of(self, record: Record) -> int | None:
        """The number of the row of a record that was taken in before."""
        return self._places.get(_place(record))

    @property
    def suspended(self) -> bool:
        """Whether the patient is not judged, since our code fails there."""
        return self.head.defect is not None and self.head.meaning == self._judging.meaning

    # -- judging

    def _awake(self, arrival: Arrival, said: _Said) -> Monitor:
        """The engine with all that was judged; under new rules, the facts may mean something else.

        What they mean anew is said at the instant of the arrival, and as what it is; but before
        anything that waits, or that was due by the former rules. Where our code had failed,
        nobody can tell what the rules have to do with it.
        """
        if self._monitor is not None:
            return self._monitor
        head, monitor = self.head, Monitor(self._judging.rules)
        anew = head.meaning != self._judging.meaning
        if anew:
            now = max(head.now, arrival.at if head.wake is None else min(head.wake - 1, arrival.at))
            self.head = head._replace(now=now, meaning=self._judging.meaning, defect=None)
        charts: dict[str, Timeline] = {self.patient_id: Timeline()}
        for one in self._judged():
            chart = charts.setdefault(one.event.patient_id, Timeline())
            chart.merge(Fact(one.event, one.received))
        versions = {patient_id: list(chart.versions()) for patient_id, chart in charts.items()}
        journals = {self.patient_id: list(self._journals.values())}
        restored = monitor.restore(dict(versions), dict(journals), self.head.now)
        marked = anew and head.defect is None
        said.revisions += (one.after_rule_change() if marked else one for one in restored)
        self._monitor = monitor
        return monitor

    def _judge_pending(self, monitor: Monitor, arrival: Arrival, said: _Said) -> Head:
        """Judge the facts that wait, if this arrival shows that their instant is complete."""
        head = self.head
        if head.pending is None:
            return head
        instant = max(head.now, arrival.at) if head.wake is None else head.wake
        if arrival.at < instant or (arrival.event is not None and arrival.at == instant):
            return head
        waiting = list(self._waiting())
        facts = [Fact(one.event, one.received) for one in waiting]
        said.causes = tuple(one.trace for one in waiting if one.trace is not None)
        said.revisions += monitor.receive(facts, instant)
        return head._replace(now=instant, wake=monitor.next_due(), pending=None)

    def _pass(self, monitor: Monitor, head: Head, until: int, said: _Said) -> Head:
        """Let time pass, if nothing waits to be judged before."""
        if head.pending is not None:
            return head
        due = monitor.next_due()
        if due is not None and due <= until:
            said.revisions += monitor.advance(until)
            head = head._replace(now=max(head.now, until))
        return head._replace(wake=monitor.next_due())

    def _judged(self) -> Iterator[_Held]:
        pending = self.head.pending
        return (one for one in self._held if pending is None or one.number < pending)

    def _waiting(self) -> Iterator[_Held]:
        pending = self.head.pending
        return (one for one in self._held if pending is not None and one.number >= pending)

    # -- rows

    def _kept(self, arrival: Arrival, head: Head, said: _Said) -> Row:
        """The row of a record, which is ours from now on."""
        event = arrival.event
        if event is not None:
            self._hand_on(event, arrival, said)
        cause = next(iter(said.causes), None)
        row = Row(
            head._replace(number=head.number + 1),
            _place(arrival.record),
            event,
            arrival.at,
            self._changes(),
            (
                *said.outgoing,
                # Others judge the records that are merged with this one, and say so.
                *(
                    outbox.alert(r, arrival.record, cause)
                    for r in said.revisions
                    if r.patient_id == self.patient_id
                ),
            ),
            said.forwards,
            None if event is None else arrival.record.trace,
            said.causes,
        )
        self._add(row)
        return row

    def _hand_on(self, event: Event, arrival: Arrival, said: _Said) -> None:
        """A merged record's facts go to the surviving one, which is another's to judge."""
        trace = arrival.record.trace
        said.outgoing += [outbox.forward(event, arrival.at, heir, trace) for heir in self._heirs]
        heir = event.merged_into if isinstance(event, Patient) else None
        if (
            heir is None
            or event.patient_id != self.patient_id
            or heir in {self.patient_id, *self._heirs}
        ):
            return
        said.forwards = (heir,)

    def _changes(self) -> tuple[Dump, ...]:
        """What differs between the journals and what is stored of them."""
        if self._monitor is None:
            return ()
        dumps = self._monitor.dump(self.patient_id)
        changes = (difference(self._journals.get(_name(dump)), dump) for dump in dumps)
        return tuple(change for change in changes if change is not None)

    def _add(self, row: Row) -> None:
        self.head = row.head
        self._places[row.place] = row.head.number
        if row.event is not None:
            self._held.append(_Held(row.head.number, row.event, row.received, row.trace))
            self._known.add(_digest(row.event))
        for change in row.journals:
            name = _name(change)
            self._journals[name] = applied(self._journals.get(name), change)
        self._heirs |= dict.fromkeys(row.forwards)


def _waiting_from(head: Head, at: int) -> Head:
    """Where a patient stands when a fact of an instant waits: with those that wait already."""
    if head.pending is None:
        return head._replace(wake=max(head.now, at), pending=head.number + 1)
    return head._replace(wake=max(head.now, head.wake or at))


def _place(record: Record) -> str:
    return f"{record.topic}@{record.offset}"


def _name(dump: Dump) -> tuple[str, str | None]:
    return dump["rule"], dump["course"]


def _digest(event: Event) -> bytes:
    """Identity of a version: the same content is the same version, however often it comes."""
    return sha256(event.to_json()).digest()[:16]
