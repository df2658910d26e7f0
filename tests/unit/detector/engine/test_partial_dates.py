"""Times that are known only to their month or year, asked in the language."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.events import EVENT
from services.detector.adapters.replay import ReplayResult, replay
from services.detector.language.checker import check
from services.detector.language.compiler import compile_rule
from services.detector.language.reader import read_rule

if TYPE_CHECKING:
    from schemas.events import ClinicalEvent

FRAME = """
rule: TEST-PARTIAL
title: A date
kind: failure
plain: A date
course: {{condition: prostate-cancer}}
clock: last started
reads: {{psa: {{analyte: psa}}}}
criteria:
  - name: dated
{criterion}
severity: {{default: advisory}}
sentence: A date, {{onset}}.
misses: [nothing]
false_alarms: [nothing]
source: [{{cite: none}}]
"""
ARMS = """    each: psa
    confirmed: [{{tag: surely, when: '{0}'}}]
    suspect: [{{tag: maybe, when: 'possibly({0})'}}]
"""


def judged(criterion: str, *events: ClinicalEvent) -> ReplayResult:
    read = read_rule(FRAME.format(criterion=criterion), "test-partial.yaml")
    assert [str(mistake) for mistake in check(read)] == []
    return replay(events, (compile_rule(read),))


def tags(condition: str, *events: ClinicalEvent) -> list[str | None]:
    return [r.tag for r in judged(ARMS.format(condition), *events).revisions]


def event(kind: str, day: str, **said: object) -> ClinicalEvent:
    return EVENT.validate_python(
        {
            "type": kind,
            "event_id": f"{kind}-{day}",
            "patient_id": "HOSP|1",
            "source": "LAB",
            "effective_at": day,
            "issued_at": "2030-01-01T12:00:00Z",
            **said,
        }
    )


def start(day: str) -> ClinicalEvent:
    said = {"course_id": "C1", "condition": "prostate-cancer", "modality": "surgery"}
    return event("treatment", day, phase="started", **said)


def psa(day: str, value: str = "1") -> ClinicalEvent:
    return event("observation", day, analyte="psa", value=value, unit="ng/mL")


@pytest.mark.parametrize(
    ("day", "found"),
    [
        ("2023-04", ["surely"]),
        ("2023-05", ["maybe"]),
        ("2023-06", []),
        ("2022", ["surely"]),
        ("2023", ["maybe"]),
        ("2024", []),
        ("2023-05-10", ["surely"]),
        ("2023-05-11", []),
    ],
)
def test_a_limit_in_months(day: str, found: list[str]) -> None:
    assert tags("date <= clock + 24 mo", start("2021-05-10"), psa(day)) == found


@pytest.mark.parametrize(
    ("day", "found"),
    [("2021-05-31", ["maybe"]), ("2021-06-08", ["maybe"]), ("2021-06-09", ["surely"])],
)
def test_a_clock_known_to_its_month(day: str, found: list[str]) -> None:
    """Of May 2021 the last day is the 31st: only from 9 June on nine days have surely passed."""
    assert tags("day >= 9 d", start("2021-05"), psa(day)) == found


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("days_since(previous(psa)) >= 5 d", ["surely"]),
        ("days_since(previous(psa)) >= 6 d", ["maybe"]),
        ("days_since(previous(psa)) > 35 d", []),
        ("days_since(previous(psa)) <= 35 d", ["surely"]),
        ("date(previous(psa)) = date", []),
        ("date(previous(psa)) != date", ["surely"]),
    ],
)
def test_days_since_a_fact_of_some_month(condition: str, found: list[str]) -> None:
    """From a day of May to 5 June are 5 to 35 days."""
    assert tags(condition, start("2020-01-01"), psa("2021-05"), psa("2021-06-05")) == found


def test_a_fact_of_this_month_may_be_of_this_day() -> None:
    condition = "date(previous(psa)) = date"
    assert tags(condition, start("2020-01-01"), psa("2021-05"), psa("2021-05-20")) == ["maybe"]


@pytest.mark.parametrize(("day", "confirmed"), [("2021-06-06", False), ("2021-06-07", True)])
def test_a_confirmation_is_surely_far_enough_away(day: str, confirmed: bool) -> None:  # noqa: FBT001
    criterion = "    each: psa\n    suspect: psa >= 1 ng/mL\n    confirm: {after: 7 d}\n"
    found = judged(criterion, start("2020-01-01"), psa("2021-05"), psa(day))
    said = [r.state.value for r in found.revisions if r.change != "revised"]
    assert said == ["suspected", "confirmed"][: 1 + confirmed]


@pytest.mark.parametrize(("until", "due"), [("2021-07-09", []), ("2021-07-10", ["overdue"])])
def test_nothing_is_overdue_before_the_last_day_that_may_be_meant(
    until: str, due: list[str]
) -> None:
    criterion = "    missing: psa\n    after: [{clock: true, due: clock + 40 d}]\n"
    read = read_rule(FRAME.format(criterion=criterion), "test-partial.yaml")
    begun = start("2021-05").model_copy(update={"issued_at": None})
    until_then = EVENT.validate_python(psa(until).model_dump(mode="json")).issued_at
    assert until_then is not None
    end = until_then.replace(year=2021, month=7, day=int(until[-2:]), hour=23, minute=59, second=59)
    found = replay([begun], (compile_rule(read),), until=end)
    assert [r.state.value for r in found.revisions] == due


def test_an_alert_shows_no_more_than_is_known() -> None:
    condition = "date <= clock + 24 mo"
    (alert,) = judged(ARMS.format(condition), start("2021-05-10"), psa("2023-04")).revisions
    assert alert.summary == "A date, 2023-04."
    assert str(alert.onset) == "2023-04"
    assert [str(item.at) for item in alert.evidence] == ["2021-05-10", "2023-04"]
