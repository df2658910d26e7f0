"""Random lives of a case: alerts that come, change and fall, people who act, and time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from schemas.actions import Disposition
from schemas.alerts import Severity, State
from schemas.events import EVENT
from services.notifier.cases.case import Case
from services.notifier.cases.commands import (
    Accept,
    Acknowledge,
    Assign,
    Decline,
    DigestSent,
    Dispose,
    Happened,
    Inherited,
    Merged,
    OfferHandOver,
    Reopen,
    Rostered,
    Snooze,
    Start,
    Tick,
    Wake,
)
from services.notifier.cases.words import Duty
from support.cases import (
    ANNE,
    BEN,
    COURSE,
    DAY,
    DESK,
    HOUR,
    LEA,
    NIGHT,
    START,
    SmallHouse,
    World,
    alert,
    site,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from services.notifier.cases.commands import Input
    from services.notifier.cases.site import Site
    from services.notifier.cases.step import Step

PEOPLE = st.sampled_from([ANNE.id, BEN.id, LEA.id])
PARTIES = st.sampled_from([ANNE, BEN, LEA, DESK])
NAMES = ("a1", "a2", "a3")
UP = st.sampled_from([State.SUSPECTED, State.CONFIRMED, State.OVERDUE, State.WINDOW, State.INFO])
DOWN = st.sampled_from([State.RETRACTED, State.RETRACTED, State.REFUTED, State.CLEARED])
DELAYS = st.sampled_from(
    [each * HOUR for each in (0, 0, 0, 1, 2, 5, 9, 26)] + [each * DAY for each in (3, 8, 33)]
)
LEFT = st.sampled_from(
    [None, *(each * HOUR for each in (-2, 0, 5, 30)), *(each * DAY for each in (4, 12, 25, 60))]
)


@dataclass(frozen=True)
class Alarm:
    """An alert says something; `left` is the time to act, from then."""

    name: str
    state: State
    severity: Severity
    left: timedelta | None
    episode: int


@dataclass(frozen=True)
class Event:
    """The record says something: a new line, a death, a merge, or that it was an error."""

    kind: str


@dataclass(frozen=True)
class Kin:
    """Another record is this patient's: its case of the course comes, answered or not."""

    rule: str
    severity: Severity
    left: timedelta | None
    by: str | None


Deed = Alarm | Event | Kin | tuple[str, object, object]
ALARMS = st.builds(
    Alarm,
    st.sampled_from(NAMES),
    st.one_of(UP, UP, DOWN),
    st.sampled_from(Severity),
    LEFT,
    st.integers(1, 2),
)
DEEDS = st.one_of(
    st.tuples(st.just("acknowledge"), PEOPLE, st.none()),
    st.tuples(st.just("start"), PEOPLE, st.none()),
    st.tuples(st.just("snooze"), PEOPLE, st.integers(1, 30)),
    st.tuples(st.just("wake"), PEOPLE, st.none()),
    st.tuples(st.just("dispose"), PEOPLE, st.sampled_from(Disposition)),
    st.tuples(st.just("assign"), PEOPLE, PARTIES),
    st.tuples(st.just("offer"), PEOPLE, PARTIES),
    st.tuples(st.just("accept"), PEOPLE, st.none()),
    st.tuples(st.just("decline"), PEOPLE, st.none()),
    st.tuples(st.just("reopen"), PEOPLE, st.none()),
    st.tuples(st.just("digest"), PARTIES, st.none()),
)
EVENTS = st.builds(
    Event,
    st.sampled_from(["line", "no-line", "death", "no-death", "merge", "no-merge", "leave"]),
)
KINS = st.builds(
    Kin,
    st.sampled_from(["RULE-a1", "RULE-k"]),
    st.sampled_from(Severity),
    LEFT,
    st.one_of(st.none(), PEOPLE),
)
OFFERS = st.builds(
    lambda by, to, answer: [("offer", by, to), (answer, to.id if to.is_person else by, None)],
    PEOPLE,
    PARTIES,
    st.sampled_from(["accept", "decline", "wake"]),
)
SCENES: st.SearchStrategy[list[Deed]] = st.one_of(
    ALARMS.map(lambda one: [one]),
    DEEDS.map(lambda one: [one]),
    DEEDS.map(lambda one: [one]),
    EVENTS.map(lambda one: [one]),
    KINS.map(lambda one: [one]),
    OFFERS,
)
OPENINGS = st.builds(
    lambda state, severity, left: Alarm("a1", state, severity, left, 1),
    UP,
    st.sampled_from(Severity),
    LEFT,
)


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[timedelta, Deed]]:
    """A life: an alert first, then whatever comes, each after some time or none."""
    deeds: list[Deed] = [draw(OPENINGS)]
    for scene in draw(st.lists(SCENES, max_size=14)):
        deeds += scene
    return [(draw(DELAYS), deed) for deed in deeds]


STORIES = stories()
SITES = st.builds(
    lambda quiet, triage, away, demoted: site(
        quiet=quiet, triage=triage, away=away, demoted=demoted
    ),
    st.sampled_from([None, NIGHT]),
    st.sampled_from([None, 2 * HOUR]),
    st.sets(st.sampled_from([Duty.OWNER, Duty.COVER, Duty.LEAD, Duty.TRIAGE])).map(frozenset),
    st.sampled_from([frozenset(), frozenset({"RULE-a1"})]),
)

