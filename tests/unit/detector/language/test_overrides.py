# ruff: noqa: E501  # one case in one line, its message whole
"""A site's file changes rules, or says what is wrong with it; a version follows the meaning."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from services.detector.language.ast import Duration, Name, Quantity
from services.detector.language.errors import RuleErrors
from services.detector.language.overrides import apply, version, with_parameters
from services.detector.language.reader import read_rule
from services.detector.language.spec import Pattern

if TYPE_CHECKING:
    from services.detector.language.spec import Rule
    from services.detector.language.vocabulary import Terminology

FILE = "prost-test.yaml"


@pytest.fixture
def rule(good: str) -> Rule:
    return read_rule(good, FILE)


def only(rule: Rule, text: str, terminology: Terminology) -> Rule:
    (changed,) = apply([rule], text, "site.yaml", terminology)
    return changed


@pytest.mark.parametrize("text", ["", "\n", "rules: {}", "rules: {PROST-TEST: {}}"])
def test_a_site_that_wants_nothing_changes_nothing(
    rule: Rule, text: str, terminology: Terminology
) -> None:
    assert only(rule, text, terminology) == rule


def test_a_rule_is_switched_off(rule: Rule, terminology: Terminology) -> None:
    text = "rules: {PROST-TEST: {enabled: false}}"

    assert apply([rule], text, "site.yaml", terminology) == ()


def test_a_parameter_and_a_severity_are_changed(rule: Rule, terminology: Terminology) -> None:
    text = "rules: {PROST-TEST: {params: {threshold: 0.4 ng/mL, profile: ias}, severity: {agreed: critical}}}"
    changed = only(rule, text, terminology)

    assert [p.value for p in changed.params] == [
        Quantity(Decimal("0.4"), "ng/mL"),
        Duration(7, "d"),
        Name("ias"),
    ]
    assert changed.params[0].about == "from the guideline"
    assert changed.severity == (*rule.severity, ("agreed", "critical"))
    assert changed.criteria == rule.criteria


def test_a_duration_of_the_frame_follows_its_parameter(
    rule: Rule, terminology: Terminology
) -> None:
    changed = only(rule, "rules: {PROST-TEST: {params: {gap: 2 wk}}}", terminology)

    rise = changed.criteria[0]
    assert isinstance(rise, Pattern)
    assert rise.confirm is not None
    assert rise.confirm.after == Duration(2, "wk")
    assert rise.confirm.within == Duration(92, "d")


def test_the_sites_severity_counts_before_the_one_beside_a_condition(
    good: str, terminology: Terminology
) -> None:
    rule = read_rule(good.replace("tag: high}", "tag: high, severity: urgent}"), FILE)
    changed = only(rule, "rules: {PROST-TEST: {severity: {high: advisory}}}", terminology)

    rise = changed.criteria[0]
    assert isinstance(rise, Pattern)
    assert [arm.severity for arm in rise.suspect] == ["advisory", None]


WRONG = [
    ("{PROST-TES: {}}", "1:9: unknown rule 'PROST-TES', did you mean 'PROST-TEST'?"),
    ("{PROST-TEST: {enable: false}}", "1:22: unknown key 'enable', did you mean 'enabled'?"),
    ("{PROST-TEST: {enabled: no}}", "1:31: unknown word 'no' (expected true or false)"),
    ("{PROST-TEST: {params: {thresh: 3}}}", "1:31: unknown parameter 'thresh', did you mean 'threshold'?"),
    ("{PROST-TEST: {params: {threshold: 3 d}}}", "1:42: 'threshold' is a duration (expected a number)"),
    ("{PROST-TEST: {params: {gap: 3 ng/mL}}}", "1:36: 'gap' is a number (expected a duration)"),
    ("{PROST-TEST: {params: {gap: 3 + 3}}}", "1:36: not a plain value (expected a number, a duration or a word)"),
    (
        "{PROST-TEST: {params: {threshold: 3 mg/kg}}}",
        "1:42: with this, PROST-TEST makes no sense: 'mg/kg' does not measure psa (prost-test.yaml:25:23) (expected for example ng/mL)",
    ),
    (
        "{PROST-TEST: {params: {threshold: 0.4 ng/mL, gap: 20 wk}}}",
        "1:58: with this, PROST-TEST makes no sense: 'within' is shorter than 'after' (prost-test.yaml:30:36) (expected a longer one)",
    ),
    ("{PROST-TEST: {severity: {confirmed: mild}}}", "1:44: unknown word 'mild' (expected critical, urgent, important or advisory)"),
    (
        "{PROST-TEST: {severity: {confirmd: urgent}}}",
        "1:33: with this, PROST-TEST makes no sense: unknown state or tag 'confirmd', did you mean 'confirmed'? (prost-test.yaml:37:11)",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[m for _, m in WRONG])
def test_a_mistake_of_the_site_is_told_where_the_site_made_it(
    rule: Rule, text: str, message: str, terminology: Terminology
) -> None:
    with pytest.raises(RuleErrors) as caught:
        apply([rule], f"rules: {text}\n", "site.yaml", terminology)
    assert str(caught.value).splitlines() == [f"site.yaml:{message}"]


def test_a_parameter_that_is_not_there_is_no_parameter(rule: Rule) -> None:
    with pytest.raises(KeyError, match="nothing_like_it"):
        with_parameters(rule, {"nothing_like_it": Duration(3, "d")})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kind: failure", "kind:   failure  # a comment"),
        ("0.20 ng/mL", "0.2 ng/mL"),
        ("psa > low + 0.1 ng/mL and", "(psa>low+0.10 ng/mL)\n          and"),
        (
            "{suspected: advisory, confirmed: urgent}",
            "\n  suspected: advisory\n  confirmed: urgent",
        ),
    ],
)
def test_a_version_does_not_follow_layout(good: str, old: str, new: str) -> None:
    assert good.count(old) == 1
    assert version(read_rule(good.replace(old, new), "x.yaml")) == version(read_rule(good, FILE))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.20 ng/mL", "0.21 ng/mL"),
        ("psa >= $threshold", "psa > $threshold"),
        ("gap: 7 d", "gap: 8 d"),
        ("on {date}", "of {date}"),
        ("last completed", "first completed"),
    ],
)
def test_a_version_follows_the_meaning(good: str, old: str, new: str) -> None:
    assert version(read_rule(good.replace(old, new, 1), FILE)) != version(read_rule(good, FILE))


def test_a_version_is_16_hex_digits_and_follows_the_site(
    rule: Rule, terminology: Terminology
) -> None:
    changed = only(rule, "rules: {PROST-TEST: {params: {gap: 8 d}}}", terminology)

    assert len(version(rule)) == 16
    assert int(version(rule), 16) >= 0
    assert version(changed) != version(rule)
