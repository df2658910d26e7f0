"""What operations watch of the notifier: counted, looked up, bounded, and nobody's secret."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import update
from support.cases import DAY, START
from support.notifying import PATIENT, TEAM_YAML, Bench, channels, premises, told

from schemas.actions import Disposition
from schemas.alerts import Severity, State
from services.notifier.cases.commands import Acknowledge, Dispose
from services.notifier.channels.contract import permanent, temporary
from services.notifier.service.inputs import asked
from services.notifier.service.metrics import NotifierMetrics
from services.notifier.service.watch import BLIND, Watch
from services.notifier.store.tables import NOTICES, STANDINGS

if TYPE_CHECKING:
    from pathlib import Path

    from services.notifier.store.database import Database

MINUTE = timedelta(minutes=1)
NAMES = ("mail", "bell", "phone")


class Watched(Bench):
    """A bench whose work is counted."""

    def __init__(self, database: Database, folder: Path, ward: str = TEAM_YAML) -> None:
        self.metrics = NotifierMetrics(CollectorRegistry(), channels())
        super().__init__(database, premises(folder, ward=ward, observer=self.metrics))
        self.watch = Watch(database, self.house, self.metrics)

    def value(self, name: str, **labels: str) -> float | None:
        """A sample, as it is after a look."""
        self.watch.look(self.now)
        return self.metrics.registry.get_sample_value(f"salvage_notifier_{name}", labels)

    def series(self) -> int:
        self.watch.look(self.now)
        return sum(len(list(family.samples)) for family in self.metrics.registry.collect())


@pytest.fixture
def watched(database: Database, tmp_path: Path) -> Watched:
    return Watched(database, tmp_path / "teams")


def test_attempts_are_counted_by_what_became_of_them(watched: Watched) -> None:
    labels = {"channel": "bell", "to": "people", "kind": "alert"}
    assert watched.value("deliveries_total", **labels, outcome="unknown") == 0
    watched.channel("bell").answers = [temporary("busy")]
    watched.take(told())
    watched.settle()
    watched.now += 10 * MINUTE
    watched.settle()
    assert watched.value("deliveries_total", **labels, outcome="temporary") == 1
    assert watched.value("deliveries_total", **labels, outcome="delivered") == 1
    assert watched.value("delivery_seconds_sum", channel="bell") == 600


def test_what_need_not_leave_or_has_no_way_is_counted(watched: Watched) -> None:
    watched.take(told())
    answer = Dispose(by="anne", disposition=Disposition.DECEASED)
    watched.take(asked(PATIENT, None, answer, "d"))
    watched.settle()
    assert watched.value("suppressed_total", why="closed") == 1
    for name in NAMES:
        watched.channel(name).always = permanent("gone")
    watched.take(told(name="a2", patient="HOSP|2"))
    watched.settle()
    assert (watched.value("undeliverable_total") or 0) > 0


def test_the_one_critical_number_is_there_before_it_is_not_zero(watched: Watched) -> None:
    assert watched.value("cases_overdue", severity="critical") == 0
    watched.take(told(at=START))
    watched.now += 6 * MINUTE
    assert watched.value("cases", state="assigned", severity="critical") == 1
    watched.now += 2 * DAY
    assert watched.value("cases_overdue", severity="critical") == 1, "also while nobody works"
    watched.settle()
    watched.now += MINUTE
    assert watched.value("cases", state="overdue", severity="critical") == 1
    assert watched.value("cases_overdue", severity="critical") == 1


def test_what_waits_in_the_outbox_is_told_with_its_age(watched: Watched) -> None:
    assert watched.value("outbox_rows", channel="bell") == 0
    assert watched.value("outbox_oldest_timestamp_seconds", channel="bell") is None
    watched.take(told())
    watched.now += MINUTE
    assert watched.value("outbox_rows", channel="bell") == 1
    assert watched.value("outbox_oldest_timestamp_seconds", channel="bell") == START.timestamp()
    with watched.database.transaction() as connection:
        connection.execute(update(NOTICES).values(channel=None))
    watched.now += MINUTE
    assert watched.value("outbox_rows", channel="none") == 1
    watched.settle()
    watched.now += MINUTE
    assert watched.value("outbox_rows", channel="none") == 0


def test_what_became_of_alerts_is_told_by_rule(watched: Watched) -> None:
    watched.take(told())
    watched.settle()
    watched.now += 5 * MINUTE
    watched.take(asked(PATIENT, None, Acknowledge(by="anne"), "k"))
    watched.now += MINUTE
    answer = Dispose(by="anne", disposition=Disposition.RULE_WRONG)
    watched.take(asked(PATIENT, None, answer, "d"))
    assert watched.value("dispositions_total", rule="RULE-a1", counts="false") == 1
    assert watched.value("dispositions_total", rule="RULE-a1", counts="true") == 0
    labels = {"rule": "RULE-a1", "stage": "notice-answer"}
    assert watched.value("stages_total", **labels) == 1
    assert watched.value("stage_seconds_total", **labels) == 300
    days = watched.value("stage_seconds_total", rule="RULE-a1", stage="evidence-alert")
    assert days == 86_400


def test_a_demoted_rule_is_named(watched: Watched) -> None:
    row = {"rule": "R", "interrupts": False, "since": START, "decided_by": "system", "why": "x"}
    with watched.database.transaction() as connection:
        connection.execute(STANDINGS.insert().values(row))
    assert watched.value("rule_demoted", rule="R") == 1


def test_hours_that_nobody_covers_are_told_ahead(database: Database, tmp_path: Path) -> None:
    weekdays = "{weekly: [{member: anne, days: mon-fri, from: '00:00', to: '00:00'}]}"
    ward = TEAM_YAML.replace("owner: {always: anne}", f"owner: {weekdays}")
    watched = Watched(database, tmp_path / "teams", ward)
    saturday = START.replace(day=6, hour=23)  # midnight in Zurich
    found = watched.value("roster_gap_timestamp_seconds", team="ward")
    assert found == saturday.timestamp()
    assert watched.value("roster_gap_timestamp_seconds", team="other") is None


def test_it_is_ready_while_the_store_answers(watched: Watched) -> None:
    assert watched.watch.problem(watched.now) == "it has not begun yet"
    watched.watch.look(watched.now)
    assert watched.watch.problem(watched.now + BLIND) is None
    late = watched.now + BLIND + MINUTE
    assert watched.watch.problem(late) == "the store has not been readable for half a minute"


def test_no_label_is_a_patient_and_their_number_makes_no_series(watched: Watched) -> None:
    watched.take(told(patient="HOSP|SENTINEL"), told(State.SUSPECTED, Severity.ADVISORY, name="z"))
    watched.settle()
    before = watched.series()
    given = [told(patient=f"HOSP|SENTINEL{number}", alert_id=f"s{number}") for number in range(9)]
    watched.take(*given)
    watched.settle()
    watched.now += MINUTE
    assert watched.series() == before
    page = generate_latest(watched.metrics.registry).decode()
    assert 'rule="RULE-a1"' in page
    assert "SENTINEL" not in page