_COMMANDS: dict[str, Callable[[str, object, datetime], Input]] = {
    "acknowledge": lambda by, _, __: Acknowledge(by=by),
    "start": lambda by, _, __: Start(by=by),
    "snooze": lambda by, days, now: Snooze(by=by, until=now + int(str(days)) * DAY),
    "wake": lambda by, _, __: Wake(by=by),
    "dispose": lambda by, code, _: Dispose(by=by, disposition=Disposition(str(code))),
    "assign": lambda by, to, _: Assign.model_validate({"by": by, "to": to}),
    "offer": lambda by, to, _: OfferHandOver.model_validate({"by": by, "to": to}),
    "accept": lambda by, _, __: Accept(by=by),
    "decline": lambda by, _, __: Decline(by=by),
    "reopen": lambda by, _, __: Reopen(by=by),
}


@dataclass
class Life:
    """A story as it is lived; `watch` sees every single step."""

    site: Site
    watch: Callable[[Case | None, Input, Step, datetime], None] = lambda *_: None
    restarts: bool = False
    nervous: bool = False
    lazy: bool = False
    now: datetime = START
    case: Case | None = None
    effects: list[object] = field(default_factory=list)
    _wake: datetime | None = None
    _revisions: dict[str, int] = field(default_factory=dict)
    _kin: int = 0

    def live(self, story: list[tuple[timedelta, Deed]], after: timedelta = 35 * DAY) -> Life:
        """All of it, and some time after."""
        for delay, deed in story:
            self.wait(self.now + delay)
            self.give(self.input(deed))
        self.wait(self.now + after)
        return self

    def wait(self, until: datetime) -> None:
        """Let time pass; a lazy life notices only at the end, a nervous one looks all the time."""
        for _ in range(10_000):
            if self._wake is None or self._wake > until or self.lazy:
                break
            if self.nervous and self._wake > self.now:
                self.give(Tick(), self.now + (self._wake - self.now) / 2)
            self.give(Tick(), self._wake)
        else:
            raise AssertionError("time passes, and the case doesn't come to rest")
        if self.lazy or self.nervous:
            self.give(Tick(), until)
        self.now = until

    def give(self, given: Input, at: datetime | None = None) -> None:
        """One input."""
        self.now = at or self.now
        if self.restarts and self.case is not None:
            self.case = Case.model_validate_json(self.case.model_dump_json())
        world = World(self.site, self.now, self.case)
        done = world.give(given)
        self.watch(self.case, given, done, self.now)
        self.case, self._wake = done.case, done.wake_at
        self.effects += done.effects

    def input(self, deed: Deed) -> Input:
        """What the fold is given for a deed."""
        match deed:
            case Alarm():
                return self._alarm(deed)
            case Event(kind="merge" | "no-merge"):
                return Merged(into="HOSP|000009" if deed.kind == "merge" else None)
            case Event(kind="leave"):
                return self._left()
            case Event():
                return _event(deed, self.now)
            case Kin():
                return self._inherited(deed)
            case ("digest", to, _):
                return DigestSent.model_validate({"to": to})
            case (name, by, what):
                return _COMMANDS[name](str(by), what, self.now)

    def _left(self) -> Input:
        """Whoever has the case now is in no roster any more."""
        owner = self.case.owner if self.case is not None else BEN
        house = self.site.roster
        if owner.is_person and owner != LEA and isinstance(house, SmallHouse):
            self.site = replace(self.site, roster=replace(house, gone=frozenset({owner})))
        return Rostered()

    def _inherited(self, deed: Kin) -> Input:
        """The case of a record that nobody has spoken of before."""
        self._kin += 1
        course = COURSE.model_copy(update={"patient_id": f"HOSP|9{self._kin}"})
        fields: dict[str, Any] = {} if deed.left is None else {"act_by": self.now + deed.left}
        raised = alert(
            State.CONFIRMED,
            deed.severity,
            name=f"k{self._kin}",
            at=self.now,
            patient_id=course.patient_id,
            rule=deed.rule,
            **fields,
        )
        other = World(self.site, self.now)
        other.give(raised.model_copy(update={"course": course}))
        if deed.by is not None:
            other.give(Acknowledge(by=deed.by))
        return Inherited(case=other.open, course=COURSE)

    def _alarm(self, deed: Alarm) -> Input:
        number = self._revisions.get(deed.name, 0) + 1
        self._revisions[deed.name] = number
        fields = {} if deed.left is None else {"act_by": self.now + deed.left}
        return alert(
            deed.state,
            deed.severity,
            revision=number,
            name=deed.name,
            at=self.now,
            episode=deed.episode,
            **fields,
        )


def _event(deed: Event, now: datetime) -> Input:
    common: dict[str, object] = {
        "patient_id": COURSE.patient_id,
        "source": "EHR",
        "effective_at": now,
    }
    status = "entered-in-error" if deed.kind.startswith("no-") else "final"
    if deed.kind.endswith("line"):
        said: dict[str, object] = {
            "type": "treatment",
            "event_id": "t2",
            "course_id": "C2",
            "condition": "cml",
        }
        said |= {"modality": "targeted", "line": 2, "phase": "started"}
    else:
        said = {"type": "patient", "event_id": "p1", "deceased_at": now}
    event = EVENT.validate_python({**said, **common, "status": status})
    return Happened(event=event)
