"""Who reviews emergencies hears of each at once, by the notifier's own way, and of no patient."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from support.inbox import alone, for_one, open_inbox
from support.notifying import COURSE_ID, told, treatment

from services.notifier.channels.contract import Kind, temporary, unknown
from services.notifier.inbox.access.roles import Role
from services.notifier.inbox.access.settings import InboxSettings, Officer
from services.notifier.inbox.pages import render
from services.notifier.store.instants import micros
from services.notifier.store.tables import AUDIT
from services.runtime.clock import ManualClock

if TYPE_CHECKING:
    from pathlib import Path

    from support.notifying import Bench

    from services.notifier.channels.contract import Message

OTHER = "HOSP|000001"
WORDS = "Erika bleeds, and her own team is away"


def opened(bench: Bench, folder: Path, officer: Officer | None) -> str:
    """Open another team's case in an emergency; the case's reference."""
    bench.take(treatment(), told(patient=OTHER, course=COURSE_ID))
    bench.settle()
    clock = ManualClock(micros(bench.now))

    def settings(origin: str) -> InboxSettings:
        return for_one(origin).model_copy(update={"privacy": officer})

    with open_inbox(bench, clock, render, settings, alone(folder)) as desk:
        reference = desk.reference(OTHER, COURSE_ID)
        browser = desk.signed_in("anne", Role.CLINICIAN)
        form = {"csrf": browser.csrf, "reason": "emergency", "words": WORDS}
        assert browser.post(f"/glass/{reference}", form).status == 303
        return reference


def notices(bench: Bench) -> list[Message]:
    found = [one for name in ("mail", "bell", "phone") for one in bench.got(name)]
    return [one for one in found if one.kind is Kind.EMERGENCY]


def test_a_member_hears_who_opened_which_case_and_why_and_nothing_of_the_patient(
    bench: Bench, tmp_path: Path
) -> None:
    reference = opened(bench, tmp_path, Officer(member="ben"))
    assert notices(bench) == [], "it leaves by the outbox"
    bench.settle()
    (one,) = notices(bench)
    assert str(one.recipient) == "person:ben"
    for part in ("anne opened", "Reason: emergency", reference, "2026-03-02 11:00", "other"):
        assert part in one.text
    whole = one.model_dump_json()
    assert not any(word in whole for word in (OTHER, "000001", "Erika", "cml"))
    (said,) = [line for line in lines(bench) if line["what"] == "glass-broken"]
    assert said["to"] == "person:ben"
    assert [line["what"] for line in lines(bench) if line.get("to") == "person:ben"][-1] == (
        "delivered"
    )


def lines(bench: Bench) -> list[dict[str, str]]:
    query = select(AUDIT.c.body).order_by(AUDIT.c.seq)
    return [json.loads(body) for (body,) in bench.rows(query)]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_team_hears_by_whoever_has_its_duty(bench: Bench, tmp_path: Path) -> None:
    opened(bench, tmp_path, Officer(team="other"))
    bench.settle()
    assert [str(one.recipient) for one in notices(bench)] == ["person:mia"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_it_is_told_at_least_once_and_a_repeat_says_so(bench: Bench, tmp_path: Path) -> None:
    opened(bench, tmp_path, Officer(member="ben"))
    bench.channel("bell").answers = [temporary("away"), unknown("cut off")]
    bench.pass_time(timedelta(hours=2))
    first, second, third = notices(bench)
    assert len({one.key for one in (first, second, third)}) == 1
    assert [one.duplicate for one in (first, second, third)] == [False, False, True]
    assert "may be a repeat" in third.subject


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_without_an_officer_nobody_is_told_but_the_list(bench: Bench, tmp_path: Path) -> None:
    opened(bench, tmp_path, None)
    bench.settle()
    assert notices(bench) == []
    (said,) = [line for line in lines(bench) if line["what"] == "glass-broken"]
    assert "to" not in said
