"""Cases for tests: a small house with people, alerts out of nothing, and a clock that travels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from schemas.alerts import AlertRevision, Severity, State
from services.notifier.cases.case import Case, Course
from services.notifier.cases.commands import Alerted, Tick
from services.notifier.cases.effects import AuditEntry, Done, Notice, Refused, RosterGap
from services.notifier.cases.policy import Policy
from services.notifier.cases.site import Routed, Site
from services.notifier.cases.step import Step, step
from services.notifier.cases.words import Channel, Duty, Party, desk, person
from services.notifier.hours.quiet import QuietHours

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.notifier.cases.commands import Input
    from services.notifier.cases.effects import Effect

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
"""A Monday, by day."""
ZURICH = ZoneInfo("Europe/Zurich")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANNE, BEN, LEA, REVIEWER = (person(name) for name in ("first", "cover", "lead", "reviewer"))
DESK = desk("desk")
COURSE = Course(patient_id="HOSP|000001", course_id="C1", condition="cml", line=1)


@dataclass(frozen=True)
class SmallHouse:
    """One team. `away` are duties that nobody has; `gone` are people who have left."""

    away: frozenset[Duty] = frozenset()
    quiet: QuietHours | None = None
    zone: ZoneInfo = ZURICH
    push: tuple[Channel, ...] = (Channel.PUSH, Channel.MESSAGE)
    gone: frozenset[Party] = frozenset()

    def route(self, course: Course) -> Routed:
        return Routed("team", f"covers {course.condition}")

    def on_duty(self, team: str, duty: Duty, at: datetime) -> Party | None:
        assert (team, at.tzinfo) == ("team", UTC)
        people = {
            Duty.TRIAGE: REVIEWER,
            Duty.OWNER: ANNE,
            Duty.COVER: BEN,
            Duty.LEAD: LEA,
        }
        found = people[duty]
        return None if duty in self.away else LEA if found in self.gone else found

    def desk(self, team: str) -> Party:
        assert team == "team"
        return DESK

    def knows(self, party: Party) -> bool:
        return party in (ANNE, BEN, LEA, REVIEWER, DESK) and party not in self.gone

    def has_team(self, name: str) -> bool:
        return name == "team"

    def channels(self, party: Party) -> tuple[Channel, ...]:
        return self.push if party.is_person else (Channel.PHONE,)

    def quiet_until(self, party: Party, at: datetime) -> datetime | None:
        return self.quiet.until(at, self.zone) if self.quiet and party.is_person else None


NIGHT = QuietHours(time(22), time(7))
HOUSE = SmallHouse()
SITE = Site(Policy(), HOUSE, b"key of the tests")


def site(**changes: Any) -> Site:
    """The site with other people or numbers: fields of `SmallHouse`, of `Policy`, or `demoted`."""
    house = {name: changes.pop(name) for name in ("away", "quiet", "zone") if name in changes}
    demoted = changes.pop("demoted", frozenset())
    return Site(Policy(**changes), replace(HOUSE, **house), SITE.key, demoted)


def alert(
    state: State = State.CONFIRMED,
    severity: Severity = Severity.URGENT,
    *,
    revision: int = 1,
    name: str = "a1",
    at: datetime = START,
    **fields: Any,
) -> Alerted:
    """A revision of an alert."""
    down = state in (State.RETRACTED, State.REFUTED, State.CLEARED)
    said = {
        "alert_id": name,
        "revision": revision,
        "digest": f"{name}-{revision}",
        "change": "withdrawn" if down else ("raised" if revision == 1 else "revised"),
        "episode": 1,
        "state": state,
        "kind": "failure",
        "severity": severity,
        "patient_id": COURSE.patient_id,
        "course_id": COURSE.course_id,
        "rule": f"RULE-{name}",
        "rule_version": "1",
        "title": "t",
        "summary": "s",
        "at": at,
        "onset": at - DAY,
        **fields,
    }
    return Alerted(revision=AlertRevision.model_validate(said), course=COURSE)


@dataclass
class World:
    """A case on a clock of its own, with everything that ever came of it."""

    site: Site = SITE
    now: datetime = START
    case: Case | None = None
    wake_at: datetime | None = None
    effects: list[Effect] = field(default_factory=list)

    def give(self, given: Input, at: datetime | None = None) -> Step:
        """An input, after everything that was due before it."""
        self.now = at or self.now
        done = step(self.case, given, self.now, self.site)
        self.case, self.wake_at = done.case, done.wake_at
        self.effects += done.effects
        return done

    def until(self, at: datetime) -> list[Effect]:
        """Let time pass, from one due instant to the next."""
        begin = len(self.effects)
        while self.wake_at is not None and self.wake_at <= at:
            self.give(Tick(), self.wake_at)
        self.give(Tick(), at)
        return self.effects[begin:]

    @property
    def open(self) -> Case:
        """The case."""
        assert self.case is not None
        return self.case

    @property
    def notices(self) -> list[Notice]:
        """Every notice so far."""
        return notices(self.effects)

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """Every notice so far, as (to, channel, cause)."""
        return [(str(one.to), str(one.channel), str(one.facts.cause)) for one in self.notices]

    @property
    def refusals(self) -> list[str]:
        """Every refusal so far."""
        return [one.why for one in self.effects if isinstance(one, Refused)]


def notices(effects: Iterable[Effect]) -> list[Notice]:
    """The notices among effects."""
    return [one for one in effects if isinstance(one, Notice)]


def actions(effects: Iterable[Effect]) -> list[str]:
    """The deeds among effects."""
    return [str(one.action.deed) for one in effects if isinstance(one, Done)]


def audit(effects: Iterable[Effect], what: str) -> list[AuditEntry]:
    """The lines of the audit trail about something."""
    return [one for one in effects if isinstance(one, AuditEntry) and one.what == what]


def gaps(effects: Iterable[Effect]) -> list[str]:
    """The duties that nobody had."""
    return [str(one.duty) for one in effects if isinstance(one, RosterGap)]
