"""Strategies: rules that nobody wrote, of all shapes that the language has.

The rules that come with the software use a part of what a rule may say. A hospital's own rules may
use all of it, so the promises of the engine are asked of rules made up by chance as well.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from services.detector.language import checker
from services.detector.language.compiler import compile_rule
from services.detector.language.reader import read_rule
from support.stories import Lab, Step, Story

if TYPE_CHECKING:
    from services.detector.engine.rule import CompiledRule

STORY = Story(
    "MADE-UP",
    "nsclc",
    Step("one", "chemotherapy", "started", "cisplatin-pemetrexed", 1),
    (
        Step("one", "chemotherapy", "started", "pemetrexed", 1),
        Step("one", "chemotherapy", "administered", "cisplatin", 1),
        Step("one", "chemotherapy", "completed", None, 1),
        Step("one", "chemotherapy", "stopped"),
        Step("two", "chemotherapy", "started", "docetaxel", 2),
        Step("three", "radiotherapy", "completed", None, 1),
    ),
    (0, 0, 1, 3, 7, 10, 20, 40),
    {
        "psa": Lab("ng/mL", ("0.5", "1", "2", "2", "3", "4", "5", "8"), other=("ug/L", "1")),
        "alp": Lab("U/L", ("40", "50", "100", "101", "200"), ("50", "100")),
    },
    scans=(
        {"modality": "CT", "response": "PD"},
        {"modality": "CT", "response": "SD", "sum_of_diameters_mm": "20"},
        {"modality": "CT", "sum_of_diameters_mm": "26", "new_lesions": ["unequivocal"]},
    ),
    codes=(("biopsy", "positive"), ("biopsy", "neg")),
)
"""What may happen to somebody whom such a rule watches."""

_OF_PSA = (
    "psa >= 2 ng/mL",
    "psa > 3 ng/mL",
    "psa < 2 ng/mL",
    "psa >= nadir(psa) + 1 ng/mL",
    "psa >= 1.5 * nadir(psa where it > 0.5 ng/mL)",
    "psa >= confirmed_nadir(psa) + 1 ng/mL",
    "psa < peak(psa)",
    "psa > peak(psa within 20 d)",
    "psa > previous(psa)",
    "psa >= 2 * median(psa within 40 d)",
    "psa > first(psa)",
    "rises(psa, 2)",
    "count(psa) >= 2",
    "exists(psa where it < 1 ng/mL or below_limit(it, 2 ng/mL))",
    "exists(psa within 10 d where it >= 4 ng/mL)",
    "doubling_time(psa within 90 d, 3, 14 d, 3 d) < 90",
    "days_since(last(alp)) <= 20 d",
    "date(last(scan)) <= date",
)
_OF_PSA_AND_CLOCK = (
    "day >= 20 d",
    "date <= clock + 2 mo",
    "psa >= nadir(psa after clock) + 1 ng/mL",
    "psa >= 2 * baseline(psa)",
    "not (psa <= baseline(psa))",
    "count(psa since clock) >= 2",
    "psa > last(psa until clock + 30 d)",
    "course.line >= 2 or course.regimen = docetaxel",
)
_OF_SCAN = ("scan.response = PD", "scan.new_lesions has unequivocal", "scan.sum >= 20 mm")
_DAYS = ("1 d", "3 d", "7 d", "20 d", "40 d")


class _Writer:
    """Writes parts of a rule, as chance has it."""

    def __init__(self, draw: st.DrawFn, *, per_course: bool) -> None:
        self._draw = draw
        self._per_course = per_course
        self._psa = _OF_PSA + (_OF_PSA_AND_CLOCK if per_course else ())

    def one(self, *choices: Any) -> Any:
        return self._draw(st.sampled_from(choices))

    def maybe(self, what: Any) -> Any:
        return what() if self._draw(st.booleans()) else None

    def days(self) -> str:
        return str(self.one(*_DAYS))

    def when(self) -> str:
        """A condition on a PSA, sometimes of two parts."""
        first, second = self.one(*self._psa), self.one(*self._psa)
        shape = self.one("{0}", "{0}", "{0} and {1}", "{0} or {1}", "not ({0})")
        return str(shape).format(first, second)

    def arms(self, *tags: str) -> list[dict[str, Any]]:
        count = self._draw(st.integers(1, len(tags)))
        return [_said(when=self.when(), tag=tag) for tag in tags[:count]]

    def criterion(self, name: str) -> dict[str, Any]:
        shapes = (self.pattern, self.pattern, self.tiers, self.missing, self.sequence, self.scans)
        return _said(name=name, **self.one(*shapes)())

    def pattern(self) -> dict[str, Any]:
        confirm = self.maybe(self.confirm)
        sure = self.maybe(lambda: self.arms("sure"))
        refute = self.one(None, None, *(("never", self.refute(sure=sure)) if confirm else ()))
        return {
            "each": "psa",
            "if": self.maybe(self.when),
            "suspect": self.arms("low", "high"),
            "confirmed": sure,
            "confirm": confirm,
            "refute": refute,
            "reset": self.maybe(self.when),
            "milestone": self.maybe(self.milestone) if self._per_course else None,
            "tags": self.maybe(lambda: self.arms("named")) if sure or confirm else None,
        }

    def confirm(self) -> dict[str, Any]:
        after, within = self.one(("1 d", "20 d"), ("7 d", "40 d"), ("7 d", None), ("0 d", None))
        return _said(
            within=within,
            gap=self.maybe(self.days),
            not_before="clock + 20 d" if self._per_course and self.one(0, 1) else None,
            when=self.maybe(self.when),
            tag=self.one("twice", None),
            across_lines=True if self._per_course and self.one(0, 1) else None,
            **{self.one("after", "more_than"): after},
        )

    def refute(self, *, sure: object) -> list[dict[str, Any]]:
        ways = [_said(when=self.when(), after=self.maybe(self.days), tag=self.one("gone", None))]
        if sure:
            ways.append(_said(when=self.when(), confirmed="sure", tag=self.one("over", None)))
        return ways

    def milestone(self) -> dict[str, Any]:
        return _said(**{"from": "clock + 5 d", "to": "clock + 1 mo"}, missing=self.one("m", None))

    def tiers(self) -> dict[str, Any]:
        return {
            "each": "psa",
            "if": self.maybe(self.when),
            "tiers": self.arms("first", "second", "third"),
            "state": self.one("window", "confirmed"),
            "rearm": self.maybe(self.days),
        }

    def missing(self) -> dict[str, Any]:
        anchors = [
            _said(
                series=self.one("psa", "alp", "scan"),
                due="date + 20 d",
                valid_from=self.one(None, "date + 1 d"),
                tag="late",
            ),
            {"series": "psa", "if": self.when(), "due": "date + 1 mo", "tag": "later"},
        ]
        if self._per_course:
            anchors.append({"clock": True, "due": "clock + 1 mo", "tag": "start"})
        return {"missing": self.one("psa", "alp", "scan"), "after": anchors[self.one(0, 1) :]}

    def sequence(self) -> dict[str, Any]:
        unless = _said(
            nearest="alp", within=self.days(), when=self.one("it >= 2 uln", "it < 1 uln")
        )
        against = self.one(None, unless)
        return {
            "sequence": _said(
                first={"each": "psa", "when": "it >= 2 ng/mL"},
                then=self.one(
                    {"each": "alp", "when": "it > 1 uln"}, {"each": "psa", "when": "it < 2 ng/mL"}
                ),
                within=self.days(),
                unless=against,
                unless_missing=None if against is None else self.one(None, "alp_unknown"),
            )
        }

    def scans(self) -> dict[str, Any]:
        return {
            "each": ["scan", "biopsy"],
            "confirmed": [{"when": self.one(*_OF_SCAN), "tag": "seen"}],
            "suspect": [{"when": self.one(*_OF_SCAN), "tag": "doubtful"}],
            "confirm": self.one(None, {"after": "0 d", "when": "biopsy = positive"}),
            "refute": self.one("never", [{"when": "biopsy = neg"}]),
        }


def _said(**said: Any) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None}


@st.composite
def rules(draw: st.DrawFn) -> CompiledRule:
    """A rule of one to three criteria, for a course of treatment or the whole patient."""
    per_course = draw(st.booleans())
    writer = _Writer(draw, per_course=per_course)
    names = ("a", "b", "c")[: draw(st.integers(1, 3))]
    text = json.dumps(_rule(writer, names, per_course=per_course))
    rule = read_rule(text, "made-up.yaml")
    assert not checker.check(rule), text  # a rule that a hospital could write
    return compile_rule(rule)


def _rule(writer: _Writer, names: tuple[str, ...], *, per_course: bool) -> dict[str, Any]:
    course = {
        "course": {"condition": "nsclc", "modality": "chemotherapy"},
        "clock": writer.one("first started", "last started or administered", "last completed"),
        "ends": writer.one("new-line", ["stopped", "new-line"], ["scan"], []),
    }
    criteria = [writer.criterion(name) for name in names]
    series = {
        "psa": _said(
            analyte="psa",
            since=writer.one(None, "clock + 10 d") if per_course else None,
            unless=writer.one(None, None, "exists(scan within 3 d)", "psa > 5 ng/mL"),
        ),
        "alp": {"analyte": "alp"},
        "scan": {"imaging": "any"},
        "biopsy": {"analyte": "biopsy"},
    }
    used = json.dumps([criteria, course if per_course else {}])
    if "psa" in used:
        used += json.dumps(series["psa"])
    return {
        "rule": "MADE-UP",
        "title": "A rule made up by chance",
        "kind": writer.one("failure", "intolerance"),
        "plain": "Whatever chance says.",
        **(course if per_course else {}),
        "reads": {name: what for name, what in series.items() if name in used},
        "criteria": criteria,
        "severity": {"default": "important"},
        "sentence": "{value} on {date}.",
        "misses": ["much"],
        "false_alarms": ["many"],
        "source": [{"cite": "nobody", "confidence": "E"}],
    }
