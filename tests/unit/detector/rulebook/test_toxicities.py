"""Words of cases about toxicity become facts that a hospital could have sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.small_rules import small_rule

from services.detector.language.errors import RuleError
from services.detector.rulebook.cases import parse_cases
from services.detector.rulebook.facts import events_of

if TYPE_CHECKING:
    from services.detector.language.spec import Rule

RULE = small_rule("psa: {analyte: psa}", "- {name: high, each: psa, confirmed: psa > 4 ng/mL}")
CASE = """
rule: SMALL
cases:
- id: X
  ctx: {ctx}
  obs:
  - {obs}
  expect: {{state: none}}
"""


def events(ctx: str, obs: str, rule: Rule = RULE) -> list[dict[str, Any]]:
    (case,) = parse_cases(CASE.format(ctx=ctx, obs=obs), "x.yaml")
    return [event.model_dump(exclude_none=True, mode="json") for _, event in events_of(case, rule)]


def test_age_is_a_birth_date() -> None:
    told, _ = events("{age: 68}", "{t: 2024-02-29, psa: 1}")
    assert (told["type"], told["birth_date"]) == ("patient", "1956-02-28")


def test_an_age_is_in_whole_years() -> None:
    with pytest.raises(RuleError, match="`age`"):
        events("{age: old}", "{t: 2024-02-01, psa: 1}")


def test_weight_and_strain_before_treatment_are_results() -> None:
    told = events("{kg: 70, gls0: -20}", "{t: 2024-02-10, psa: 1}")
    assert {(e["analyte"], str(e["value"]), e["effective_at"]) for e in told[:2]} == {
        ("weight", "70", "2024-02-10"),
        ("gls", "-20", "2024-02-08"),
    }


def test_falling_is_a_higher_count_before_and_a_dose() -> None:
    told = {e["type"]: e for e in events("{falling: true}", "{t: 2024-02-10, anc: 0.5}")[:2]}
    assert told["observation"]["effective_at"] == "2024-02-08"
    assert told["treatment"]["phase"] == "administered"
    assert len(events("{falling: false}", "{t: 2024-02-10, anc: 0.5}")) == 1


def test_adverse_events_and_symptoms() -> None:
    (told,) = events("{}", "{t: 2024-02-10, event: ae, term: Nausea, grade: 2}")
    assert (told["type"], told["term"], told["grade"]) == ("adverse_event", "Nausea", 2)
    (told,) = events("{}", "{t: 2024-02-10, event: sx, group: rash}")
    assert told["term"] == "Rash maculo-papular"
    with pytest.raises(RuleError, match="without a term"):
        events("{}", "{t: 2024-02-10, event: ae}")


def test_nobody_means_a_bare_qt_interval_by_a_baseline() -> None:
    course = small_rule(
        "qt: {analyte: qt}", "- {name: x, each: qt, confirmed: qt > 1 ms}", course=True
    )
    told = events("{base: 440}", "{t: '2024-02-10T09:00', qt: 400, hr: 100}", course)
    assert [e["analyte"] for e in told if e["type"] == "observation"] == ["qtc", "qt", "heart_rate"]


def test_what_one_line_tells_comes_in_one_message() -> None:
    line = events("{}", "{t: '2024-02-10T09:00', qtcf: 530, qrs: 120}")
    assert len({event["issued_at"] for event in line}) == 1
    both = events("{}", "{t: 2024-02-10, psa: 1}\n  - {t: 2024-02-10, psa: 2}")
    assert len({event["issued_at"] for event in both}) == 2
