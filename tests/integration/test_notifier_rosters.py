"""The roster, or the channels, are others than when a case began: nobody waits for who has left."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from support.cases import DAY, HOUR
from support.notifying import (
    COURSE_ID,
    PATIENT,
    TEAM_ENDS,
    TEAM_YAML,
    Bench,
    Scripted,
    premises,
    site_folder,
    told,
    treatment,
)

from schemas.actions import Disposition
from schemas.alerts import Severity, State
from services.notifier.cases.commands import Acknowledge, Assign, Dispose, Snooze
from services.notifier.cases.words import CaseState, Cause, person
from services.notifier.channels.contract import Kind, Message, Outcome, permanent, temporary
from services.notifier.roster.loading import load_house
from services.notifier.service.inputs import asked
from services.notifier.service.vacancies import Vacancies
from services.notifier.store.tables import DIGESTS, NOTICES

if TYPE_CHECKING:
    from pathlib import Path

    from services.notifier.cases.commands import AnyCommand
    from services.notifier.store.database import Database

WITHOUT_BEN = TEAM_YAML.replace("  - {id: ben, reach: {message: ben@ward.example}}\n", "").replace(
    "cover: {always: ben}", "cover: {always: lea}"
)
ELSEWHERE = TEAM_YAML.replace("{id: anne, reach", "{id: anne, time_zone: America/New_York, reach")
MINUTE = timedelta(minutes=1)


def renewed(bench: Bench, folder: Path, ward: str, *, other: bool = True) -> None:
    """The site's files are others, and were read again."""
    site_folder(folder, ward)
    (folder / "other.yaml").write_text(TEAM_ENDS)
    if not other:
        (folder / "other.yaml").unlink()
    found = load_house(folder)
    bench.house.renew(found.policy, found.teams)
    vacancies = Vacancies(bench.database, bench.house)
    vacancies.look(bench.now)
    assert vacancies.look(bench.now) == 0, "at each roster once"
    bench.work()


def ask(bench: Bench, command: AnyCommand, course: str | None = None) -> None:
    """Somebody does something with the case."""
    key = f"{command.by}-{bench.now}-{type(command).__name__}"
    assert bench.agenda.submit(asked(PATIENT, course, command, key), bench.now) is None


@pytest.mark.parametrize("sleeps", [False, True], ids=["acknowledged", "snoozed"])
def test_the_case_of_somebody_who_has_left_goes_to_who_has_the_duty(
    lone: Bench, tmp_path: Path, *, sleeps: bool
) -> None:
    lone.take(told(severity=Severity.URGENT))
    lone.settle()
    ask(lone, Snooze(by="ben", until=lone.now + DAY) if sleeps else Acknowledge(by="ben"))
    renewed(lone, tmp_path / "new", WITHOUT_BEN)
    case = lone.case()
    assert (str(case.owner), case.state) == ("person:anne", CaseState.ASSIGNED)
    lone.settle()
    last = lone.got("bell")[-1]
    assert (str(last.recipient), last.cause) == ("person:anne", Cause.ASSIGNED)


def test_a_late_case_of_somebody_who_has_left_is_the_desks(lone: Bench, tmp_path: Path) -> None:
    lone.take(told(act_by=lone.now + HOUR))
    lone.now += 2 * HOUR
    lone.work()
    ask(lone, Acknowledge(by="ben"))
    renewed(lone, tmp_path / "new", WITHOUT_BEN)
    assert (str(lone.case().owner), lone.case().state) == ("desk:ward-desk", CaseState.OVERDUE)


def test_nothing_changes_for_whoever_is_still_there(lone: Bench, tmp_path: Path) -> None:
    lone.take(told())
    ask(lone, Acknowledge(by="lea"))
    before = lone.case()
    renewed(lone, tmp_path / "new", WITHOUT_BEN)
    assert lone.case() == before


def test_cases_of_a_team_that_is_no_more_are_the_default_teams(
    bench: Bench, tmp_path: Path
) -> None:
    bench.take(treatment(), told(course=COURSE_ID))
    done = Dispose(by="mia", disposition=Disposition.ALREADY_KNOWN)
    assert bench.case(COURSE_ID).team == "other"
    ask(bench, done, COURSE_ID)
    bench.take(treatment("t3", course="C3"), told(name="a3", course="C3"))
    assert str(bench.case("C3").owner) == "person:mia"
    renewed(bench, tmp_path / "new", TEAM_YAML, other=False)
    assert (bench.case(COURSE_ID).team, bench.case(COURSE_ID).state) == ("ward", CaseState.CLOSED)
    assert (bench.case("C3").team, str(bench.case("C3").owner)) == ("ward", "person:anne")


def test_a_message_that_waits_does_not_go_to_who_has_the_case_no_more(lone: Bench) -> None:
    lone.channel("bell").answers = [temporary("busy")]
    lone.take(told())
    assert lone.send() == 1
    ask(lone, Assign(by="lea", to=person("lea")))
    lone.pass_time(10 * MINUTE, stride=MINUTE)
    heard = [str(one.recipient) for one in lone.got("bell")]
    assert heard == ["person:anne", "person:lea"]
    query = select(NOTICES.c.state, NOTICES.c.why).order_by(NOTICES.c.seq)
    assert lone.rows(query)[0] == ("dropped", "superseded")


def test_a_message_that_waits_goes_by_another_channel_when_its_own_is_taken_away(
    lone: Bench,
) -> None:
    lone.channel("bell").always = temporary("busy")
    lone.take(told())
    assert lone.send() == 1
    left = tuple(one for one in lone.house.channels if one.name != "bell")
    after = replace(lone, house=replace(lone.house, channels=left), now=lone.now + MINUTE)
    after.settle()
    assert [str(one.recipient) for one in after.got("phone")] == ["person:anne"]


class Strict(Scripted):
    """A channel that refuses whoever has no address."""

    async def send(self, message: Message) -> Outcome:
        return await super().send(message) if message.addresses else permanent("no address")


def test_a_correction_for_somebody_who_has_left_goes_to_the_desk(
    database: Database, tmp_path: Path
) -> None:
    ward = TEAM_YAML.replace("{id: ben, reach", "{id: ben, channels: [message], reach")
    house = premises(tmp_path / "teams", ward=ward)
    house.channels = tuple(Strict(one.name, one.strengths) for one in house.channels)
    bench = Bench(database, house)
    bench.take(told())
    bench.pass_time(110 * MINUTE)
    assert "person:ben" in {str(one.recipient) for one in bench.got("mail")}
    renewed(bench, tmp_path / "new", WITHOUT_BEN)
    bench.take(told(State.RETRACTED, revision=2))
    bench.pass_time(10 * MINUTE, stride=MINUTE)
    corrections = [one for one in bench.got("phone") if one.kind is Kind.CORRECTION]
    assert [str(one.recipient) for one in corrections] == ["desk:ward-desk"]


def test_a_digest_comes_at_the_hour_of_the_zone_to_which_somebody_moved(
    bench: Bench, tmp_path: Path
) -> None:
    bench.take(told(severity=Severity.ADVISORY))
    (before,) = bench.rows(select(DIGESTS.c.due_at))
    renewed(bench, tmp_path / "new", ELSEWHERE)
    (after,) = bench.rows(select(DIGESTS.c.due_at))
    assert (
        after.due_at - before.due_at == 6 * HOUR - DAY or after.due_at - before.due_at == 6 * HOUR
    )
