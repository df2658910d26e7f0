# ruff: noqa: E501  # one case in one line, its message whole
"""A file becomes a rule, or all that is wrong with its form is told at once."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from services.detector.language.ast import Duration, Name, Node, Place, Quantity
from services.detector.language.checker import check
from services.detector.language.errors import RuleErrors
from services.detector.language.expressions import parse_expression
from services.detector.language.reader import read_rule, read_rules
from services.detector.language.spec import (
    Anchor,
    Arm,
    Grading,
    Leg,
    Milestone,
    Missing,
    Nearest,
    Pattern,
    Refute,
    Sequence,
    Tiers,
)

FILE = "prost-test.yaml"
HEAD = "rule: X\ntitle: t\nkind: failure\nplain: p\nreads: {psa: {analyte: psa}}\ncriteria:\n"


def expression(text: str) -> Node:
    return parse_expression(text, Place("", 1, 1))


def test_the_frame_is_read_whole(good: str) -> None:
    rule = read_rule(good, FILE)

    assert (rule.id, rule.kind, rule.clock) == ("PROST-TEST", "failure", ("last", "completed"))
    assert (rule.conditions, rule.modalities) == (("prostate-cancer",), ("surgery",))
    assert rule.ends == ("new-line", "stopped")
    assert [p.value for p in rule.params] == [
        Quantity(Decimal("0.20"), "ng/mL"),
        Duration(7, "d"),
        Name("who"),
    ]
    assert rule.params[0].confidence == "H"
    assert [s.kind for s in rule.series] == [
        "observation",
        "imaging",
        "treatment",
        "observation",
        "observation",
    ]
    assert rule.series[2].own
    assert rule.sentence == "PSA {value} {unit} on {date}, clock {clock}."
    assert rule.sentences == (("refuted", "It fell again."),)
    assert rule.source[0].cite == "Cookson 2007, J Urol 177:540"


def test_a_parameter_may_give_a_duration_of_the_frame(good: str) -> None:
    rise = read_rule(good, FILE).criteria[0]

    assert isinstance(rise, Pattern)
    assert rise.confirm is not None
    assert rise.confirm.after == Duration(7, "d")
    assert rise.confirm.after.param == "gap"


def test_every_place_is_kept(good: str) -> None:
    rule = read_rule(good, FILE)
    lines = good.splitlines()

    def at(path: str) -> str:
        place = rule.place_of(path)
        return lines[place.line - 1][place.column - 1 :]

    assert at("severity.confirmed").startswith("confirmed: urgent")
    assert at("criteria.0.confirm.within").startswith("92 d")
    assert at("let.low").startswith("low: nadir")
    assert at("act_within.agreed.tier").startswith("salvage-rt")
    assert at("criteria.0.suspect.1.tag") == "rising"
    assert at("severity.no-such-state").startswith("{suspected")


def test_conditions_in_folded_text_keep_their_places(good: str) -> None:
    rise = read_rule(good, FILE).criteria[0]

    assert isinstance(rise, Pattern)
    when = rise.suspect[1].when
    assert good.splitlines()[when.place.line - 1][when.place.column - 1 :].startswith("psa > low")


def test_the_five_shapes() -> None:
    text = (
        HEAD
        + """\
  - name: a
    each: psa
    confirmed: {when: psa > 3 ng/mL, tag: t, grade: 2}
    refute: [psa < 1 ng/mL, {when: psa < 2 ng/mL, after: 7 d, confirmed: t, tag: u}]
    milestone: {from: clock + 3 mo, to: clock + 4 mo, missing: late}
  - name: b
    each: psa
    tiers: [{tag: early, when: psa >= 0.1 ng/mL}]
    rearm: 7 d
  - name: c
    missing: psa
    after: [{series: psa, if: psa > 3 ng/mL, due: date + 9 wk, tag: high}, {clock: true, due: clock + 7 mo}]
  - name: d
    sequence:
      first: {each: psa, when: it >= 3 uln}
      then: {each: [psa], when: it > 2 uln}
      within: 30 d
      unless: {nearest: psa, within: 7 d, when: it >= 2 uln}
      unless_missing: unknown
  - {name: e, grade: ctcae, version: 5, baseline_within: 28 d}
