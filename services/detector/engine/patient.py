"""One patient: facts in, lanes folded, journals compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

from schemas.alerts import State
from schemas.events import Status
from services.detector.engine.card import CURBED_BY_COMFORT
from services.detector.engine.drugs import names_of_regimen
from services.detector.engine.fact import Fact, Key
from services.detector.engine.instants import end_of
from services.detector.engine.journal import Journal, Revision
from services.detector.engine.lane import Lane, News
from services.detector.engine.rule import WHOLE_PATIENT, CompiledRule, Course
from services.detector.engine.seats import Entry, Mark, Place, Seat
from services.detector.engine.writing import settle_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime

    from services.detector.engine.finding import Doubt
    from services.detector.engine.readers import Panel, Readers
    from services.detector.engine.terms import Context
    from services.detector.engine.timeline import Timeline


LaneKey = tuple[int, str | None]
"""Number of the rule, and the course (None: the whole patient)."""

FactChange = tuple[Fact | None, Fact | None]
"""A fact as it stood before, and as it stands now."""

DeathChange = tuple[Entry | None, Entry | None]
"""The death as it stood in the lanes before, and as it stands now."""

_DEATH_RANK = 1_001
_when = attrgetter("at")
TURNING = frozenset({"treatment", "patient"})
"""Facts that may open, end or rename what other facts are read by."""


@dataclass(frozen=True, slots=True)
class _Death:
    """The end of a life as an event of its own: a patient fact tells of it at another time."""

    event_id: str
    source: str
    effective_at: date | datetime
    issued_at: datetime | None
    status: Status = Status.FINAL
    type: str = "death"
    form: ClassVar[None] = None


@dataclass(slots=True)
class _Edit:
    """What is to be taken out of a lane, and what put in."""

    removed: list[Place] = field(default_factory=list)
    added: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class _Edits:
    """What is to become of the lanes: changes of those that are folded, and which are to wake."""

    of: dict[LaneKey, _Edit] = field(default_factory=dict)
    woken: set[LaneKey] = field(default_factory=set)


class Patient:
    """The lanes and journals of one patient. The facts themselves are kept by the monitor.

    `chart` is where it keeps them, if all of them are addressed to one patient id. `lanes` are
    those of rules that are awake (see `readers`); `lane` gives any.
    """

    __slots__ = (
        "_courses",
        "_death",
        "_here",
        "_incremental",
        "_panels",
        "_people",
        "_readers",
        "_rules",
        "_steps",
        "chart",
        "dues",
        "journals",
        "lanes",
    )

    def __init__(
        self,
        rules: Sequence[CompiledRule],
        readers: Readers,
        here: Context,
        *,
        incremental: bool = True,
    ) -> None:
        """Know the rules, and nothing yet of the patient; `here` and `incremental`: see `Lane`."""
        self.chart: Timeline | None = None
        self._rules = rules
        self._readers = readers
        self._here = here
        self._incremental = incremental
        self._steps: dict[str, dict[Key, Fact]] = {}
        self._courses: dict[str, Course] = {}
        self._people: dict[Key, Fact] = {}
        self._death: Entry | None = None
        self._panels: dict[str | None, Panel] = {None: readers.of_patient}
        self.lanes: dict[LaneKey, Lane] = {}
        self.journals: dict[LaneKey, Journal] = {}
        self.dues: dict[LaneKey, int] = {}
        for number in sorted(readers.of_patient.restless):
            self._open((number, None), ())

    # -- facts

    def take(self, changes: Sequence[FactChange], facts: Iterable[Fact]) -> set[LaneKey]:
        """Take in changed facts.

        Args:
            changes: what changed.
            facts: all standing facts of the patient, these changes included; only read when a
                lane must be filled.

        Returns:
            The lanes that may now say something else.
        """
        fresh = [fact for before, fact in changes if before is None and fact is not None]
        if len(fresh) == len(changes) and TURNING.isdisjoint([fact.topic for fact in fresh]):
            fresh.sort(key=_when)  # what is put in before others is folded again from there
            woken: set[LaneKey] = set()
            return {key for fact in fresh for key in self.add(fact, facts, woken)}
        comfort = self.comfort_only
        buried = self._follow_person(changes)
        touched = self._follow_courses(changes, facts)
        edits = _Edits()
        for before, after in changes:
            if before is not None:
                self._edit(before, edits, out=True)
            if after is not None:
                self._edit(after, edits, out=False)
        self._bury(buried, edits)
        for key, edit in edits.of.items():
            if key in touched:
                continue  # filled anew a moment ago, with these changes
            if self.lanes[key].change(edit.removed, edit.added):
                touched.add(key)
        touched.update(key for key in edits.woken if self._open(key, facts))
        if comfort is not self.comfort_only or buried is not None:
            touched.update(self.lanes)  # a death silences also what no lane says anew
            for lane in self.lanes.values():
                lane.recall()
        return touched

    def add(
        self, fact: Fact, facts: Iterable[Fact], woken: set[LaneKey] | None = None
    ) -> list[LaneKey]:
        """Take in one new fact that turns nothing else; the same as `take` with it alone.

        Args:
            fact: it.
            facts: as `take` wants them; with others of its arrival, if there are any.
            woken: the lanes that were filled for one of these others, and so with this one.
        """
        touched: list[LaneKey] = []
        topic, lanes = fact.topic, self.lanes
        for course_id, panel in self._panels.items():
            for number, rule, seat, quiet in panel.by_topic.get(topic, ()):
                key = (number, course_id)
                lane = lanes.get(key)
                if lane is None:
                    if quiet is not None and fact.when.__class__ is int and quiet(fact):
                        continue  # the rule sleeps on
                    says = self._open(key, facts)
                    if woken is not None:
                        woken.add(key)
                elif woken and key in woken:
                    continue
                elif seat is not None:
                    says = lane.add(fact, seat)
                else:
                    entry = rule.place(fact, self._course(course_id))
                    says = entry is not None and lane.add(*entry)
                if says:
                    touched.append(key)
        return touched

    def _edit(self, fact: Fact, edits: _Edits, *, out: bool) -> None:
        for course_id, panel in self._panels.items():
            for reader in panel.by_topic.get(fact.topic, ()):
                key = (reader.number, course_id)
                if key not in self.lanes:
                    if not out and not reader.sleeps_on(fact):
                        edits.woken.add(key)
                    continue
                entry = reader.rule.place(fact, self._course(course_id))
                if entry is None:
                    continue
                edit = edits.of.setdefault(key, _Edit())
                if out:
                    edit.removed.append(entry.place)
                else:
                    edit.added.append(entry)

    # -- courses

    def _follow_courses(self, changes: Sequence[FactChange], facts: Iterable[Fact]) -> set[LaneKey]:
        """Courses begin, turn out to be something else, or vanish; their lanes with them."""
        named: set[str] = set()
        for before, after in changes:
            for fact, stands in ((before, False), (after, True)):
                if fact is not None and fact.topic == "treatment":
                    course_id = fact.event.course_id
                    named.add(course_id)
                    steps = self._steps.setdefault(course_id, {})
                    if stands:
                        steps[fact.key] = fact
                    elif steps.get(fact.key) is fact:
                        del steps[fact.key]
        touched: set[LaneKey] = set()
        for course_id in sorted(named):
            course = _describe(course_id, self._steps[course_id].values())
            if course != self._courses.get(course_id):
                self._courses[course_id] = course
                touched |= self._reopen(course, facts)
        return touched

    def _reopen(self, course: Course, facts: Iterable[Fact]) -> set[LaneKey]:
        touched = {key for key in self.lanes if key[1] == course.id}
        for key in touched:
            del self.lanes[key]
        panel = self._panels[course.id] = self._readers.of(course)
        standing = tuple(facts)
        for number in sorted(panel.awake(standing)):
            key = (number, course.id)
            self._open(key, standing)
            touched.add(key)
        return touched

    def _open(self, key: LaneKey, facts: Iterable[Fact]) -> bool:
        """Fold a lane from all that it reads; whether it may have something to say."""
        lane = self.lanes[key] = self._unfilled(key)
        return self._fill(lane, self._course(key[1]), facts)

    def _unfilled(self, key: LaneKey) -> Lane:
        return Lane(self._rules[key[0]], incremental=self._incremental, here=self._here)

    def _fill(self, lane: Lane, course: Course, facts: Iterable[Fact]) -> bool:
        rule = lane.rule
        topics = rule.topics
        read = [fact for fact in facts if fact.topic in topics]
        entries = [entry for fact in read if (entry := rule.place(fact, course)) is not None]
        if self._death is not None:
            entries.append(self._death)
        return lane.change((), sorted(entries, key=lambda entry: entry.place))

    def _course(self, course_id: str | None) -> Course:
        return WHOLE_PATIENT if course_id is None else self._courses[course_id]

    def concerned(self) -> list[LaneKey]:
        """Every rule that concerns the patient or a course, also those that sleep."""
        keys = [(n, course_id) for course_id, panel in self._panels.items() for n in panel.numbers]
        return sorted(keys, key=order_of)

    def lane(self, key: LaneKey, facts: Iterable[Fact]) -> Lane:
        """The lane of a rule; of one that sleeps it is folded for the asker alone.

        Args:
            key: the rule and the course.
            facts: all standing facts of the patient.
        """
        lane = self.lanes.get(key)
        if lane is None:
            lane = self._unfilled(key)
            self._fill(lane, self._course(key[1]), facts)
        return lane

    # -- the person

    def _follow_person(self, changes: Sequence[FactChange]) -> DeathChange | None:
        """What is told of the person; if a death is, or was an error, how the lanes change."""
        changed = False
        for before, after in changes:
            for fact, stands in ((before, False), (after, True)):
                if fact is not None and fact.topic == "patient":
                    changed = True
                    if stands:
                        self._people[fact.key] = fact
                    else:
                        self._people.pop(fact.key, None)
        if not changed:
            return None
        former, self._death = self._death, self._find_death()
        if (former and former.place) == (self._death and self._death.place):
            return None
        return former, self._death

    def _bury(self, change: DeathChange | None, edits: _Edits) -> None:
        """Death ends every rule; a death that was an error gives the rules back."""
        if change is None:
            return
        former, death = change
        for key in self.lanes:
            edit = edits.of.setdefault(key, _Edit())
            if former is not None:
                edit.removed.append(former.place)
            if death is not None:
                edit.added.append(death)

    def _find_death(self) -> Entry | None:
        told = [fact for fact in self._newest_people() if fact.event.deceased_at is not None]
        if not told:
            return None
        event = told[-1].event
        fact = Fact(
            _Death(event.event_id, event.source, event.deceased_at, event.issued_at),
            told[-1].issued,
        )
        return Entry(fact, Seat((), _DEATH_RANK, Mark.DEATH))

    def _newest_people(self) -> list[Fact]:
        return sorted(self._people.values(), key=lambda fact: (fact.issued, fact.key))

    @property
    def comfort_only(self) -> bool:
        """Whether the goals of care leave no place for salvage."""
        if not self._people:
            return False
        goals = [goal for fact in self._newest_people() if (goal := fact.event.goals_of_care)]
        return bool(goals) and goals[-1] == "comfort-only"

    # -- what is said

    def publish(self, key: LaneKey, now: int) -> list[Revision]:
        """Compare what a lane says by `now` with what was published, and note its next due."""
        revisions, due = self._appended(key, now) or self._compared(key, now)
        journal = self.journals.get(key)
        if journal is not None and journal.standing:
            reminders, awaited = self._reminders(key, journal, now)
            revisions += reminders
            due = min((day for day in (due, awaited) if day is not None), default=None)
        if due is None:
            self.dues.pop(key, None)
        else:
            self.dues[key] = due
        return revisions

    def _appended(self, key: LaneKey, now: int) -> tuple[list[Revision], int | None] | None:
        """The revision that one new finding is, where nothing else has changed."""
        lane, journal = self.lanes.get(key), self.journals.get(key)
        setting = "" if journal is None else journal.setting
        if lane is None or self._death is not None or self._setting(key) != setting:
            return None
        sole = lane.sole_news(told=journal is not None)
        if sole is None:
            return None
        if journal is None:
            journal = self.journals[key] = Journal()
        return [journal.append(*sole, now)], None

    def _compared(self, key: LaneKey, now: int) -> tuple[list[Revision], int | None]:
        """The difference between all that is said and all that was published."""
        news = self._news(key, now)
        journal = self.journals.get(key)
        if journal is None:
            if not news.findings:
                return [], news.due
            journal = self.journals[key] = Journal()
        found = journal.update(news.findings, since=news.since, setting=self._setting(key))
        return (journal.dated(found, now) if found else found), news.due

    def _reminders(
        self, key: LaneKey, journal: Journal, now: int
    ) -> tuple[list[Revision], int | None]:
        """Suspicions whose confirming test is overdue by `now`, and when the next one will be."""
        waiting = {
            criterion: known
            for criterion, known in journal.standing.items()
            if not known.reminded and journal.steps[criterion][-1].state is State.SUSPECTED
        }
        lane = self.lanes.get(key) if waiting else None
        if lane is None or lane.closed or self._setting(key):
            return [], None  # nothing waits, the course is over, or nobody would be asked to act
        reminders, awaited = [], []
        card = self._rules[key[0]].card
        for finding in lane.findings(now)[0]:
            known = waiting.get(finding.criterion)
            if known is None or known.identity != finding.identity:
                continue
            due = settle_by(finding, card, known.told)
            if due is not None and due <= now:
                reminders.append(journal.remind(finding))
                del waiting[finding.criterion]
            elif due is not None:
                awaited.append(due)
        return reminders, min(awaited, default=None)

    def _news(self, key: LaneKey, now: int) -> News:
        """What a lane says. No alert after death: not even from old evidence known only then."""
        lane = self.lanes.get(key)
        if lane is None:
            return News([], since=(), due=None)
        if self._death is None:
            return lane.news(now)
        lane.recall()
        news = lane.news(now)
        limit = end_of(self._death.fact.day)
        return news._replace(
            findings=[
                (place, finding)
                for place, finding in news.findings
                if all(fact.known <= limit for fact, _ in finding.cited)
            ]
        )

    def _setting(self, key: LaneKey) -> str:
        """What, besides evidence, changes how an alert reads."""
        kind = self._rules[key[0]].card.kind
        return "comfort-only" if self.comfort_only and kind in CURBED_BY_COMFORT else ""

    def doubts(self) -> Iterator[tuple[LaneKey, Doubt]]:
        """All that could not be evaluated."""
        for key in sorted(self.lanes, key=order_of):
            for doubt in self.lanes[key].doubts():
                yield key, doubt

    def dump(self) -> list[dict[str, Any]]:
        """The journals, as JSON-ready values."""
        return [
            {"rule": self._rules[number].id, "course": course, **journal.dump()}
            for (number, course), journal in self.journals.items()
        ]

    def load(self, stored: Iterable[dict[str, Any]]) -> None:
        """The journals back; one of a rule that is no longer there is left out."""
        numbers = {rule.id: number for number, rule in enumerate(self._rules)}
        for item in stored:
            number = numbers.get(item["rule"])
            if number is not None:
                self.journals[number, item["course"]] = Journal.load(item)


def order_of(key: LaneKey) -> tuple[int, str]:
    """Lanes are told of by the order of their rules, then by course."""
    return key[0], key[1] or ""


def _describe(course_id: str, steps: Iterable[Fact]) -> Course:
    events = [fact.event for fact in steps]
    return Course(
        course_id,
        conditions=frozenset(event.condition for event in events),
        modalities=frozenset(event.modality for event in events),
        regimens=frozenset().union(
            *(names_of_regimen(event.regimen) for event in events if event.regimen)
        ),
        lines=frozenset(event.line for event in events if event.line is not None),
        drug_classes=frozenset(
            name.lower() for event in events for name in event.drug_classes or ()
        ),
    )
