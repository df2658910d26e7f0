"""The truth of each story, worked out again here from the events alone, by hand and plainly.

No rule is run: each test looks at what was planted and repeats the arithmetic of the criterion.
"""

from __future__ import annotations

import ast
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import services.simulator
from schemas.base import as_utc
from schemas.events import ImagingReport, Observation, Treatment
from services.simulator.chance import Chance
from services.simulator.chart import Chart, Expectation
from services.simulator.delivery import deliver
from services.simulator.stories import STORIES, Story
from services.simulator.stories.common import add_months

if TYPE_CHECKING:
    from schemas.partial import Effective

START = date(2024, 1, 1)
SEEDS = range(6)


def told(name: str, seed: int) -> Chart:
    """A story's chart, delivered."""
    story = next(story for story in STORIES if story.name == name)
    chart = Chart(1, Chance.seeded(seed, "patient", 1), START, 690)
    story.write(chart)
    deliver(chart)
    return chart


def expected(chart: Chart, rule: str) -> Expectation:
    return next(item for item in chart.expected if item.rule == rule)


def finally_valid(chart: Chart, analyte: str) -> list[tuple[date, Decimal, str]]:
    """Day, value and comparator of an analyte's results, in their last version."""
    events = [event for dispatch in deliver_again(chart) for event in dispatch]
    last: dict[str, Observation] = {}
    for event in events:
        if isinstance(event, Observation) and event.analyte == analyte:
            before = last.get(event.event_id)
            if before is None or (event.issued_at or 0) >= (before.issued_at or 0):  # type: ignore[operator]  # both are moments
                last[event.event_id] = event
    kept = [event for event in last.values() if not event.status.withdraws and event.value]
    return sorted((_day(e.effective_at), e.value, e.comparator or "") for e in kept if e.value)


def deliver_again(chart: Chart) -> list[tuple[object, ...]]:
    from services.simulator.delivery import event_of  # noqa: PLC0415

    return [
        tuple(event_of(version, chart.patient_id) for version in draft.versions)
        for draft in chart.facts
    ]


def _day(at: Effective) -> date:
    return as_utc(at).date()


def test_no_file_of_the_simulator_knows_the_detector() -> None:
    folder = Path(services.simulator.__file__).parent
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.startswith("services.detector")], path


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_verdict_waits_for_facts_that_were_delivered(story: Story, seed: int) -> None:
    chart = told(story.name, seed)
    for item in chart.expected:
        for known in item.known:
            assert isinstance(known, date) or known.issued_at is not None
        if item.state in ("none", "window"):
            continue
        assert item.at is not None


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_planted_facts_end_within_the_time_a_story_says_it_needs(story: Story) -> None:
    for seed in SEEDS:
        chart = Chart(1, Chance.seeded(seed, "patient", 1), START, story.days)
        story.write(chart)
        deliver(chart)
        for item in chart.expected:
            assert item.at is None or item.at <= START + timedelta(days=story.days + 15)


@pytest.mark.parametrize("seed", SEEDS)
def test_recurrence_is_two_values_of_a_fifth_after_an_undetectable_one(seed: int) -> None:
    chart = told("prostate-recurrence", seed)
    truth = expected(chart, "PROST-BCR-RP")
    psa = [item for item in finally_valid(chart, "psa") if item[0] <= (truth.at or date.max)]
    high = [day for day, value, sign in psa if value >= Decimal("0.20") and not sign]
    assert any(sign == "<" for _, _, sign in psa)
    assert truth.onset == high[0]
    assert (high[1] - high[0]).days >= 7
    assert Decimal("0.25") < psa[-1][1] <= Decimal("0.50")


@pytest.mark.parametrize("seed", SEEDS)
def test_without_recurrence_psa_stays_undetectable(seed: int) -> None:
    values = finally_valid(told("prostate-no-recurrence", seed), "psa")
    assert values
    assert {sign for _, _, sign in values} == {"<"}


@pytest.mark.parametrize("seed", SEEDS)
def test_phoenix_is_nadir_plus_two_and_not_before(seed: int) -> None:
    chart = told("prostate-phoenix", seed)
    truth = expected(chart, "PROST-PHOENIX")
    lowest = Decimal(99)
    for day, value, _ in finally_valid(chart, "psa"):
        assert (value >= lowest + 2) == (day == truth.onset)
        lowest = min(lowest, value)
        if day == truth.onset:
            return
    pytest.fail("the failure was not planted")


