"""From a finding to what a care team reads: sentence, evidence, proof, times; and its digest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support.lanes import START, at_noon, day, fact, step

from schemas.alerts import OPEN_STATES, Kind, Readiness, Role, Severity, State
from schemas.events import EVENT
from services.detector.engine.card import Card, TimeToAct
from services.detector.engine.evidence import reported, what
from services.detector.engine.fact import Fact
from services.detector.engine.finding import Finding
from services.detector.engine.journal import Change, Revision, Step
from services.detector.engine.terms import Proof
from services.detector.engine.truth import Range, Unknown
from services.detector.engine.writing import write

if TYPE_CHECKING:
    from schemas.alerts import AlertRevision

HIGH = fact("high", 5, "3.20", comparator=">")
LOW = fact("low", 2, "0.5")
CLOCK = step("rt", 0, "completed", regimen="ebrt")
FOUND = Finding(
    "c",
    State.CONFIRMED,
    opens=True,
    day=day(5),
    tag="two_words",
    onset=LOW,
    trigger=HIGH,
    cited=((HIGH, Role.TRIGGER), (LOW, Role.NADIR), (CLOCK, Role.CLOCK)),
)
FIT = (Readiness(item="age", value="70"),)


def card(**said: Any) -> Card:
    fields = {"rule": "R", "version": "1", "title": "Title", "kind": Kind.FAILURE, **said}
    return Card(**{"severity": {"default": Severity.URGENT}, "options": ("one",), **fields})


def written(found: Finding | None = FOUND, rule: Card | None = None, **said: Any) -> AlertRevision:
    state = State.RETRACTED if found is None else found.state
    revision = Revision(Change.RAISED, state, said.pop("episode", 1), found, said.pop("gone", ()))
    places = {"patient_id": "HOSP|1", "course_id": "c", "at": at_noon(6), "comfort_only": False}
    number = said.pop("number", 1)
    return write(revision, number, rule or card(), readiness=lambda: FIT, **{**places, **said})


@pytest.mark.parametrize("state", [state for state in State if state is not State.RETRACTED])
def test_only_what_stands_asks_for_something(state: State) -> None:
    one = written(replace(FOUND, state=state))
    stands = state in OPEN_STATES
    assert one.state is state
    assert bool(one.readiness) is bool(one.options) is stands
    loud = stands and state is not State.INFO
    assert one.severity is (Severity.URGENT if loud else Severity.ADVISORY)


@pytest.mark.parametrize("state", list(State))
def test_comfort_only_makes_failure_information_and_leaves_toxicity(state: State) -> None:
    found = replace(FOUND, state=state)
    one = written(found, comfort_only=True)
    assert one.state is (State.INFO if state in OPEN_STATES else state)
    assert one.severity is Severity.ADVISORY
    assert written(found, card(kind=Kind.WINDOW), comfort_only=True).state is one.state
    for kind in (Kind.INTOLERANCE, Kind.OVERDUE):
        assert written(found, card(kind=kind), comfort_only=True).state is state


def test_a_retraction_says_so_and_shows_no_evidence() -> None:
    gone = (Step("c", State.CONFIRMED, "identity", "evidence", 1),)
    one = written(None, gone=gone)
    assert (one.state, one.change) == (State.RETRACTED, "withdrawn")
    assert one.summary == "Title: withdrawn, it no longer follows from the corrected record."
    assert (one.evidence, one.readiness, one.options, one.explanation) == ((), (), (), None)
    assert one.digest != written(None, gone=gone, number=2).digest


def test_the_digest_is_of_the_content_not_of_when_it_was_written() -> None:
    first = written()
    assert written(at=at_noon(60), number=7).digest == first.digest
    assert written(replace(FOUND, proof=Proof("x", result=True))).digest == first.digest
    others = [
        written(episode=2),
        written(patient_id="HOSP|2"),
        written(course_id=None),
        written(comfort_only=True),
        written(rule=card(version="2")),
        written(replace(FOUND, tag="other")),
        written(replace(FOUND, grade=3)),
        written(replace(FOUND, severity="critical")),
        written(replace(FOUND, onset=HIGH)),
        written(replace(FOUND, cited=FOUND.cited[:2])),
    ]
    assert len({first.digest, *(one.digest for one in others)}) == len(others) + 1


def test_every_placeholder_is_filled_in_from_the_evidence() -> None:
    text = "{analyte} {value} {unit} {date} {onset} {tag} {grade} {nadir} {baseline} {clock}"
    found = replace(FOUND, grade=4, cited=(*FOUND.cited, (fact("b", 1, "2"), Role.BASELINE)))
    one = written(found, card(sentences={"default": text}))
    assert one.summary == "psa >3.20 ng/mL 2024-01-06 2024-01-03 two words 4 0.5 2 2024-01-01"


def test_what_is_missing_reads_not_known() -> None:
    bare = Finding("c", State.OVERDUE, opens=True, day=day(9))
    one = written(bare, card(sentences={"default": "{value}, {nadir}, {onset}, {tag} by {date}"}))
    assert one.summary == "not known, not known, not known, not known by 2024-01-10"


def test_without_a_sentence_the_title_tells_what_was_taken_back() -> None:
    assert written(replace(FOUND, state=State.REFUTED)).summary == "Title: no longer suspected."
    cleared = written(replace(FOUND, state=State.CLEARED))
    assert cleared.summary == "Title: the missing evidence arrived."


def test_what_is_cleared_is_not_told_in_the_words_of_what_was_missing() -> None:
    rule = card(sentences={"two_words": "Missing.", "cleared": "Arrived."})
    assert written(replace(FOUND, state=State.CLEARED), rule).summary == "Arrived."


def test_evidence_is_quoted_as_reported() -> None:
    shown = [(e.event_id, e.role, e.what, e.value, e.unit) for e in written().evidence]
    assert shown == [
        ("high", Role.TRIGGER, "psa", ">3.20", "ng/mL"),
        ("low", Role.NADIR, "psa", "0.5", "ng/mL"),
        ("rt", Role.CLOCK, "endocrine completed", "ebrt", None),
    ]
    assert written().evidence[1].at == date(2024, 1, 3)


def event(**said: Any) -> Fact:
    common = {"event_id": "e", "patient_id": "HOSP|1", "source": "EHR"}
    return Fact(EVENT.validate_python({**common, "effective_at": "2024-01-01", **said}), 0)


@pytest.mark.parametrize(
    ("said", "name", "value"),
    [
        (
            {
                "type": "imaging_report",
                "modality": "PT",
                "response": "PMD",
                "deauville": 5,
                "sum_of_diameters_mm": "12.5",
                "new_lesions": ["a", "b"],
            },
            "PT",
            "PMD; Deauville 5; sum 12.5 mm; new lesions: a, b",
        ),
        ({"type": "imaging_report"}, "imaging", None),
        ({"type": "adverse_event", "term": "Rash", "grade": 3}, "Rash", "grade 3"),
        ({"type": "adverse_event", "term": "Rash"}, "Rash", None),
        ({"type": "observation", "analyte": "biopsy", "value_code": "pos"}, "biopsy", "pos"),
    ],
)
def test_every_kind_of_fact_has_a_name_and_a_value(
    said: dict[str, Any], name: str, value: str | None
) -> None:
    one = event(**said)
    assert (what(one), reported(one)) == (name, value)


def test_a_very_long_verdict_is_cut_to_what_the_alert_holds() -> None:
    lesions = [f"lesion {number} of the liver" for number in range(40)]
    value = reported(event(type="imaging_report", new_lesions=lesions))
    assert value is not None
    assert len(value) == 256


@pytest.mark.parametrize(
    ("result", "truth", "value"),
    [
        (True, "true", None),
        (False, "false", None),
        (Unknown("no unit"), "unknown", "no unit"),
        (Decimal("1.500"), None, "1.5"),
        (Decimal("1E+3"), None, "1000"),
        (Decimal("0.00"), None, "0"),
        (Range(Decimal(0), Decimal("0.2")), None, "<0.2"),
        (Range(None, Decimal(3), high_included=True), None, "<=3"),
        (Range(Decimal(5), None, low_included=False), None, ">5"),
        (Range(Decimal(5), None), None, ">=5"),
        (HIGH, None, ">3.20"),
        (None, None, None),
    ],
)
def test_a_proof_shows_truth_and_number(
    result: object, truth: str | None, value: str | None
) -> None:
    inner = Proof("inner", result, ((HIGH, Role.TRIGGER), (HIGH, Role.NADIR)))
    one = written(replace(FOUND, proof=Proof("outer", result=True, because=(inner,))))
    assert one.explanation is not None
    assert (one.explanation.text, one.explanation.truth) == ("outer", "true")
    (part,) = one.explanation.because
    assert (part.truth, part.value, part.events) == (truth, value, ("high",))


def test_time_to_act_confirm_and_window() -> None:
    limits = {"default": TimeToAct(days=10, tier="salvage", evidence="trial")}
    one = written(rule=card(act_within=limits))
    assert (one.act_by, one.confirm_by) == (date(2024, 1, 17), None)
    assert one.window is not None
    assert (one.window.tier, one.window.evidence) == ("salvage", "trial")
    suspected = replace(FOUND, state=State.SUSPECTED)
    waiting = written(suspected, card(act_within=limits))
    assert (waiting.act_by, waiting.confirm_by) == (None, date(2024, 1, 17))
    assert written(suspected, card(confirm_after={"c": 7})).confirm_by == date(2024, 1, 10)
    # Only a preliminary result is suspected without a test to come: its final version, in a week.
    assert written(suspected).confirm_by == date(2024, 1, 14)
    refuted = written(replace(FOUND, state=State.REFUTED), card(act_within=limits))
    assert (refuted.act_by, refuted.confirm_by, refuted.window) == (None, None, None)


def test_an_alert_carries_of_the_person_only_the_id() -> None:
    """Nothing of a source record beyond what is cited: no names, no notes, no source systems."""
    noted = step("rt", 0, "completed", reason="told by the neighbour of the patient")
    one = written(replace(FOUND, cited=((noted, Role.CLOCK),)))
    assert b"neighbour" not in one.to_json()
    assert one.at == datetime(START.year, 1, 7, 12, tzinfo=UTC)
