"""A small rule and its cases, for looking at the tools that look at rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detector.language.reader import read_rule
from services.detector.rulebook.cases import Case, parse_cases

if TYPE_CHECKING:
    from services.detector.language.spec import Rule

TEXT = """\
rule: SMALL-RISE
title: A small rise
kind: failure
plain: PSA of 0.2 ng/mL or more, twice.
course: {condition: prostate-cancer, modality: surgery}
clock: last completed
params:
  threshold: {value: 0.2 ng/mL, about: "made up", confidence: E}
  gap: {value: 7 d, about: "made up", confidence: E}
reads:
  psa: {analyte: psa, since: clock + 42 d}
criteria:
  - name: rise
    each: psa
    suspect: psa >= $threshold
    confirm: {after: $gap}
severity: {suspected: advisory, confirmed: urgent}
act_within: {default: {time: 30 d, from: at, tier: look, evidence: "none"}}
sentence: "PSA {value} on {date}."
misses: [everything else]
false_alarms: [many]
source: [{cite: "made up", confidence: E}]
"""

CASES = """\
rule: SMALL-RISE
cases:
- id: fires
  ctx: {rp: 2021-02-01}
  obs:
  - {t: 2022-04-01, psa: 0.20}
  - {t: 2022-04-08, psa: 0.20}
  expect:
  - {at: 2022-04-01, state: suspected, onset: 2022-04-01}
  - {at: 2022-04-08, state: confirmed, onset: 2022-04-01}
"""

SILENT = """\
- id: just-below
  ctx: {rp: 2021-02-01}
  obs:
  - {t: 2022-04-01, psa: 0.19}
  expect: []
"""


def small_rule(text: str = TEXT) -> Rule:
    """The rule, or a variation of its text."""
    return read_rule(text, "small-rise.yaml")


def small_cases(*more: str) -> tuple[Case, ...]:
    """The case in which it fires, and further ones."""
    return parse_cases(CASES + "".join(more), "small-rise.cases.yaml")
