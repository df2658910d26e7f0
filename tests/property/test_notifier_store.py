"""A case that is stored after every input lives exactly the life that the pure fold gives it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from support.case_stories import SITES, Event, Kin, Life
from support.case_walks import walk
from support.cases import COURSE
from support.notifying import Bench, premises, treatment

from services.notifier.cases.commands import Alerted, Command, Happened
from services.notifier.cases.effects import Done, Notice
from services.notifier.service.agenda import take_in
from services.notifier.service.inputs import asked, occurred, revised
from services.notifier.store import audit, standings
from services.notifier.store.database import opened
from services.notifier.store.migrating import migrate
from services.notifier.store.standings import Decided
from services.notifier.store.tables import ACTIONS, NOTICES

if TYPE_CHECKING:
    from datetime import datetime

    from support.case_stories import Deed

    from services.notifier.cases.case import Case
    from services.notifier.cases.commands import Input
    from services.notifier.cases.site import Site
    from services.notifier.cases.step import Step


@dataclass
class Told(Life):
    """A life in which each event is a version of its own, as its source would tell it."""

    told: int = 0

    def input(self, deed: Deed) -> Input:
        found = super().input(deed)
        if not isinstance(found, Happened):
            return found
        self.told += 1
        issued = self.now + timedelta(microseconds=self.told)
        event = found.event.model_copy(update={"issued_at": issued})
        return found.model_copy(update={"event": event})


class Mirror:
    """Gives a store what the fold is given, twice over, and compares what became of it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.commands = 0
        self.expected: set[str] = set()
        self.deeds: set[str] = set()

    def __call__(self, _: Case | None, given: Input, done: Step, now: datetime) -> None:
        self.bench.now = now
        match given:
            case Alerted():
                self._take(revised(given.revision), now)
            case Happened():
                self._take(occurred(given.event), now)
            case Command():
                self._ask(given, now)
            case _:
                self._work(now)
        self.expected |= {one.notice_id for one in done.effects if isinstance(one, Notice)}
        self.deeds |= {one.action.action_id for one in done.effects if isinstance(one, Done)}
        if done.case is not None:
            assert self.bench.case(COURSE.course_id or "") == done.case

    def _take(self, one: object, now: datetime) -> None:
        for _ in range(2):
            take_in(self.bench.database, [one, one], now, {})  # type: ignore[list-item]
        self._work(now)

    def _ask(self, command: Command, now: datetime) -> None:
        self.commands += 1
        key = str(self.commands)
        one = asked(COURSE.patient_id, COURSE.course_id, command, key)  # type: ignore[arg-type]
        for _ in range(2):
            self.bench.agenda.submit(one, now)

    def _work(self, now: datetime) -> None:
        while self.bench.agenda.work(now):
            pass


def _is_the_house_s(deed: Deed) -> bool:
    """Whether it comes about in the store itself: digests, and what merged records bring."""
    if isinstance(deed, Event):
        return deed.kind.endswith("merge") or deed.kind == "leave"
    return isinstance(deed, Kin) or (isinstance(deed, tuple) and deed[0] == "digest")


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=8)
@given(st.integers(0, 10_000), SITES)
def test_the_store_adds_nothing_and_forgets_nothing(seed: int, site: Site) -> None:
    story = [one for one in walk(seed) if not _is_the_house_s(one[1])]
    with tempfile.TemporaryDirectory() as folder, opened(f"{folder}/n.db") as database:
        migrate(database)
        house = replace(premises(Path(folder) / "teams"), site=site)
        mirror = Mirror(Bench(database, house))
        with database.transaction() as connection:
            for rule in sorted(site.demoted):  # the store knows it, and not the site
                said = Decided(
                    rule, interrupts=False, since=mirror.bench.now, decided_by="", why=""
                )
                standings.decide(connection, said)
        take_in(database, [treatment()], mirror.bench.now, {})
        Told(site, mirror).live(story)
        parcels = {row.notice_id for row in mirror.bench.rows(select(NOTICES.c.notice_id))}
        actions = {row.action_id for row in mirror.bench.rows(select(ACTIONS.c.action_id))}
        assert (parcels, actions) == (mirror.expected, mirror.deeds)
        with database.transaction() as connection:
            assert isinstance(audit.verify(connection), audit.Head)
