"""The research feed: bands, pseudonyms, and what is not shared."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from support.cases import DAY, START, alert

from schemas.alerts import Readiness, State
from schemas.publish import FOLDER
from schemas.research import LineBand, Stage
from services.notifier.cases.case import Course
from services.notifier.research.bands import bands, line_band
from services.notifier.research.notices import notice_of, pseudonym, shift_of
from services.notifier.research.settings import Sharing, load_sharing
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.research import ResearchNotice

KEY = b"k" * 32
SHARING = Sharing(frozenset({"RULE-a1"}), frozenset({"cml"}), 182, KEY)
COURSE = Course(patient_id="HOSP|1", course_id="C1", condition="cml", line=2)


def notice(
    state: State = State.CONFIRMED, course: Course = COURSE, **fields: Any
) -> ResearchNotice | None:
    return notice_of(alert(state, **fields).revision, course, SHARING)


@pytest.mark.parametrize(
    ("item", "value", "unit", "band"),
    [
        ("age", "17", None, "0-17"),
        ("age", "18", None, "18-39"),
        ("age", "64", None, "40-64"),
        ("age", "75", None, "75+"),
        ("ecog", "1", None, "0-1"),
        ("ecog", "2", None, "2"),
        ("ecog", "4", None, "3-4"),
        ("egfr", "29.9", "mL/min/{1.73_m2}", "0-29"),
        ("egfr", "60", "mL/min/{1.73_m2}", "60+"),
        ("egfr", "60", "mL/s", "known"),
        ("egfr", ">60", "mL/min/{1.73_m2}", "known"),
        ("egfr", "-5", "mL/min/{1.73_m2}", "known"),
        ("egfr", "NaN", "mL/min/{1.73_m2}", "known"),
        ("lvef", "49.9", "%", "40-49"),
        ("prior_lines", "0", None, "0"),
        ("prior_lines", "7", None, "3+"),
        ("platelets", "93", "10*9/L", "known"),
        ("age", "not known", None, "not known"),
    ],
)
def test_values_become_bands(item: str, value: str, unit: str | None, band: str) -> None:
    ((found,),) = [tuple(bands([Readiness(item=item, value=value, unit=unit)]))]
    assert (found.item, found.band) == (item, band)


@pytest.mark.parametrize("item", ["goals_of_care", "mother's name"])
def test_what_is_nobody_s_business_is_left_out(item: str) -> None:
    assert list(bands([Readiness(item=item, value="anything")])) == []


@pytest.mark.parametrize(
    ("line", "band"),
    [(None, "not known"), (0, "not known"), (1, "1"), (2, "2"), (3, "3+"), (9, "3+")],
)
def test_lines_become_bands(line: int | None, band: str) -> None:
    assert line_band(line) is LineBand(band)


@pytest.mark.parametrize(
    ("state", "stage"),
    [
        (State.SUSPECTED, Stage.SUSPECTED),
        (State.CONFIRMED, Stage.CONFIRMED),
        (State.WINDOW, Stage.WINDOW),
        (State.RETRACTED, Stage.WITHDRAWN),
        (State.REFUTED, Stage.WITHDRAWN),
        (State.INFO, None),
        (State.OVERDUE, None),
    ],
)
def test_what_is_of_use_to_a_trial_is_told(state: State, stage: Stage | None) -> None:
    found = notice(state)
    assert (None if found is None else found.stage) == stage


def test_other_rules_and_conditions_are_not_shared() -> None:
    assert notice(rule="RULE-b") is None
    assert notice(course=COURSE.model_copy(update={"condition": "hiv"})) is None
    assert notice(course=COURSE.model_copy(update={"condition": None})) is None


def test_names_are_of_the_key_and_tell_findings_of_one_patient_together() -> None:
    first, second = notice(), notice(name="a2", rule="RULE-a1")
    assert first is not None
    assert second is not None
    assert first.subject == second.subject
    assert first.finding != second.finding
    other = replace(SHARING, key=b"j" * 32)
    assert pseudonym(other, "subject", "HOSP|1") != pseudonym(SHARING, "subject", "HOSP|1")
    assert pseudonym(SHARING, "course", "a", "bc") != pseudonym(SHARING, "course", "ab", "c")


def test_days_are_shifted_and_what_is_not_known_to_the_day_is_not_told() -> None:
    found = notice(onset=START - DAY, act_by=START + 9 * DAY)
    assert found is not None
    shift = shift_of("HOSP|000001", SHARING)
    assert found.known_on == START.date() + shift
    assert found.act_by == (START + 9 * DAY).date() + shift
    vague = notice(onset="2025-11")
    assert vague is not None
    assert vague.evidence_on is None


def test_a_notice_fits_what_is_published_of_it() -> None:
    schema = json.loads((FOLDER / "research-notice.v1.json").read_text())
    found = notice(readiness=[{"item": "ecog", "value": "1"}])
    assert found is not None
    said = json.loads(found.to_json())
    assert list(Draft202012Validator(schema).iter_errors(said)) == []
    assert list(Draft202012Validator(schema).iter_errors(said | {"name": "x"})) != []


# -- the site's file

GOOD = "rules: [a]\nconditions: [cml]\nkey_file: key\n"


def test_a_site_without_the_file_shares_nothing(tmp_path: Path) -> None:
    assert load_sharing(tmp_path / "research.yaml") is None


@pytest.mark.parametrize(
    ("text", "key", "told"),
    [
        (GOOD, "ab" * 31, "64 hexadecimal digits"),
        (GOOD, "secret words", "64 hexadecimal digits"),
        (GOOD, None, "key_file"),
        (GOOD + "shift_days: 3\n", "ab" * 32, "shift_days"),
        (GOOD + "names: yes\n", "ab" * 32, "unknown key 'names'"),
        ("rules: []\nconditions: [cml]\nkey_file: key\n", "ab" * 32, "rules"),
        ("rules: [a\n", "ab" * 32, "not YAML"),
    ],
)
def test_mistakes_are_named(text: str, key: str | None, told: str, tmp_path: Path) -> None:
    (tmp_path / "research.yaml").write_text(text)
    if key is not None:
        (tmp_path / "key").write_text(key)
    with pytest.raises(OperatorError, match=told) as caught:
        load_sharing(tmp_path / "research.yaml")
    assert "secret words" not in str(caught.value)


def test_the_file_says_what_is_shared(tmp_path: Path) -> None:
    (tmp_path / "research.yaml").write_text(GOOD + "shift_days: 90\n")
    (tmp_path / "key").write_text("ab" * 32 + "\n")
    found = load_sharing(tmp_path / "research.yaml")
    assert found == Sharing(frozenset({"a"}), frozenset({"cml"}), 90, bytes.fromhex("ab" * 32))
    assert "abab" not in repr(found)
