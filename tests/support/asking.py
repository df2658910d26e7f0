"""A rule of one question, and results of days to put it to."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from schemas.events import EVENT
from services.detector.adapters.replay import ReplayResult, replay
from services.detector.language.checker import check
from services.detector.language.compiler import compile_rule
from services.detector.language.reader import read_rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.events import ClinicalEvent
    from services.detector.language.spec import Rule

BEGIN = date(2024, 1, 1)
_TEXT = """
rule: TEST-QUESTION
title: A question
kind: failure
plain: A question
reads: {{{analyte}: {{analyte: {analyte}}}}}
criteria:
  - name: question
    each: {analyte}
    confirmed: "{when}"
    value: "{value}"
severity: {{default: advisory}}
sentence: A question.
misses: [nothing]
false_alarms: [nothing]
source: [{{cite: none}}]
"""


def result(day: int, analyte: str, **said: object) -> ClinicalEvent:
    """A result of a day after BEGIN, reported at noon."""
    on = (BEGIN + timedelta(days=day)).isoformat()
    fields: dict[str, object] = {
        "type": "observation",
        "event_id": f"E{day}",
        "patient_id": "HOSP|1",
        "source": "LAB",
        "effective_at": on,
        "issued_at": f"{on}T12:00:00Z",
        "analyte": analyte,
    }
    return EVENT.validate_python(fields | said)


def psa(day: int, value: str, **said: object) -> ClinicalEvent:
    """In ng/mL; `<` or `>` before the number is its comparator."""
    sign = value[0] if value[0] in "<>" else None
    number = value.lstrip("<>")
    return result(day, "psa", **({"unit": "ng/mL", "value": number, "comparator": sign} | said))


def asked(
    when: str, events: Iterable[ClinicalEvent], *, analyte: str = "psa", value: str = "1"
) -> ReplayResult:
    """What is told when `when` is a finding, which is worth `value`.

    Raises:
        AssertionError: the checker has something to say of the question.
    """
    rule = _rule(when, analyte, value)
    assert [str(mistake) for mistake in check(rule)] == []
    return replay(list(events), (compile_rule(rule),))


def days(told: ReplayResult) -> list[int]:
    """On which days after BEGIN something was told."""
    return [(revision.at.date() - BEGIN).days for revision in told.revisions]


def mistakes(when: str) -> list[str]:
    """What the checker says of a question about PSA."""
    return [str(mistake) for mistake in check(_rule(when, "psa", "1"))]


def _rule(when: str, analyte: str, value: str) -> Rule:
    return read_rule(_TEXT.format(when=when, analyte=analyte, value=value), "test-question.yaml")