@pytest.mark.parametrize("seed", SEEDS)
def test_late_nadir_makes_a_failure_that_the_known_one_did_not(seed: int) -> None:
    chart = told("prostate-late-nadir", seed)
    values = {value for _, value, _ in finally_valid(chart, "psa")}
    without = min(values - {Decimal("0.3")})
    rise = Decimal("2.5")
    assert rise < without + 2
    assert rise >= min(values) + 2


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["hiv-failure", "hiv-failure-in-logs"])
def test_hiv_failure_is_two_loads_above_1000_that_are_84_days_apart(name: str, seed: int) -> None:
    chart = told(name, seed)
    truth = expected(chart, "HIV-VF-WHO")
    limit = Decimal(3) if name.endswith("logs") else Decimal(1000)
    loads = [item for item in finally_valid(chart, "hiv_rna") if item[0] > START]
    high = [day for day, value, sign in loads if value > limit and not sign]
    assert truth.onset == high[0]
    assert high[0] >= add_months(START, 5)
    confirming = next(day for day in high if (day - high[0]).days >= 84)
    assert truth.at is not None
    assert timedelta() <= truth.at - confirming <= timedelta(days=13)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_high_load_waits_112_days_for_its_repeat_unless_the_story_says_so(seed: int) -> None:
    for name in ("hiv-failure", "hiv-failure-on-nnrti", "hiv-resuppressed"):
        chart = told(name, seed)
        switch = chart.switched["hiv"]
        end = switch or START + timedelta(days=720)
        loads = [item for item in finally_valid(chart, "hiv_rna") if START < item[0] <= end]
        for (day, value, _), later in zip(loads, [*(d for d, *_ in loads[1:]), end], strict=True):
            if value > 1000:
                assert (later - day).days + 12 <= 112, name


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("cml-optimal", ("10", "1", "0.1")),
        ("cml-warning", ("10", "10", "0.1")),
        ("cml-response-lost", ("10", "1", "0.1")),
    ],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_milestones_are_met_where_the_story_says_so(
    name: str, limits: tuple[str, str, str], seed: int
) -> None:
    values = finally_valid(told(name, seed), "bcrabl")
    for months, limit in zip((3, 6, 12), limits, strict=True):
        nominal = add_months(START, months)
        low, high = nominal - timedelta(days=15), nominal + timedelta(days=45)
        first = next(value for day, value, _ in values if low <= day <= high)
        assert first <= Decimal(limit)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_missed_milestone_has_no_sample_near_three_months(seed: int) -> None:
    values = finally_valid(told("cml-milestone-missed", seed), "bcrabl")
    nominal = add_months(START, 3)
    near = [d for d, *_ in values if abs((d - nominal).days) <= 45]
    assert near == []


@pytest.mark.parametrize("seed", SEEDS)
def test_neutropenia_lasts_more_than_seven_days_without_a_gap(seed: int) -> None:
    chart = told("prolonged-neutropenia", seed)
    low = [d for d, value, _ in finally_valid(chart, "neutrophils") if value < Decimal("0.5")]
    assert (low[-1] - low[0]).days > 7
    assert all((b - a).days <= 4 for a, b in pairwise(low))
    assert expected(chart, "TOX-ANC4-7D").onset == low[0]


ABOUT_BLOOD = {"prolonged-neutropenia", "brief-neutropenia", "hys-law", "cholestasis"}
EVERYDAY = [story for story in STORIES if story.name not in ABOUT_BLOOD]


@pytest.mark.parametrize("story", EVERYDAY, ids=lambda story: story.name)
def test_everyday_blood_never_comes_near_a_rule(story: Story) -> None:
    for seed in SEEDS:
        chart = told(story.name, seed)
        neutrophils = finally_valid(chart, "neutrophils")
        assert all(value >= Decimal("0.5") for _, value, _ in neutrophils)
        assert all(value < 80 for _, value, _ in finally_valid(chart, "alt"))


@pytest.mark.parametrize("seed", SEEDS)
def test_refractory_lymphoma_is_seen_on_a_valid_day(seed: int) -> None:
    chart = told("lymphoma-refractory", seed)
    events = [event for versions in deliver_again(chart) for event in versions]
    last = max(
        _day(e.effective_at) for e in events if isinstance(e, Treatment) and e.phase == "completed"
    )
    scan = next(e for e in events if isinstance(e, ImagingReport) and e.response == "PMD")
    assert 21 <= (_day(scan.effective_at) - last).days <= 56
