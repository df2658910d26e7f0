"""Watching more closely: one severity higher, with the reason among the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.small_rules import lab, last, mistakes, small_rule, start, told

if TYPE_CHECKING:
    from services.detector.language.spec import Rule

CRITERIA = "- {name: high, each: psa, confirmed: psa > 4 ng/mL}"
COURSE = small_rule(
    "psa: {analyte: psa}", CRITERIA, course=True, more="closer_watch: course.line >= 2\n"
)
PERSON = small_rule(
    "therapy: {treatment: any}\npsa: {analyte: psa}",
    CRITERIA,
    more="closer_watch: exists(therapy where therapy.line >= 2)\n",
)
RESULT = lab("psa", "2024-02-01", "5", "ng/mL")


@pytest.mark.parametrize("rule", [COURSE, PERSON], ids=["course", "patient"])
@pytest.mark.parametrize(
    ("line", "severity"), [(1, "important"), (2, "urgent"), (3, "urgent"), (None, "important")]
)
def test_from_the_second_line_on_it_counts_for_more(
    rule: Rule, line: int | None, severity: str
) -> None:
    revision = last(told(rule, start("2024-01-01", line=line), RESULT))
    assert revision.severity == severity
    named = "start-c" in {e.event_id for e in revision.evidence}
    assert named or severity == "important"


def test_critical_stays_critical() -> None:
    grave = small_rule(
        "psa: {analyte: psa}",
        "- {name: high, each: psa, confirmed: [{when: psa > 4 ng/mL, severity: critical}]}",
        course=True,
        more="closer_watch: course.line >= 2\n",
    )
    assert last(told(grave, start("2024-01-01", line=2), RESULT)).severity == "critical"


def test_a_line_that_was_an_error_takes_it_back() -> None:
    begun = start("2024-01-01", line=2)
    again = begun | {"line": 1, "issued_at": "2024-03-01T12:00:00Z", "status": "corrected"}
    assert last(told(COURSE, begun, RESULT, again)).severity == "important"


def test_it_has_to_be_a_condition() -> None:
    wrong = small_rule("psa: {analyte: psa}", CRITERIA, more="closer_watch: 7 d\n")
    assert mistakes(wrong) == ["this is a duration"]
