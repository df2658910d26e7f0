"""Feedback on a real store: answers demote a rule, loudly; and the way of each alert is timed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import select, text
from support.cases import DAY, HOUR, START
from support.notifying import COURSE_ID, PATIENT, Bench, premises, told, treatment

from schemas.actions import Disposition
from schemas.alerts import Severity
from services.cli import main
from services.notifier.cases.commands import Acknowledge, Dispose, Reopen
from services.notifier.channels.contract import Kind
from services.notifier.service.feedback import judge_rules, reinstate
from services.notifier.service.inputs import asked
from services.notifier.store import deeds, standings, timings
from services.notifier.store.database import opened
from services.notifier.store.migrating import config_of, migrate
from services.notifier.store.tables import AUDIT
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

    from support.postgresql import Server

    from schemas.alerts import AlertRevision
    from services.notifier.cases.commands import AnyCommand
    from services.notifier.store.intake import Given

RULE = "RULE-a1"
MINUTE = timedelta(minutes=1)


def answered(bench: Bench, given: AnyCommand, patient: str = PATIENT, course: str = "") -> None:
    """Somebody answers."""
    key = f"{given.by}-{patient}-{bench.now.isoformat()}-{type(given).__name__}"
    bench.take(asked(patient, course or None, given, key))


def disposed(bench: Bench, code: Disposition, patients: range) -> None:
    """So many alerts of the rule, all closed with a code."""
    given: list[AlertRevision | Given] = []
    for number in patients:
        patient = f"HOSP|1{number:05}"
        given.append(told(name="a1", patient=patient, alert_id=f"x{number}"))
        answer = Dispose(by="anne", disposition=code)
        given.append(asked(patient, None, answer, f"{patient}-{bench.now.isoformat()}"))
    bench.take(*given)


def demoted(bench: Bench) -> frozenset[str]:
    with bench.database.transaction() as connection:
        return standings.demoted(connection)


def test_thirty_answers_demote_a_rule_in_the_log_and_in_the_audit_trail(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    disposed(bench, Disposition.TREATMENT_CHANGED, range(14))
    disposed(bench, Disposition.RULE_WRONG, range(14, 29))
    assert judge_rules(bench.database, bench.now) == 0
    disposed(bench, Disposition.RULE_WRONG, range(29, 30))
    assert judge_rules(bench.database, bench.now) == 1
    assert judge_rules(bench.database, bench.now) == 0, "said once"
    assert demoted(bench) == {RULE}
    (record,) = [one for one in caplog.records if one.msg == "rule demoted"]
    assert (record.levelname, vars(record)["rule"]) == ("ERROR", RULE)
    lines = [json.loads(row.body) for row in bench.rows(select(AUDIT.c.body))]
    (line,) = [one for one in lines if one["what"] == "demoted"]
    assert (line["rule"], line["by"]) == (RULE, "system")
    assert line["why"].startswith("14 of the last 30 were right (95 % interval")


def test_what_was_answered_of_a_case_that_was_closed_in_error_counts_no_more(
    bench: Bench,
) -> None:
    disposed(bench, Disposition.RULE_WRONG, range(30))
    bench.now += HOUR
    answered(bench, Reopen(by="anne"), "HOSP|100007")
    with bench.database.transaction() as connection:
        assert deeds.dispositions(connection) == {RULE: {Disposition.RULE_WRONG: 29}}
    assert judge_rules(bench.database, bench.now) == 0
    answered(bench, Dispose(by="anne", disposition=Disposition.RULE_WRONG), "HOSP|100007")
    assert judge_rules(bench.database, bench.now) == 1


def test_what_a_demoted_rule_says_begins_with_a_digest_and_is_escalated_in_time(
    bench: Bench,
) -> None:
    disposed(bench, Disposition.NOT_CLINICALLY_RELEVANT, range(30))
    judge_rules(bench.database, bench.now)
    bench.settle()
    for name in ("bell", "mail"):
        bench.got(name).clear()
    due = START + 20 * DAY
    bench.take(told(severity=Severity.URGENT, name="a1", act_by=due, at=bench.now))
    bench.settle()
    assert bench.got("bell") == bench.got("mail") == []
    assert bench.case().in_digest
    lines = [json.loads(row.body) for row in bench.rows(select(AUDIT.c.body))]
    assert [one["what"] for one in lines].count("digest-first") == 1
    bench.pass_time(DAY, stride=2 * HOUR)
    assert [one.kind for one in bench.got("mail")] == [Kind.DIGEST]
    bench.pass_time(18 * DAY, stride=12 * HOUR)
    assert len(bench.got("phone")) >= 1, "nobody answered, so the desk is called before the day"


def test_critical_alerts_of_a_demoted_rule_interrupt_as_before(bench: Bench) -> None:
    disposed(bench, Disposition.RULE_WRONG, range(30))
    judge_rules(bench.database, bench.now)
    bench.settle()
    bench.got("bell").clear()
    bench.take(told(severity=Severity.CRITICAL, name="a1"))
    bench.settle()
    assert len(bench.got("bell")) == 1


def test_a_person_gives_it_back_and_old_answers_count_no_more(bench: Bench) -> None:
    with pytest.raises(OperatorError, match="--rule"):
        reinstate(bench.database, RULE, "lea", "threshold corrected", bench.now)
    disposed(bench, Disposition.RULE_WRONG, range(30))
    judge_rules(bench.database, bench.now)
    bench.now += HOUR
    reinstate(bench.database, RULE, "lea", "threshold corrected", bench.now)
    assert demoted(bench) == frozenset()
    disposed(bench, Disposition.RULE_WRONG, range(30, 59))
    assert judge_rules(bench.database, bench.now) == 0
    disposed(bench, Disposition.RULE_WRONG, range(59, 60))
    assert judge_rules(bench.database, bench.now) == 1


def test_the_way_of_an_alert_is_timed_from_its_evidence_to_salvage(bench: Bench) -> None:
    bench.take(treatment(), told(course=COURSE_ID, onset=START - DAY))
    bench.settle()
    bench.now += 20 * MINUTE
    answered(bench, Acknowledge(by="mia"), course=COURSE_ID)
    bench.now += HOUR
    answered(bench, Acknowledge(by="anne"), course=COURSE_ID)
    bench.now += HOUR
    given = Dispose(by="anne", disposition=Disposition.SALVAGE_REFERRED)
    answered(bench, given, course=COURSE_ID)
    bench.now += DAY
    bench.take(treatment("t2", course="C2", line=2, at=bench.now))
    with bench.database.transaction() as connection:
        ((rule, marks),) = timings.marks(connection)
    assert rule == RULE
    assert (marks.evidence, marks.alerted, marks.noticed) == (START - DAY, START, START)
    assert marks.acknowledged == START + 20 * MINUTE, "the first answer"
    assert marks.disposed == START + 20 * MINUTE + 2 * HOUR
    assert marks.salvage == bench.now


def test_an_alert_that_nobody_was_told_of_has_no_notice(bench: Bench) -> None:
    bench.take(told(severity=Severity.ADVISORY))
    with bench.database.transaction() as connection:
        ((_, marks),) = timings.marks(connection)
    assert (marks.noticed, marks.acknowledged) == (None, None)
    bench.pass_time(DAY, stride=2 * HOUR)
    with bench.database.transaction() as connection:
        ((_, marks),) = timings.marks(connection)
    assert marks.noticed is not None, "the digest told it"


def test_people_see_how_the_rules_do_and_may_reinstate_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "notifier.db")
    with opened(file) as database:
        migrate(database)
        bench = Bench(database, premises(tmp_path / "teams"))
        disposed(bench, Disposition.RULE_WRONG, range(24))
        disposed(bench, Disposition.TREATMENT_CHANGED, range(24, 30))
        judge_rules(database, bench.now)
    where = ["--database", file]
    assert main(["notify", "performance", *where]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(RULE)]
    assert "6/30 = 0.2000 (0.0951 to 0.3731)  NO" in row
    assert "1 d (30)" in row, "from evidence to alert"
    assert main(["notify", "performance", *where, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["alerts"], found["dispositions"]["false"]) == (30, 24)
    assert found["median_seconds"]["evidence_to_alert"] == {"of": 30, "seconds": 86_400}
    assert main(["notify", "status", *where]) == 0
    assert [one["rule"] for one in json.loads(capsys.readouterr().out)["demoted"]] == [RULE]
    words = ["--rule", RULE, "--by", "lea", "--why", "threshold corrected"]
    assert main(["notify", "reinstate", *where, *words]) == 0
    assert main(["notify", "reinstate", *where, *words]) == 2
    assert "it was not demoted" in capsys.readouterr().err
    assert main(["notify", "status", *where]) == 0
    assert json.loads(capsys.readouterr().out)["demoted"] == []


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_what_an_earlier_release_kept_counts(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = str(tmp_path / "old.db")
    if engine == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        where = server.create()
    insert = "INSERT INTO actions (action_id, case_id, at, body) VALUES (:id, 'c', 0, :body)"
    with opened(where) as old:
        with old.transaction() as connection:
            command.upgrade(config_of(connection), "0001")
            for number, code in enumerate((None, "rule_wrong", "treatment_changed")):
                body = {"rule": RULE} | ({"disposition": code} if code else {})
                row = {"id": f"x{number}", "body": json.dumps(body)}
                connection.execute(text(insert), row)
        migrate(old)
        with old.transaction() as connection:
            found = deeds.judged(connection, RULE, 30)
    assert found == [Disposition.RULE_WRONG, Disposition.TREATMENT_CHANGED]
