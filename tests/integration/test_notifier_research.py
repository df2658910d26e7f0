"""The research feed from the store to where it is read, and back to the care team."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from support.merging import NEW, merge
from support.notifying import COURSE_ID, Bench, premises, site_folder, told, treatment

from schemas.alerts import State
from schemas.research import ResearchNotice, Stage
from services.cli import main
from services.notifier.research.settings import Sharing
from services.notifier.service.beginning import withdraw_unshared
from services.notifier.service.inputs import INCOMING, Occurred
from services.notifier.service.publishing import publish_research
from services.notifier.store.database import opened
from services.notifier.store.tables import AUDIT, RESEARCH
from services.runtime.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.notifier.store.database import Database

SHARING = Sharing(frozenset({"RULE-a1"}), frozenset({"cml"}), 182, b"k" * 32)


@pytest.fixture
def bench(database: Database, tmp_path: Path) -> Bench:
    return Bench(database, premises(tmp_path / "teams", sharing=SHARING))


def published(bench: Bench) -> list[ResearchNotice]:
    """What is told to research now."""
    found: list[ResearchNotice] = []
    publish_research(bench.database, found.extend, bench.now)
    return found


def test_a_finding_and_its_end_are_told_once(bench: Bench) -> None:
    bench.take(treatment(), told(course=COURSE_ID))
    (first,) = published(bench)
    assert (first.stage, first.condition, first.line) == (Stage.CONFIRMED, "cml", "1")
    bench.take(told(course=COURSE_ID))
    assert published(bench) == []
    bench.take(told(State.RETRACTED, course=COURSE_ID, revision=2))
    (second,) = published(bench)
    assert (second.stage, second.finding) == (Stage.WITHDRAWN, first.finding)


def test_the_end_of_what_was_never_shared_is_not_told(bench: Bench) -> None:
    bench.take(treatment(), told(State.INFO, course=COURSE_ID))
    bench.take(told(State.RETRACTED, course=COURSE_ID, revision=2))
    assert published(bench) == []


def test_what_was_not_taken_comes_again(bench: Bench) -> None:
    def refuse(_: Sequence[ResearchNotice]) -> None:
        raise Unavailable("nobody there")

    bench.take(treatment(), told(course=COURSE_ID))
    with pytest.raises(Unavailable):
        publish_research(bench.database, refuse, bench.now)
    assert len(published(bench)) == 1


def test_nothing_is_shared_unless_the_site_says_so(database: Database, tmp_path: Path) -> None:
    bench = Bench(database, premises(tmp_path / "teams"))
    bench.take(treatment(), told(course=COURSE_ID))
    assert bench.rows(select(RESEARCH.c.body)) == []


def test_what_is_shared_no_more_is_withdrawn_once(bench: Bench) -> None:
    bench.take(treatment(), told(course=COURSE_ID))
    (first,) = published(bench)
    assert withdraw_unshared(bench.database, SHARING) == 0
    assert withdraw_unshared(bench.database, replace(SHARING, rules=frozenset({"RULE-b"}))) == 1
    (end,) = published(bench)
    assert (end.stage, end.finding) == (Stage.WITHDRAWN, first.finding)
    assert (end.readiness, end.evidence_on, end.act_by) == ((), None, None)
    assert withdraw_unshared(bench.database, None) == 0
    assert published(bench) == []


def test_of_what_was_never_told_nothing_is_told(bench: Bench) -> None:
    bench.take(treatment(), told(course=COURSE_ID))
    assert withdraw_unshared(bench.database, None) == 0
    assert published(bench) == []


def test_what_was_told_in_part_is_withdrawn_and_the_rest_is_not_told(bench: Bench) -> None:
    bench.take(treatment(), told(State.SUSPECTED, course=COURSE_ID))
    assert len(published(bench)) == 1
    bench.take(told(course=COURSE_ID, revision=2))
    assert withdraw_unshared(bench.database, None) == 1
    assert [one.stage for one in published(bench)] == [Stage.WITHDRAWN]


def test_a_rule_that_is_put_back_is_told_of_behind_its_withdrawal(bench: Bench) -> None:
    bench.take(treatment(), told(State.SUSPECTED, course=COURSE_ID))
    withdrawn = len(published(bench)) and withdraw_unshared(bench.database, None)
    bench.take(told(course=COURSE_ID, revision=2))
    numbers = [one.revision for one in published(bench)]
    assert (withdrawn, numbers) == (1, [2, 3]), "each is greater than the one before"


def test_the_command_shares_and_the_care_team_finds_the_case(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site"
    site_folder(site / "teams")
    (site / "channels.yaml").write_text("channels:\n  paper: {type: console}\n")
    (site / "key").write_text("ab" * 32)
    (site / "research.yaml").write_text("rules: [RULE-a1]\nconditions: [cml]\nkey_file: key\n")
    (tmp_path / "alerts").write_bytes(told(course=COURSE_ID).to_json() + b"\n")
    begun = INCOMING.validate_json(treatment().body)
    assert isinstance(begun, Occurred)
    (tmp_path / "events").write_bytes(begun.event.to_json() + b"\n")
    where = ["--database", str(tmp_path / "n.db"), "--site", str(site)]
    run = ["notify", "run", *where, "--alerts", str(tmp_path / "alerts"), "--once"]
    run += ["--events", str(tmp_path / "events")]
    assert main(run) == 2
    assert "research.yaml: needs --kafka or --research" in capsys.readouterr().err
    shared = tmp_path / "shared"
    assert main([*run, "--research", str(shared)]) == 0
    (notice,) = [json.loads(line) for line in shared.read_text().splitlines()]
    assert "HOSP" not in shared.read_text()
    capsys.readouterr()
    who = ["--by", "lea", "--why", "trial 7, asked by its team"]
    ask = ["notify", "reidentify", *where, *who, "--inbox", "https://inbox.example/c/"]
    assert main([*ask, "--subject", notice["subject"]]) == 0
    said = capsys.readouterr().out
    assert said.startswith("https://inbox.example/c/")
    assert "HOSP" not in said
    assert main([*ask, "--subject", "0" * 32]) == 1
    assert "nothing of them is shared" in capsys.readouterr().err
    assert main([*ask, "--subject", "0" * 32, "--although-withdrawn"]) == 1
    assert "nobody has that pseudonym" in capsys.readouterr().err
    settings = "rules: [OTHER]\nconditions: [cml]\nkey_file: key\n"
    (site / "research.yaml").write_text(settings)
    for _ in range(2):  # the rule was taken out: that is told once
        assert main([*run, "--research", str(shared)]) == 0
    first, last = (json.loads(line) for line in shared.read_text().splitlines())
    assert (last["finding"], last["stage"]) == (first["finding"], "withdrawn")
    assert last["revision"] > first["revision"]
    assert main([*ask, "--subject", notice["subject"]]) == 1
    assert main([*ask, "--subject", notice["subject"], "--although-withdrawn"]) == 0
    assert said in capsys.readouterr().out
    lines = [one for one in _audited(tmp_path / "n.db") if "subject" in one]
    assert [(one["by"], one["what"], one.get("although", "")) for one in lines] == [
        ("lea", "reidentified", ""),
        ("lea", "reidentify-refused", ""),
        ("lea", "reidentified", "nothing of them is shared"),
        ("lea", "reidentify-refused", ""),
        ("lea", "reidentified", "nothing of them is shared"),
    ]


def _audited(path: Path) -> list[dict[str, str]]:
    with opened(str(path)) as database, database.transaction() as connection:
        return [json.loads(body) for (body,) in connection.execute(select(AUDIT.c.body))]


def test_of_a_merged_record_only_the_surviving_one_stays_shared(bench: Bench) -> None:
    bench.take(treatment(), told(course=COURSE_ID))
    (first,) = published(bench)
    own = told(name="b1", rule="RULE-a1", patient=NEW, course=COURSE_ID)
    bench.take(merge())
    bench.take(own, told(State.RETRACTED, course=COURSE_ID, revision=2))
    again, end = sorted(published(bench), key=lambda one: one.stage)
    assert (end.stage, end.finding) == (Stage.WITHDRAWN, first.finding)
    assert (again.stage, again.condition) == (Stage.CONFIRMED, "cml")
    assert again.subject != first.subject
