"""A notifier on a bench: a small house, channels that do as they are told, a clock that travels."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from schemas.alerts import AlertRevision, Severity, State
from schemas.events import EVENT
from services.notifier.cases.site import Site
from services.notifier.cases.words import Channel as Strength
from services.notifier.channels.contract import Message, Outcome, delivered
from services.notifier.roster.loading import load_house
from services.notifier.service.agenda import Agenda, take_in
from services.notifier.service.delivery import Delivery, Done
from services.notifier.service.digesting import send_digest
from services.notifier.service.inputs import occurred, revised
from services.notifier.service.observing import Nobody
from services.notifier.service.premises import Premises
from services.notifier.service.process import sent
from services.notifier.service.shifts import change_shifts
from services.notifier.store import shelf
from support.cases import START, alert

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from services.notifier.cases.case import Case
    from services.notifier.research.settings import Sharing
    from services.notifier.service.observing import Observer
    from services.notifier.store.database import Database
    from services.notifier.store.intake import Given

PATIENT, COURSE_ID = "HOSP|000001", "C1"
SITE_YAML = "time_zone: Europe/Zurich\n"
TEAM_YAML = """\
team: ward
time_zone: Europe/Zurich
default: true
desk: {id: ward-desk, phones: ["+41 00 000 00 01", "+41 00 000 00 02"]}
members:
  - {id: anne, reach: {message: anne@ward.example, push: anne-push}}
  - {id: ben, reach: {message: ben@ward.example}}
  - {id: lea}
on_call:
  owner: {always: anne}
  cover: {always: ben}
  lead: {always: lea}
"""
TEAM_ENDS = """\
team: other
time_zone: Europe/Zurich
covers: {conditions: [cml], care_teams: [HAEM]}
desk: {id: other-desk, phones: ["+41 00 000 00 03"]}
members: [{id: mia, channels: [message]}]
on_call:
  owner: {always: mia}
"""


@dataclass
class Scripted:
    """A channel that records what it was given, and answers what it was told to."""

    name: str
    strengths: frozenset[Strength]
    timeout: timedelta = timedelta(seconds=5)
    got: list[Message] = field(default_factory=list)
    answers: list[Outcome | Exception] = field(default_factory=list)
    always: Outcome = field(default_factory=delivered)

    async def open(self) -> None:
        """Nothing to get ready."""

    async def send(self, message: Message) -> Outcome:
        self.got.append(message)
        answer = self.answers.pop(0) if self.answers else self.always
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        """Nothing to let go of."""


def site_folder(folder: Path, ward: str = TEAM_YAML) -> Path:
    """A site's folder of teams: `ward`, which is the default, and `other`, which covers CML."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site.yaml").write_text(SITE_YAML)
    (folder / "ward.yaml").write_text(ward)
    (folder / "other.yaml").write_text(TEAM_ENDS)
    return folder


def channels() -> tuple[Scripted, ...]:
    """One channel for each class."""
    return (
        Scripted("mail", frozenset({Strength.MESSAGE, Strength.DIGEST})),
        Scripted("bell", frozenset({Strength.PUSH})),
        Scripted("phone", frozenset({Strength.PHONE})),
    )


def premises(
    folder: Path,
    *extra: Scripted,
    ward: str = TEAM_YAML,
    observer: Observer | None = None,
    sharing: Sharing | None = None,
) -> Premises:
    """The surroundings of a notifier."""
    house = load_house(site_folder(folder, ward))
    return Premises(
        site=Site(house.policy, house.teams, b"key of the tests"),
        teams=house.teams,
        channels=(*channels(), *extra),
        links="https://inbox.example/c/",
        worker="one",
        sharing=sharing,
        observer=observer or Nobody(),
    )


def told(
    state: State = State.CONFIRMED,
    severity: Severity = Severity.CRITICAL,
    *,
    name: str = "a1",
    revision: int = 1,
    patient: str = PATIENT,
    course: str | None = None,
    **fields: Any,
) -> AlertRevision:
    """A revision of an alert."""
    fields = {"patient_id": patient, "course_id": course, **fields}
    return alert(state, severity, name=name, revision=revision, **fields).revision


def treatment(
    event_id: str = "t1",
    *,
    phase: str = "started",
    line: int = 1,
    course: str = COURSE_ID,
    at: datetime = START,
    **fields: Any,
) -> Given:
    """A treatment event of the patient."""
    said = {
        "type": "treatment",
        "event_id": event_id,
        "patient_id": PATIENT,
        "source": "test",
        "effective_at": at.isoformat(),
        "issued_at": at.isoformat(),
        "status": "final",
        "course_id": course,
        "condition": "cml",
        "modality": "targeted",
        "line": line,
        "phase": phase,
        **fields,
    }
    return occurred(EVENT.validate_python(said))


@dataclass
class Bench:
    """A notifier whose loops are turned by hand."""

    database: Database
    house: Premises
    now: datetime = START

    @property
    def agenda(self) -> Agenda:
        return Agenda(self.database, self.house)

    @property
    def delivery(self) -> Delivery:
        return Delivery(self.database, self.house)

    def channel(self, name: str) -> Scripted:
        found = self.house.channel(name)
        assert isinstance(found, Scripted)
        return found

    def got(self, name: str) -> list[Message]:
        return self.channel(name).got

    def take(self, *given: Given | AlertRevision) -> None:
        """Take something in, and work until nothing is due."""
        one = [revised(each) if isinstance(each, AlertRevision) else each for each in given]
        take_in(self.database, one, self.now, {})
        self.work()

    def work(self) -> None:
        while self.agenda.work(self.now):
            pass
        while send_digest(self.database, self.house, self.now):
            pass
        if change_shifts(self.database, self.house.teams, self.now):
            self.work()

    def send(self, most: int = 1) -> int:
        """One round of the outbox; how many messages left."""
        free = {one.name: most for one in self.house.channels}
        ready = self.delivery.turn([], self.now, free)
        if ready:
            self.delivery.turn(asyncio.run(_all_sent(ready)), self.now, {})
        return len(ready)

    def settle(self) -> None:
        """Work and send until nothing is due."""
        self.work()
        while self.send():
            self.work()

    def pass_time(self, span: timedelta, stride: timedelta = timedelta(minutes=30)) -> None:
        """Let time go by, looking in at every stride."""
        self.settle()
        end = self.now + span
        while self.now < end:
            self.now = min(end, self.now + stride)
            self.settle()

    def case(self, course: str = "", patient: str = PATIENT) -> Case:
        with self.database.transaction() as connection:
            found = shelf.case_of(connection, patient, course)
        assert found is not None
        return found

    def rows(self, query: Any) -> list[Any]:
        with self.database.transaction() as connection:
            return list(connection.execute(query).all())

    def beside(self, worker: str) -> Bench:
        """Another notifier on the same database."""
        return Bench(self.database, replace(self.house, worker=worker), self.now)


async def _all_sent(ready: Iterable[Any]) -> list[Done]:
    found = list(ready)
    outcomes = await asyncio.gather(*(sent(one) for one in found))
    return [Done(one, outcome) for one, outcome in zip(found, outcomes, strict=True)]
