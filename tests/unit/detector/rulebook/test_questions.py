"""Cases that ask no rule: each question is answered by what the rules themselves use."""

from __future__ import annotations

import pytest

from services.detector.rulebook.cases import parse_cases
from services.detector.rulebook.runner import Outcome, Status, run_case


def asked(question: str, context: str, expect: str) -> Outcome:
    text = f"rule: {question}\ncases:\n- {{id: A, ctx: {context}, obs: [], expect: {expect}}}\n"
    return run_case(parse_cases(text, "x")[0], ())


@pytest.mark.parametrize(
    ("question", "context", "right", "wrong"),
    [
        (
            "u.convert",
            "{analyte: creat, v: 1.4, from: mg/dL, to: umol/L}",
            "{value: 123.76}",
            "{value: 123.77}",
        ),
        ("u.derive", "{f: ckdepi2021, s: 1.2, age: 60, sex: M}", "{value: 69.2}", "{value: 69.3}"),
        ("u.parse", "{s: <20}", "{kind: left, n: 20, detected: null}", "{detected: true}"),
        ("u.compare", "{s: <20, op: <, c: 10}", "{value: unknown}", "{value: 'false'}"),
        (
            "u.status",
            "{msgs: [{st: P, v: 5, n: 1}, {st: U, n: 2}]}",
            "{usable: true, value: 5}",
            "{usable: false}",
        ),
        ("u.uln", "{range: <40}", "{value: 40}", "{value: null}"),
    ],
)
def test_a_right_answer_passes_and_a_wrong_one_fails(
    question: str, context: str, right: str, wrong: str
) -> None:
    assert asked(question, context, right).status is Status.PASSED
    failed = asked(question, context, wrong)
    assert (failed.status, failed.reason) == (Status.FAILED, "the answer differs")
    assert failed.expected != failed.got


@pytest.mark.parametrize(
    ("question", "context", "told"),
    [
        ("u.convert", "{analyte: creat, v: many, from: mg/dL, to: umol/L}", "`v` is not a number"),
        ("u.convert", "{analyte: nonsense, v: 1, from: mg/dL, to: umol/L}", "no such `analyte`"),
        ("u.convert", "{analyte: creat, v: 1, from: mg/dL}", "`to` is missing"),
        ("u.derive", "{f: nonsense}", "no such formula"),
        ("u.derive", "{f: corr_ca, ca: 1, alb: 1, u: g}", "ctx: `u`"),
        ("u.status", "{msgs: [{st: F, v: 6}]}", "a message without its number"),
    ],
)
def test_a_question_that_makes_no_sense_says_so(question: str, context: str, told: str) -> None:
    outcome = asked(question, context, "{value: 1}")
    assert outcome.status is Status.FAILED
    assert told in outcome.reason


def test_only_fields_of_the_answer_can_be_expected() -> None:
    assert "unknown key of `expect`" in asked("u.parse", "{s: '1'}", "{state: none}").reason
    assert "a mapping" in asked("u.parse", "{s: '1'}", "[]").reason
