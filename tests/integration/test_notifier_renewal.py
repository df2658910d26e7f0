"""The roster is read again when its files change; a bad one is refused, and the old one stays."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from support.notifying import TEAM_YAML, told

from services.notifier.cases.words import person
from services.notifier.inbox.access.officer import check_officer
from services.notifier.inbox.access.roles import Role
from services.notifier.inbox.access.settings import Officer
from services.notifier.service.metrics import NotifierMetrics
from services.notifier.service.process import Process
from services.notifier.service.renewal import EVERY, Renewal
from services.notifier.service.watch import Watch
from services.runtime.clock import ManualClock
from services.runtime.shutdown import Stop

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from support.inbox import Desk
    from support.notifying import Bench

    from services.notifier.store.database import Database

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
NEW = TEAM_YAML.replace("  - {id: lea}\n", "  - {id: lea}\n  - {id: nora}\n")
GONE = TEAM_YAML.replace("  - {id: lea}\n", "").replace("{always: lea}", "{always: ben}")
BAD = TEAM_YAML.replace("{always: ben}", "{always: stranger}")


@pytest.fixture
def teams(bench: Bench, tmp_path: Path) -> Path:
    """The folder that the notifier on the bench has read."""
    assert bench.house.teams.knows(person("lea"))
    return tmp_path / "teams"


def looks(renewal: Renewal, bench: Bench, count: int = 2) -> int:
    """Look so often as it is due; how often the roster became another one."""
    renewed = 0
    for _ in range(count):
        bench.now += EVERY
        renewed += renewal.look(bench.now)
    return renewed


def test_another_roster_counts_once_it_stands_still(bench: Bench, teams: Path) -> None:
    renewal = Renewal(teams, bench.house)
    assert looks(renewal, bench, 3) == 0
    (teams / "ward.yaml").write_text(NEW[: NEW.index("on_call")])
    assert looks(renewal, bench, 1) == 0, "somebody is just writing it"
    (teams / "ward.yaml").write_text(NEW)
    assert looks(renewal, bench, 1) == 0
    assert not bench.house.teams.knows(person("nora"))
    assert renewal.look(bench.now + EVERY / 2) == 0, "it is not time yet"
    assert looks(renewal, bench) == 1
    assert bench.house.teams.knows(person("nora"))
    assert bench.house.site.roster is bench.house.teams
    assert looks(renewal, bench, 3) == 0
    (teams / "site.yaml").write_text("time_zone: Europe/Berlin\npolicy: {slack: 2 d}\n")
    assert looks(renewal, bench) == 1
    assert bench.house.site.policy.slack == timedelta(days=2)


def test_a_bad_roster_is_refused_loudly_and_once_and_the_old_one_stays(
    bench: Bench, inbox: Desk, teams: Path, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = NotifierMetrics(CollectorRegistry())
    watch, renewal = Watch(bench.database, bench.house, metrics), Renewal(teams, bench.house)

    def refused() -> float | None:
        watch.look(bench.now)
        return metrics.registry.get_sample_value("salvage_notifier_roster_refused")

    browser = inbox.signed_in("anne", Role.LEAD)
    assert (refused(), "have changed, and" in browser.get("/roster").text) == (0, False)
    (teams / "ward.yaml").write_text(BAD)
    with caplog.at_level(logging.ERROR):
        assert looks(renewal, bench, 4) == 0
    (line,) = (one for one in caplog.records if one.message.startswith("roster refused"))
    assert "ward.yaml:" in line.__dict__["reason"]
    assert "expected the id of a member" in line.__dict__["reason"]
    assert bench.house.teams.knows(person("lea"))
    assert (refused(), "have changed, and" in browser.get("/roster").text) == (1, True)
    (teams / "ward.yaml").write_text(TEAM_YAML)
    assert looks(renewal, bench) == 0, "it is the one in use"
    assert (refused(), "have changed, and" in browser.get("/roster").text) == (0, False)
    teams.rename(teams.with_name("away"))
    assert looks(renewal, bench) == 0
    assert refused() == 1


def test_the_pages_know_the_new_roster_in_the_middle_of_a_session(
    bench: Bench, inbox: Desk, teams: Path
) -> None:
    bench.take(told(patient="HOSP|000007"))
    path = f"/case/{inbox.reference('HOSP|000007')}"
    lea = inbox.signed_in("lea", Role.CLINICIAN)
    assert lea.get(path).status == 200
    renewal = Renewal(teams, bench.house)
    (teams / "ward.yaml").write_text(GONE)
    assert looks(renewal, bench) == 1
    assert lea.get(path).to.startswith("/glass/")


def test_a_roster_without_whom_the_settings_name_is_refused(bench: Bench, teams: Path) -> None:
    accept = partial(check_officer, Officer(member="lea"))
    renewal = Renewal(teams, bench.house, accept)
    (teams / "ward.yaml").write_text(GONE)
    assert looks(renewal, bench) == 0
    assert "privacy.member" in bench.house.refused
    assert bench.house.teams.knows(person("lea"))


class _Hasty(ManualClock):
    """A clock on which it is time to look at every look."""

    def now(self) -> int:
        self.set(super().now() + int(EVERY / timedelta(microseconds=1)))
        return super().now()


class _Writer:
    """A feed that writes another roster, and has something to do until that counts."""

    def __init__(self, bench: Bench, file: Path) -> None:
        self._bench, self._file, self._until = bench, file, time.monotonic() + 60

    def take(self, database: Database, now: datetime) -> int:
        del database, now
        assert time.monotonic() < self._until, "the process never read it again"
        self._file.write_text(NEW)
        return int(not self._bench.house.teams.knows(person("nora")))


def test_a_process_at_work_reads_it_again(bench: Bench, teams: Path) -> None:
    clock, renewal = _Hasty(0), Renewal(teams, bench.house)
    process = Process(bench.database, bench.house, clock, Stop(), renewal=renewal)
    asyncio.run(process.run([_Writer(bench, teams / "ward.yaml")], None, once=True))
    assert bench.house.teams.knows(person("nora"))
