"""Nothing of a patient is in the research feed, whatever stands in an alert."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.cases import alert

from schemas.alerts import AlertRevision, State
from services.notifier.cases.case import Course
from services.notifier.research.notices import notice_of, shift_of
from services.notifier.research.settings import Sharing

RULE, CONDITION = "CML-ELN", "cml"
NEAR = 40
"""Days between the dates of one alert, at most; a shift beyond them can't hit another one."""

words = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜ0123456789 |^/", min_size=6, max_size=24).filter(
    lambda text: text.strip() == text and not text.isdecimal()
)
"""What people write; capitals, because the feed's own words have none."""
days = st.integers(0, NEAR).map(lambda more: date(2025, 3, 1) + timedelta(days=more))
keys = st.binary(min_size=32, max_size=32)


@st.composite
def readings(draw: st.DrawFn) -> dict[str, Any]:
    """One item of readiness, with whatever its source reported."""
    names = st.sampled_from(["age", "ecog", "egfr", "lvef", "prior_lines", "platelets", "inr"])
    value = st.one_of(words, st.decimals(0, 500, places=3).map(str))
    return {
        "item": draw(st.one_of(names, words)),
        "value": draw(value),
        "unit": draw(st.one_of(st.none(), words, st.just("%"))),
        "at": draw(days),
    }


@st.composite
def revisions(draw: st.DrawFn) -> AlertRevision:
    """An alert in which everything that may be written by somebody is."""
    evidence = {"event_id": draw(words), "role": "trigger", "at": draw(days), "what": draw(words)}
    return alert(
        draw(st.sampled_from([State.SUSPECTED, State.CONFIRMED, State.WINDOW, State.RETRACTED])),
        name=draw(words),
        at=datetime.combine(draw(days), time(13, 7, 11), UTC),
        patient_id=draw(words),
        course_id=draw(words),
        rule=RULE,
        rule_version=draw(words),
        title=draw(words),
        summary=draw(words),
        tag=draw(words),
        action=draw(words),
        onset=draw(days),
        act_by=draw(days),
        evidence=[evidence | {"value": draw(words), "unit": draw(words)}],
        readiness=draw(st.lists(readings(), max_size=6)),
        options=[draw(words)],
        source=[{"cite": draw(words), "note": draw(words)}],
    ).revision


def written(value: Any) -> set[str]:
    """Every text in a message that is not one of our own words."""
    if isinstance(value, dict):
        return {text for each in value.values() for text in written(each)}
    if isinstance(value, list):
        return {text for each in value for text in written(each)}
    own = {RULE, *State, "failure", "trigger", "raised", "revised", "withdrawn", "urgent"}
    return {value} - own if isinstance(value, str) and not value.isdecimal() else set()


OURS = {"age", "ecog", "egfr", "lvef", "prior_lines", "platelets", "inr", "%"}


@settings(max_examples=50)
@given(revisions(), keys, st.one_of(st.none(), st.integers(1, 9)))
def test_no_identifier_no_name_no_text_and_no_date_of_an_alert_is_told(
    revision: AlertRevision, key: bytes, line: int | None
) -> None:
    sharing = Sharing(frozenset({RULE}), frozenset({CONDITION}), 182, key)
    shift = shift_of(revision.patient_id, sharing)
    assume(abs(shift.days) > NEAR)
    course = Course(patient_id=revision.patient_id, condition=CONDITION, line=line)
    notice = notice_of(revision, course, sharing)
    assert notice is not None
    told = notice.to_json().decode()
    texts = written(revision.model_dump(mode="json")) - OURS
    texts |= {text[:10] for text in texts if text[:4] == "2025"}  # days of instants
    numbers = {text for text in texts if text.replace(".", "", 1).isdecimal()}
    assert {text for text in texts - numbers if text in told} == set()
    assert {text for text in numbers if f'"{text}"' in told} == set()
    assert notice.evidence_on is not None
    distance = notice.known_on - notice.evidence_on
    assert isinstance(revision.onset, date)
    assert distance == revision.at.date() - revision.onset, "distances stay"


@given(words, keys, st.integers(30, 3650))
def test_a_patient_s_days_move_by_one_number_that_is_never_none(
    name: str, key: bytes, most: int
) -> None:
    sharing = Sharing(frozenset(), frozenset(), most, key)
    shift = shift_of(name, sharing)
    assert 1 <= abs(shift.days) <= most
    assert shift == shift_of(name, sharing)
