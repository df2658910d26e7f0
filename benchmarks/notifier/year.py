"""The year itself: cases, people who answer or don't, digests, throttles, one clock for all."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Final

from benchmarks.notifier.alerts import year_of
from schemas.actions import Disposition
from services.notifier.cases.commands import Acknowledge, DigestSent, Dispose, Tick
from services.notifier.cases.effects import AuditEntry, Notice, RosterGap
from services.notifier.cases.step import step
from services.notifier.cases.words import Cause, Channel, person
from services.notifier.delivery.digest import compose, digest_due
from services.notifier.delivery.throttle import admit

if TYPE_CHECKING:
    from random import Random

    from services.notifier.cases.case import Case
    from services.notifier.cases.commands import Input
    from services.notifier.cases.site import Site
    from services.notifier.cases.words import Party
    from services.notifier.roster.teams import Teams

BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
DAYS: Final = 365
ANSWERS: Final = 0.8
"""The share of notices that their recipient answers; the others are left to the ladder (E)."""
_STALE: Final = timedelta(days=1)


@dataclass(slots=True)
class Year:
    """What happens, and what came of it.

    Attributes:
        interruptions: of each person on each day, bundles counted once.
        sent: notices by cause.
        late: cases that passed their date by which to act.
        steps: how often the fold was asked.
    """

    site: Site
    teams: Teams
    rng: Random
    now: datetime = BEGIN
    cases: dict[int, Case] = field(default_factory=dict)
    interruptions: Counter[tuple[str, date]] = field(default_factory=Counter)
    sent: Counter[Cause] = field(default_factory=Counter)
    repeats: int = 0
    bundled: int = 0
    digests: int = 0
    gaps: int = 0
    late: int = 0
    steps: int = 0
    _queue: list[tuple[datetime, int, int, Input]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)
    _history: dict[tuple[Party, Channel], list[datetime]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def live(self, patients: int) -> Year:
        """All of it, day by day, with a digest for each person once a day."""
        for number in range(patients):
            for planned in year_of(number, BEGIN, self.rng):
                self._plan(planned.at, number, planned.given)
        due = {one: digest_due(one, self.teams, BEGIN) for one in self.people()}
        end = BEGIN + timedelta(days=DAYS)
        while min(due.values()) < end:
            to = min(due, key=due.__getitem__)
            self._until(due[to])
            self._digest(to)
            due[to] = digest_due(to, self.teams, due[to])
        self._until(end)
        return self

    def people(self) -> list[Party]:
        """Everybody who can be told."""
        return [person(one.id) for team in self.teams.teams for one in team.members]

    def _until(self, end: datetime) -> None:
        while self._queue and self._queue[0][0] < end:
            self.now, _, number, given = heapq.heappop(self._queue)
            self._give(number, given)
        self.now = end

    def _give(self, number: int, given: Input) -> None:
        done = step(self.cases.get(number), given, self.now, self.site)
        self.steps += 1
        if done.case is not None:
            self.cases[number] = done.case
        for effect in done.effects:
            match effect:
                case Notice():
                    self._send(number, effect)
                case RosterGap():
                    self.gaps += 1
                case AuditEntry(what="deadline"):
                    self.late += 1
                case _:
                    pass
        if done.wake_at is not None:
            self._plan(done.wake_at, number, Tick())

    def _send(self, number: int, notice: Notice) -> None:
        """A notice leaves, at once or with others; whoever gets it may answer."""
        self.sent[notice.facts.cause] += 1
        self.repeats += notice.facts.cause in (Cause.EXPIRED, Cause.UNANSWERED)
        history = self._history[notice.to, notice.channel]
        history[:] = [at for at in history if at > self.now - _STALE]
        verdict = admit(notice, [at for at in history if at <= self.now], self.now)
        if verdict.now(self.now) or verdict.send_at not in history:
            history.append(verdict.send_at)
            if notice.to.is_person:
                zone = self.teams.zone_of(notice.to)
                day = verdict.send_at.astimezone(zone).date()
                self.interruptions[notice.to.id, day] += 1
        else:
            self.bundled += 1
        self._answer(number, notice.to, verdict.send_at)

    def _digest(self, to: Party) -> None:
        found = compose(to, self.cases.values(), self.now, self.site)
        if found is None:
            return
        self.digests += 1
        listed = set(found.cases)
        for number, case in list(self.cases.items()):
            if case.case_id in listed:
                self._give(number, DigestSent(to=to))
                self._answer(number, to, self.now)

    def _answer(self, number: int, to: Party, at: datetime) -> None:
        """Look, some hours later; decide, within days (E). A desk finds the team's lead."""
        if to.is_person and self.rng.random() > ANSWERS:
            return
        by = to.id if to.is_person else self._lead(number)
        seen = at + timedelta(minutes=self.rng.randrange(5, 8 * 60))
        self._plan(seen, number, Acknowledge(by=by))
        code = self.rng.choice(list(Disposition))
        decided = seen + timedelta(minutes=self.rng.randrange(10, 3 * 24 * 60))
        self._plan(decided, number, Dispose(by=by, disposition=code))

    def _lead(self, number: int) -> str:
        team = self.teams.by_name[self.cases[number].team]
        return next(one.id for one in team.members if one.id.endswith("lead"))

    def _plan(self, at: datetime, number: int, given: Input) -> None:
        heapq.heappush(self._queue, (at, next(self._order), number, given))
