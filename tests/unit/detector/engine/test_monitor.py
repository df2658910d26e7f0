"""The two verbs, identity, deadlines and storage of the whole engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.lanes import at_noon, fact, step
from support.living import rule_named

from schemas.events import EVENT
from services.detector.engine.fact import Fact
from services.detector.engine.monitor import Monitor

if TYPE_CHECKING:
    from services.detector.engine.rule import CompiledRule

ANC = rule_named("TOX-ANC4-7D")
LYM = rule_named("LYM-RESTAGE-OVERDUE")


def anc(key: str, offset: int, value: str, **said: Any) -> Fact:
    return fact(key, offset, value, analyte="neutrophils", **{"unit": "10*9/L", **said})


def person(key: str, offset: int, patient: str = "HOSP|1", **said: Any) -> Fact:
    on = f"2024-01-{offset + 1:02}"
    event = {"type": "patient", "event_id": key, "patient_id": patient, "source": "EHR"}
    times = {"effective_at": on, "issued_at": f"{on}T12:00:00Z"}
    return Fact(EVENT.validate_python({**event, **times, **said}), 0)


def said(monitor: Monitor, now: int, *facts: Fact) -> list[tuple[str, str, str]]:
    told = monitor.receive(facts, at_noon(now))
    return [(one.patient_id, one.change, one.state.value) for one in told]


def test_a_merge_joins_the_facts_and_an_error_parts_them() -> None:
    monitor = Monitor((ANC,))
    here, there = anc("a", 0, "0.4"), anc("b", 4, "0.4", patient_id="HOSP|2")
    last = anc("c", 8, "0.4", patient_id="HOSP|2")
    said(monitor, 8, here, there, last)
    merged = said(monitor, 9, person("m", 9, merged_into="HOSP|2"))
    assert ("HOSP|2", "raised", "confirmed") in merged
    assert ("HOSP|1", "withdrawn", "retracted") in merged
    assert len(list(monitor.facts("HOSP|1"))) == 4
    undone = person("m", 9, status="entered-in-error", issued_at="2024-01-12T12:00:00Z")
    parted = said(monitor, 11, undone)
    assert ("HOSP|1", "raised", "suspected") in parted
    assert ("HOSP|2", "raised", "suspected") in parted
    assert [one.key[1] for one in monitor.facts("HOSP|1")] == ["a"]


def test_records_merged_in_a_circle_share_the_smallest_id() -> None:
    monitor = Monitor((ANC,))
    said(monitor, 1, person("m", 0, merged_into="HOSP|2"))
    said(monitor, 1, person("n", 1, "HOSP|2", merged_into="HOSP|1"))
    assert said(monitor, 2, anc("a", 2, "0.1", patient_id="HOSP|2")) == [
        ("HOSP|1", "raised", "suspected")
    ]


def test_a_merge_into_a_record_that_has_no_facts_yet() -> None:
    monitor = Monitor((ANC,))
    said(monitor, 0, anc("a", 0, "0.1"))
    assert (
        said(monitor, 1, person("m", 1, merged_into="HOSP|9"))
        == [
            ("HOSP|1", "withdrawn", "retracted"),
            ("HOSP|9", "raised", "suspected"),
        ]
        or said(monitor, 1) == []
    )
    assert [one.key[1] for one in monitor.facts("HOSP|9")] == ["a", "m"]


def test_of_several_versions_in_one_arrival_only_the_last_speaks() -> None:
    versions = [
        anc("a", 0, "0.4"),
        anc("a", 0, "0.9", late=2, status="corrected"),
        anc("a", 0, "0.3", late=1, status="corrected"),
    ]
    assert said(Monitor((ANC,)), 3, *versions) == []
    assert said(Monitor((ANC,)), 3, *versions[::2]) == [("HOSP|1", "raised", "suspected")]


@pytest.mark.parametrize("turned", [False, True])
def test_facts_of_one_moment_stand_in_the_order_of_their_ids(*, turned: bool) -> None:
    pair = [anc("a", 0, "0.4", hour=8), anc("b", 0, "0.9", hour=8)]
    monitor = Monitor((ANC,))
    for one in pair[::-1] if turned else pair:
        said(monitor, 0, one)
    (journal,) = monitor.dump("HOSP|1")
    assert [state for _, state, *_ in journal["steps"]] == ["suspected", "refuted"]


def dose(offset: int = 0, **said: Any) -> Fact:
    lymphoma = {"condition": "dlbcl", "modality": "chemotherapy"}
    return step("dose", offset, "administered", **lymphoma, **said)


def test_a_cancelled_deadline_is_no_longer_due() -> None:
    monitor = Monitor((LYM,))
    said(monitor, 0, dose())
    assert monitor.next_due() is not None
    said(monitor, 1, dose(status="cancelled", issued_at="2024-01-02T12:00:00Z"))
    assert monitor.next_due() is None
    assert monitor.advance(at_noon(900)) == []


def stored(monitor: Monitor, rules: tuple[CompiledRule, ...]) -> tuple[Monitor, int]:
    """Another monitor with what was stored of the first, and how much that one had to say."""
    ids = monitor.patients()
    charts = {one: list(monitor.chart(one).versions()) for one in ids}
    journals = {one: json.loads(json.dumps(monitor.dump(one))) for one in ids}
    fresh = Monitor(rules)
    return fresh, len(fresh.restore(dict(charts), journals, at_noon(9)))


def test_a_restart_says_nothing_unless_the_rules_are_others() -> None:
    monitor = Monitor((ANC, LYM))
    said(monitor, 8, anc("a", 0, "0.4"), dose())
    same, news = stored(monitor, (ANC, LYM))
    assert news == 0
    assert same.next_due() == monitor.next_due()
    fewer, news = stored(monitor, (LYM,))
    assert news == 0
    assert [one["rule"] for one in fewer.dump("HOSP|1")] == []
    _, news = stored(fewer, (ANC, LYM))
    assert news == 1


def test_what_cannot_be_decided_is_listed_with_its_reason() -> None:
    monitor = Monitor((ANC,))
    said(monitor, 0, anc("a", 0, "0.4", unit="mg/kg"))
    (one,) = monitor.undecided()
    assert (one.patient_id, one.rule, one.course_id) == ("HOSP|1", "TOX-ANC4-7D", None)
    assert one.doubt.fact.key == ("LAB", "a")
    assert "0.4" not in one.doubt.reason
    said(monitor, 1, anc("a", 0, "0.4", late=1, status="corrected"))
    assert list(monitor.undecided()) == []


def test_an_unknown_patient_has_nothing() -> None:
    monitor = Monitor((ANC,))
    assert monitor.dump("HOSP|7") == []
    assert list(monitor.facts("HOSP|7")) == []