"""
    )
    a, b, c, d, e = read_rule(text, "x.yaml").criteria

    assert isinstance(a, Pattern)
    assert a.confirmed == (Arm(expression("psa > 3 ng/mL"), "t", 2),)
    assert a.refute == (
        Refute(expression("psa < 1 ng/mL")),
        Refute(expression("psa < 2 ng/mL"), Duration(7, "d"), "t", "u"),
    )
    assert a.milestone == Milestone(
        expression("clock + 3 mo"),
        expression("clock + 4 mo"),
        "late",
    )
    assert isinstance(b, Tiers)
    assert (b.arms[0].tag, b.state, b.rearm) == ("early", "window", Duration(7, "d"))
    assert isinstance(c, Missing)
    assert c.anchors == (
        Anchor(
            "psa",
            expression("date + 9 wk"),
            when=expression("psa > 3 ng/mL"),
            tag="high",
        ),
        Anchor(None, expression("clock + 7 mo")),
    )
    assert d == Sequence(
        "d",
        Leg(("psa",), expression("it >= 3 uln")),
        Leg(("psa",), expression("it > 2 uln")),
        Duration(30, "d"),
        Nearest(("psa",), Duration(7, "d"), expression("it >= 2 uln")),
        "unknown",
    )
    assert e == Grading("e", "ctcae", Quantity(Decimal(5)), Duration(28, "d"))


@pytest.mark.parametrize("never", ["never", "[]"])
def test_never_refuted_is_not_the_same_as_nothing_said(never: str) -> None:
    said = read_rule(
        HEAD + f"  - {{name: a, each: psa, suspect: x = y, refute: {never}}}\n", "x.yaml"
    )
    unsaid = read_rule(HEAD + "  - {name: a, each: psa, suspect: x = y}\n", "x.yaml")

    assert said.criteria != unsaid.criteria
    assert isinstance(said.criteria[0], Pattern)
    assert said.criteria[0].never_refuted


def test_a_clock_may_have_several_phases() -> None:
    text = HEAD.replace("plain: p", "plain: p\nclock: last completed or stopped")

    assert read_rule(text + "  []\n", "x.yaml").clock == ("last", "completed", "stopped")


SPOILT = [
    ("title: PSA", "titel: PSA", "2:1: unknown key 'titel', did you mean 'title'?"),
    ("kind: failure", "kind: failed", "3:7: unknown word 'failed', did you mean 'failure'?"),
    ("rule: PROST-TEST", "rule: prost test", "1:7: not a word (expected a single word)"),
    (
        "rule: PROST-TEST",
        "rule: prost-test",
        "1:7: 'prost-test' is not a rule's id (expected capitals, for example PROST-BCR-RP)",
    ),
    ("condition:", "conditions:", "5:10: unknown key 'conditions', did you mean 'condition'?"),
    (
        "last completed",
        "after completed",
        "6:8: not a clock (expected first or last, and a phase: 'last completed')",
    ),
    ("confidence: H}\n  gap", "confidence: X}\n  gap", "9:75: unknown word 'X' (expected H, C, CHOICE or E)"),
    ("gap: 7 d", "gap: 7 d + 1 d", "10:8: not a plain value (expected a number, a duration or a word)"),
    (
        "{analyte: psa, since",
        "{analyt: psa, since",
        "13:8: not a series (expected one of the keys analyte, imaging, treatment, adverse_event)",
    ),
    ("own: true", "own: yes", "15:61: unknown word 'yes' (expected true or false)"),
    ("phase: administered", "phase: given", "15:42: unknown word 'given' (expected planned, started, administered, held, reduced, completed or stopped)"),
    ("since: clock + 42 d", "since: clock + ", "13:37: the expression ends too early (expected a value)"),
    ("low: nadir(psa since clock)", "low: nadir(psa since)", "19:23: unexpected ')' (expected a value)"),
    ("    each: psa\n", "    each:\n", "22:5: 'each' is empty (expected a value, or no such key)"),
    ("{after: $gap,", "{after: $gapp,", "30:22: not a duration (expected for example 7 d, 4 wk or 6 mo)"),
    ("within: 92 d", "withn: 92 d", "30:28: unknown key 'withn', did you mean 'within'?"),
    ("          psa > low", "          psa >> low", "27:16: unexpected '>' (expected a value)"),
    ("refute: psa", "refutes: psa", "31:5: unknown key 'refutes', did you mean 'refute'?"),
    ("    each: [pet, liver]\n", "", "32:5: not a criterion (expected one of 'each', 'missing', 'sequence', 'grade')"),
    ("suspected: advisory", "suspected: mild", "37:23: unknown word 'mild' (expected critical, urgent, important or advisory)"),
    ("from: onset", "from: start", "38:41: unknown word 'start' (expected at or onset)"),
    ('{when: "pet.response in (PMD, NMR) or liver > 3 uln"', "{when: pet.response in (PMD, NMR)", "35:38: a comma in braces ends a value (expected quotes around an expression with a comma)"),
    ("{time: 90 d, ", "{", "38:22: no 'time' (expected the key 'time')"),
    ("  - infection", "  - ''", "42:5: no text here (expected text)"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "message"), SPOILT, ids=[m for _, _, m in SPOILT])
def test_a_mistake_of_form_is_told_with_its_place(
    good: str, right: str, wrong: str, message: str
) -> None:
    assert good.count(right) == 1
    with pytest.raises(RuleErrors) as caught:
        read_rule(good.replace(right, wrong), FILE)
    assert f"{FILE}:{message}" in str(caught.value).splitlines()


def test_all_mistakes_are_told_at_once_in_the_order_of_the_text(good: str) -> None:
    text = good.replace("kind: failure", "kind: x").replace("since: clock + 42 d", "since: +")
    with pytest.raises(RuleErrors) as caught:
        read_rule(text.replace("misses:", "mises:"), FILE)

    assert [e.place.line for e in caught.value.errors] == [3, 13, 40]


def test_several_files_are_read_in_order_and_their_mistakes_together(
    good: str, tmp_path: Path
) -> None:
    first, second, third = (tmp_path / name for name in ("a.yaml", "b.yaml", "c.yaml"))
    first.write_text(good, "utf-8")
    second.write_text(good.replace("PROST-TEST", "OTHER"), "utf-8")
    assert [rule.id for rule in read_rules([second, first])] == ["OTHER", "PROST-TEST"]

    second.write_text(good.replace("kind: failure", "kind: x"), "utf-8")
    third.write_bytes(b"\xff\xfe")
    with pytest.raises(RuleErrors) as caught:
        read_rules([first, second, third, first])
    told = [str(error).removeprefix(str(tmp_path)) for error in caught.value.errors]
    assert told[0].startswith("/a.yaml:1:7: a second rule PROST-TEST")
    assert told[1].startswith("/b.yaml:3:7: unknown word 'x'")
    assert told[2] == "/c.yaml:1:1: not text (expected UTF-8)"


def test_the_examples_of_the_document_are_rules() -> None:
    document = Path(__file__).parents[4] / "docs" / "rule-language.md"
    example = re.findall(r"```yaml\n(rule: .*?)```", document.read_text("utf-8"), re.DOTALL)[0]

    rule = read_rule(example, "prost-bcr-rp.yaml")
    assert check(rule) == []
