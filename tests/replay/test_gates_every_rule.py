"""What every alert of every rule owes its reader, held over all cases of the rulebook."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from support import packs

from schemas.alerts import OPEN_STATES, Kind, State
from services.detector.adapters.replay import replay
from services.detector.engine.readiness import DEFAULT_ITEMS, NOT_KNOWN
from services.detector.language.compiler import compiled
from services.detector.rulebook.facts import events_of
from services.detector.rulebook.runner import asked_by, until_of

if TYPE_CHECKING:
    from schemas.alerts import AlertRevision
    from services.detector.language.spec import Rule
    from services.detector.rulebook.cases import Case

OF_THE_DAY = {"age"}
"""Has no date of its own: it is the age on the day of the entry."""


@cache
def rules() -> dict[str, Rule]:
    return {rule.id: rule for rule in packs.rules() if rule.kind != "function"}


@cache
def said_in_cases() -> tuple[tuple[Case, AlertRevision], ...]:
    """Every entry of every journal of the rulebook's cases."""
    return tuple(
        (case, entry)
        for case in packs.cases()
        if (rule := rules().get(case.rule)) is not None
        for entry in _journal(case, rule)
    )


def _journal(case: Case, rule: Rule) -> list[AlertRevision]:
    asked = asked_by(case, rule)
    events = [event for _, event in events_of(case, asked)]
    return replay(events, (compiled(asked),), until=until_of(case)).revisions


@pytest.mark.timeout(600)
def test_every_failure_alert_lists_all_that_bears_on_readiness() -> None:
    wrong = []
    seen = set()
    for case, entry in said_in_cases():
        if entry.kind is not Kind.FAILURE or entry.state not in OPEN_STATES:
            continue
        seen.add(entry.rule)
        listed = [one.item for one in entry.readiness]
        whole = {*listed} >= {*rules()[entry.rule].readiness, *DEFAULT_ITEMS}
        told = all(
            one.value == NOT_KNOWN or one.at is not None or one.item in OF_THE_DAY
            for one in entry.readiness
        )
        if not (whole and told):
            wrong.append((case.id, entry.rule, entry.state.value))
    assert len(seen) > 40
    assert wrong == []


@pytest.mark.timeout(600)
def test_every_suspicion_says_by_when_it_ought_to_be_settled() -> None:
    suspected = [(case, entry) for case, entry in said_in_cases() if entry.state is State.SUSPECTED]
    assert len({entry.rule for _, entry in suspected}) > 25
    assert [
        (case.id, entry.rule, entry.tag) for case, entry in suspected if entry.confirm_by is None
    ] == []


@pytest.mark.timeout(600)
def test_every_alert_that_stands_cites_evidence_and_source() -> None:
    assert [
        (case.id, entry.rule)
        for case, entry in said_in_cases()
        if entry.state in OPEN_STATES and not (entry.evidence and entry.source and entry.summary)
    ] == []
