"""Doubling, halving, standing still, lesions: the catalogue's numbers, asked in the language."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from schemas.events import EVENT
from services.detector.adapters.replay import replay
from services.detector.language.checker import check
from services.detector.language.compiler import compile_rule
from services.detector.language.reader import read_rule

if TYPE_CHECKING:
    from schemas.events import ClinicalEvent
    from services.detector.engine.rule import CompiledRule

FRAME = """
rule: TEST-CURVE
title: A curve
kind: failure
plain: A curve
reads: {{{reads}}}
criteria:
  - name: curve
    each: {each}
    tiers:
{tiers}
severity: {{default: advisory}}
sentence: A curve.
misses: [nothing]
false_alarms: [nothing]
source: [{{cite: none}}]
"""
MONTHS = (15, 12, 10, 9, 6, 3)
FIT = "doubling_time(psa within 365 d where it >= 0.1 ng/mL, 3, 90 d, 28 d)"


def rule(tiers: dict[str, str], each: str = "psa") -> CompiledRule:
    lines = [f'      - {{tag: {tag}, when: "{when}"}}' for tag, when in tiers.items()]
    series = {"psa": "psa: {analyte: psa}", "bone": "bone: {imaging: NM}"}[each]
    text = FRAME.format(each=each, tiers="\n".join(lines), reads=series)
    read = read_rule(text, "test-curve.yaml")
    assert [str(mistake) for mistake in check(read)] == []
    return compile_rule(read)


def event(day: str, kind: str, **said: object) -> ClinicalEvent:
    return EVENT.validate_python(
        {
            "type": kind,
            "event_id": f"E{day}",
            "patient_id": "HOSP|1",
            "source": "LAB",
            "effective_at": day,
            "issued_at": f"{day}T12:00:00Z",
        }
        | said
    )


def psa(day: str, value: str) -> ClinicalEvent:
    censored = {"comparator": "<"} if value.startswith("<") else {}
    return event(
        day, "observation", analyte="psa", unit="ng/mL", value=value.removeprefix("<"), **censored
    )


def bone(day: str, *lesions: str) -> ClinicalEvent:
    return event(day, "imaging_report", modality="NM", new_lesions=lesions)


BRACKETS = {f"le_{n}m": f"{FIT} <= {n} * 30.4375" for n in MONTHS}


def last_tag(values: list[tuple[str, str]]) -> str | None:
    events = [psa(day, value) for day, value in values]
    revisions = replay(events, (rule(BRACKETS),)).revisions
    return revisions[-1].tag if revisions else None


@pytest.mark.parametrize(
    ("values", "tag"),
    [
        pytest.param(
            [("2023-01-01", "0.5"), ("2023-05-17", "0.7"), ("2023-09-30", "1.0")],
            "le_9m",
            id="272 days are 8.94 months",
        ),
        pytest.param(
            [("2023-01-01", "0.5"), ("2023-05-18", "0.7"), ("2023-10-02", "1.0")],
            "le_10m",
            id="274 days are 9.002 months",
        ),
        pytest.param(
            [("2023-01-01", "<0.1"), ("2023-04-01", "0.2"), ("2023-06-30", "0.4")],
            None,
            id="a censored value does not count",
        ),
        pytest.param(
            [
                ("2023-01-01", "<0.1"),
                ("2023-04-01", "0.2"),
                ("2023-06-30", "0.4"),
                ("2023-09-28", "0.8"),
            ],
            "le_3m",
            id="the third numeric value makes it computable",
        ),
        pytest.param(
            [("2023-01-01", "0.25"), ("2023-01-31", "0.5"), ("2023-03-02", "1.0")],
            None,
            id="a span of 60 days is too short",
        ),
        pytest.param(
            [("2023-01-01", "1.0"), ("2023-05-01", "1.25"), ("2023-08-29", "1.5625")],
            "le_15m",
            id="372.8 days are 12.25 months",
        ),
        pytest.param(
            [("2023-01-01", "4.0"), ("2023-05-01", "2.0"), ("2023-08-29", "1.0")],
            None,
            id="what falls does not double",
        ),
    ],
)
def test_doubling_times_of_the_catalogue(values: list[tuple[str, str]], tag: str | None) -> None:
    assert last_tag(values) == tag


def test_what_doubles_in_exactly_the_limit_is_at_the_limit() -> None:
    days = [date(2023, 1, 1) + timedelta(days=100 * step) for step in range(3)]
    events = [psa(day.isoformat(), value) for day, value in zip(days, "124", strict=True)]
    strictly = rule({"less": f"{FIT} < 100", "more": f"{FIT} > 100"})
    exactly = rule({"equal": f"{FIT} = 100"})
    assert replay(events, (strictly,)).revisions == []
    assert [one.tag for one in replay(events, (exactly,)).revisions] == ["equal"]


def test_a_halving_time_is_positive() -> None:
    halving = rule({"fast": FIT.replace("doubling", "halving") + " <= 120"})
    values = [("2023-01-01", "4.0"), ("2023-05-01", "2.0"), ("2023-08-29", "1.0")]
    events = [psa(day, value) for day, value in values]
    assert [one.tag for one in replay(events, (halving,)).revisions] == ["fast"]


@pytest.mark.parametrize(
    ("values", "stands"),
    [
        (["10", "9", "11", "10.5"], True),
        (["10", "9", "11", "11.1"], False),
        (["10", "9", "11"], False),
        (["10", "8.9", "10", "10"], False),
    ],
)
def test_a_plateau_is_within_a_share_of_its_first_value(values: list[str], stands: bool) -> None:  # noqa: FBT001
    days = [date(2023, 1, 1) + timedelta(days=7 * step) for step in range(len(values))]
    events = [psa(day.isoformat(), value) for day, value in zip(days, values, strict=True)]
    flat = rule({"flat": "plateau(psa, 4, 10 %)"})
    assert bool(replay(events, (flat,)).revisions) is stands


def test_lesions_are_compared_by_identity() -> None:
    """Two more than the first scan, not two of the same number."""
    more = rule({"two_more": "lesions_beyond(first(bone)) >= 2"}, each="bone")
    first, same = bone("2024-03-04", "a", "b"), bone("2024-04-29", "a", "b")
    grown = bone("2024-06-24", "a", "b", "c", "d")
    assert replay([first, same], (more,)).revisions == []
    (raised,) = replay([first, same, grown], (more,)).revisions
    assert {item.event_id for item in raised.evidence} == {first.event_id, grown.event_id}


def test_lesions_persist_when_both_scans_name_them() -> None:
    persist = rule({"two_persist": "lesions_shared(previous(bone)) >= 2"}, each="bone")
    assert (
        replay([bone("2024-03-04", "a", "b"), bone("2024-05-01", "c", "d")], (persist,)).revisions
        == []
    )
    assert replay(
        [bone("2024-03-04", "a", "b"), bone("2024-05-01", "b", "a")], (persist,)
    ).revisions


def test_an_equivocal_lesion_does_not_count() -> None:
    any_two = rule({"two": "lesions(it) >= 2"}, each="bone")
    assert replay([bone("2024-03-04", "a", "equivocal")], (any_two,)).revisions == []
    assert replay([bone("2024-03-04", "a", "b")], (any_two,)).revisions


def test_a_limit_of_an_earlier_value_is_its_own() -> None:
    """`last(psa) > 3 uln` asks the limit that came with the earlier value, not with this one."""
    high = rule({"high": "last(psa) > 3 uln"})
    first = event(
        "2024-01-01", "observation", analyte="psa", unit="ng/mL", value="12", reference_high="4"
    )
    raised = first.model_copy(update={"value": Decimal("12.1")})
    then = event(
        "2024-02-01", "observation", analyte="psa", unit="ng/mL", value="1", reference_high="1"
    )
    assert replay([first, then], (high,)).revisions == []
    assert [one.tag for one in replay([raised, then], (high,)).revisions] == ["high"]
