"""The scores of a back-test, by cases small enough to work out by hand."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from support.console import Ran, salvage

from schemas.alerts import AlertRevision, Kind, Severity, State
from schemas.base import digest
from services.detector.adapters.agreement import Verdict, differences
from services.detector.adapters.backtest import Score, Undated, Watched, Window, lives, score
from services.detector.adapters.estimates import Share, median_interval, quantile

if TYPE_CHECKING:
    from pathlib import Path

RULE, CONDITION = "HIV-VF-WHO", "hiv"


def entry(patient: str, day: str, state: State, **own: Any) -> AlertRevision:
    """One entry of a patient's only alert by a rule."""
    course = own.setdefault("course_id", f"{patient}-1")
    return AlertRevision(
        **{
            "alert_id": digest(patient, course, own.get("rule", RULE)),
            "revision": 1,
            "digest": digest(patient, course, day, state),
            "change": "withdrawn" if state in (State.RETRACTED, State.REFUTED) else "raised",
            "episode": 1,
            "state": state,
            "kind": Kind.FAILURE,
            "severity": Severity.URGENT,
            "patient_id": patient,
            "rule": RULE,
            "rule_version": "0",
            "title": "t",
            "summary": "s",
            "at": datetime.fromisoformat(day).replace(tzinfo=UTC),
            **own,
        }
    )


def watched(patient: str, switch: str | None = None, **own: Any) -> Watched:
    day = None if switch is None else date.fromisoformat(switch)
    return Watched(
        **{
            "rule": RULE,
            "condition": CONDITION,
            "patient_id": patient,
            "days": 1461,
            "labelled": True,
            "switched_on": day,
            **own,
        }
    )


def scored(
    journal: list[AlertRevision], *patients: Watched, before: int | None = None, after: int = 0
) -> Score:
    courses = {(each.patient_id, f"{each.patient_id}-1"): CONDITION for each in patients}
    (found,) = score(journal, patients, courses, Window(before, after))
    return found


# --- Shares and quartiles -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        # Newcombe RG. Stat Med 1998;17:857-872, table I, method 3 (score, uncorrected).
        (81, 263, "0.2553", "0.3662"),
        (15, 148, "0.0624", "0.1605"),
        (0, 20, "0.0000", "0.1611"),
        (1, 29, "0.0061", "0.1718"),
    ],
)
def test_the_interval_is_the_published_one(hits: int, total: int, low: str, high: str) -> None:
    interval = Share(hits, total).interval
    assert interval is not None
    assert abs(interval[0] - Decimal(low)) <= Decimal("0.0005")
    assert abs(interval[1] - Decimal(high)) <= Decimal("0.0005")


def test_the_interval_is_symmetric_and_keeps_within_0_and_1() -> None:
    low, high = Share(20, 20).interval or (None, None)
    assert (low, high) == (Decimal("0.839"), Decimal("1.000"))
    assert Share(0, 20).interval == (Decimal("0.000"), Decimal("0.161"))


def test_nothing_of_nothing_is_no_number() -> None:
    assert (Share(0, 0).value, Share(0, 0).interval) == (None, None)
    assert quantile((), Fraction(1, 2)) is None


@pytest.mark.parametrize(
    ("days", "quartiles"),
    [
        ((10,), ("10", "10", "10")),
        ((10, 20), ("12.5", "15", "17.5")),
        ((1, 2, 3, 4), ("1.75", "2.5", "3.25")),
        ((0, 5, 30, 31, 90), ("5", "30", "31")),
    ],
)
def test_quartiles(days: tuple[int, ...], quartiles: tuple[str, ...]) -> None:
    found = [quantile(days, Fraction(number, 4)) for number in (1, 2, 3)]
    assert found == list(map(Decimal, quartiles))


@pytest.mark.parametrize(
    ("count", "ranks"),
    [
        # Conover WJ. Practical Nonparametric Statistics: binomial with 1/2, at least 95 %. For five
        # values even the whole range misses 2/32; for six it misses 2/64.
        (0, None),
        (5, None),
        (6, (1, 6)),
        (8, (1, 8)),
        (9, (2, 8)),
        (10, (2, 9)),
        (20, (6, 15)),
        (100, (40, 61)),
    ],
)
def test_the_median_has_the_interval_of_the_binomial(
    count: int, ranks: tuple[int, int] | None
) -> None:
    assert median_interval(range(1, count + 1)) == ranks


# --- Who counts as found --------------------------------------------------------------------------


def test_an_alert_before_the_switch_is_a_find_with_its_lead() -> None:
    one = scored([entry("a", "2024-03-01", State.CONFIRMED)], watched("a", "2024-05-10"))
    assert (one.sensitivity, one.predictive_value) == (Share(1, 1), Share(1, 1))
    assert one.lead_days == (70,)  # 30 days of March, 30 of April, 10 of May


def test_an_alert_on_the_day_of_the_switch_is_a_find_without_lead() -> None:
    one = scored([entry("a", "2024-05-10", State.CONFIRMED)], watched("a", "2024-05-10"))
    assert one.lead_days == (0,)


def test_an_alert_after_the_switch_is_no_find_and_counts_against() -> None:
    one = scored([entry("a", "2024-05-11", State.CONFIRMED)], watched("a", "2024-05-10"))
    assert (one.sensitivity, one.predictive_value) == (Share(0, 1), Share(0, 1))
    assert one.lead_days == ()


def test_a_suspicion_is_an_alert_but_no_find() -> None:
    one = scored([entry("a", "2024-03-01", State.SUSPECTED)], watched("a", "2024-05-10"))
    assert (one.alerts, one.sensitivity) == (1, Share(0, 1))
    assert one.predictive_value == Share(0, 0)


@pytest.mark.parametrize("state", [State.CONFIRMED, State.OVERDUE, State.WINDOW])
def test_what_asserts(state: State) -> None:
    one = scored([entry("a", "2024-03-01", state)], watched("a", "2024-05-10"))
    assert one.sensitivity == Share(1, 1)


def test_the_lead_counts_from_the_confirmation_and_not_from_the_suspicion() -> None:
    journal = [
        entry("a", "2024-01-01", State.SUSPECTED),
        entry("a", "2024-03-01", State.CONFIRMED),
    ]
    assert scored(journal, watched("a", "2024-03-11")).lead_days == (10,)


@pytest.mark.parametrize("state", [State.RETRACTED, State.REFUTED])
def test_what_was_taken_back_before_the_switch_is_no_find(state: State) -> None:
    journal = [entry("a", "2024-01-01", State.CONFIRMED), entry("a", "2024-03-01", state)]
    one = scored(journal, watched("a", "2024-05-10"))
    assert (one.sensitivity, one.predictive_value) == (Share(0, 1), Share(0, 0))
    assert one.withdrawn == Share(1, 1)


def test_what_was_taken_back_after_the_switch_was_a_find() -> None:
    journal = [entry("a", "2024-01-01", State.CONFIRMED), entry("a", "2024-06-01", State.RETRACTED)]
    one = scored(journal, watched("a", "2024-05-10"))
    assert (one.sensitivity, one.predictive_value) == (Share(1, 1), Share(1, 1))
    assert one.withdrawn == Share(1, 1)


def test_what_came_back_counts_from_its_return() -> None:
    journal = [
        entry("a", "2024-01-01", State.CONFIRMED),
        entry("a", "2024-02-01", State.RETRACTED),
        entry("a", "2024-04-10", State.CONFIRMED),
    ]
    one = scored(journal, watched("a", "2024-05-10"))
    assert one.lead_days == (30,)
    assert (one.withdrawn, one.alerts) == (Share(1, 2), 1)


def test_a_test_that_was_made_up_for_was_overdue_all_the_same() -> None:
    journal = [entry("a", "2024-01-01", State.OVERDUE), entry("a", "2024-02-01", State.CLEARED)]
    one = scored(journal, watched("a", "2024-02-11"))
    assert (one.withdrawn, one.lead_days) == (Share(0, 1), (41,))


def test_the_patient_who_was_not_switched_counts_against_the_predictive_value() -> None:
    journal = [entry("a", "2024-01-01", State.CONFIRMED), entry("b", "2024-01-01", State.CONFIRMED)]
    one = scored(journal, watched("a", "2024-02-01"), watched("b"), watched("c", "2024-02-01"))
    assert (one.sensitivity, one.predictive_value) == (Share(1, 2), Share(1, 2))


def test_without_a_label_nothing_is_claimed() -> None:
    one = scored([entry("a", "2024-01-01", State.CONFIRMED)], watched("a", labelled=False))
    assert (one.sensitivity, one.predictive_value, one.alerts) == (Share(0, 0), Share(0, 0), 1)


def test_the_burden_is_counted_over_everybody_watched() -> None:
    """Two patients, 1461 days each: 96 months. Three alerts: 3.125 in 100 of them."""
    journal = [
        entry("a", "2024-01-01", State.SUSPECTED),
        entry("a", "2024-02-01", State.CONFIRMED),
        entry("a", "2024-03-01", State.CONFIRMED, episode=2),
        entry("b", "2024-02-01", State.INFO),
    ]
    one = scored(journal, watched("a"), watched("b"))
    assert (one.patients, one.patient_months, one.alerts) == (2, Decimal("96.00"), 3)
    assert one.alerts_per_100_patient_months == Decimal("3.12")  # halves go to the even digit


def test_nobody_is_scored_in_a_condition_that_is_not_theirs() -> None:
    journal = [entry("a", "2024-01-01", State.CONFIRMED, course_id="other")]
    courses = {("a", "other"): "cml"}
    pair = (watched("a", "2024-02-01"), watched("a", "2024-02-01", condition="cml"))
    hiv, cml = sorted(score(journal, pair, courses), key=lambda s: s.condition == "cml")
    assert (hiv.alerts, hiv.sensitivity) == (0, Share(0, 1))
    assert (cml.alerts, cml.sensitivity) == (1, Share(1, 1))


def test_episodes_are_lives_of_their_own() -> None:
    journal = [
        entry("a", "2024-01-01", State.CONFIRMED),
        entry("a", "2024-02-01", State.CONFIRMED, episode=2),
        entry("a", "2024-03-01", State.RETRACTED, episode=2),
    ]
    assert [life.asserted for life in lives(journal)] == [
        [(date(2024, 1, 1), None)],
        [(date(2024, 2, 1), date(2024, 3, 1))],
    ]


# --- The window of a hit --------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "found"), [(None, 1), (70, 1), (69, 0)])
def test_an_alert_too_long_before_is_no_hit_and_counts_against(
    before: int | None, found: int
) -> None:
    journal = [entry("a", "2024-03-01", State.CONFIRMED)]
    one = scored(journal, watched("a", "2024-05-10"), before=before)
    assert (one.sensitivity, one.predictive_value) == (Share(found, 1), Share(found, 1))


@pytest.mark.parametrize(("after", "found", "lead"), [(0, 0, ()), (9, 0, ()), (10, 1, (-10,))])
def test_an_alert_shortly_after_may_be_a_hit_with_a_lead_below_zero(
    after: int, found: int, lead: tuple[int, ...]
) -> None:
    journal = [entry("a", "2024-05-20", State.CONFIRMED)]
    one = scored(journal, watched("a", "2024-05-10"), after=after)
    assert (one.sensitivity, one.lead_days) == (Share(found, 1), lead)


def test_of_several_episodes_the_first_in_the_window_counts() -> None:
    days = ("2023-01-01", "2024-04-30", "2024-05-05")
    journal = [entry("a", day, State.CONFIRMED, episode=n) for n, day in enumerate(days, 1)]
    assert scored(journal, watched("a", "2024-05-10"), before=90).lead_days == (10,)


def test_an_alert_after_the_day_that_was_taken_back_at_once_is_no_hit() -> None:
    journal = [entry("a", "2024-05-12", State.CONFIRMED), entry("a", "2024-05-12", State.RETRACTED)]
    assert scored(journal, watched("a", "2024-05-10"), after=30).sensitivity == Share(0, 1)


def test_what_has_no_day_is_found_by_an_alert_that_stood_and_has_no_lead() -> None:
    journal = [
        entry("a", "2024-03-01", State.CONFIRMED),
        entry("b", "2024-03-01", State.CONFIRMED),
        entry("b", "2024-04-01", State.RETRACTED),
    ]
    undated = [watched(name, switched_on=Undated.UNDATED) for name in "ab"]
    one = scored(journal, *undated, watched("c"), watched("d", labelled=False))
    assert (one.sensitivity, one.predictive_value) == (Share(1, 2), Share(1, 1))
    assert (one.patients, one.labelled, one.undated, one.alerted) == (4, 3, 2, 2)
    assert one.lead_days == ()


# --- Agreement with a truth -----------------------------------------------------------------------


def told(state: str = "confirmed", **own: Any) -> Verdict:
    return Verdict("a", RULE, state, **own)


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        (told(), ()),
        (told(at=date(2024, 3, 1), onset=date(2024, 1, 1), tag="x"), ()),
        (told("suspected"), ("state",)),
        (told(tag="y", at=date(2024, 3, 2)), ("tag", "at")),
        (told(onset=date(2024, 1, 2)), ("onset",)),
        (told("none"), ("state",)),
    ],
)
def test_only_what_is_stated_is_compared(row: Verdict, fields: tuple[str, ...]) -> None:
    journal = [
        entry("a", "2024-02-01", State.SUSPECTED),
        entry("a", "2024-03-01", State.CONFIRMED, tag="x", onset="2024-01-01"),
    ]
    assert [one.fields for one in differences(journal, [row], [RULE])] == (
        [fields] if fields else []
    )


def test_an_alert_that_the_truth_does_not_know_is_a_difference() -> None:
    journal = [entry("b", "2024-03-01", State.CONFIRMED)]
    found = differences(journal, [told("none")], [RULE])
    assert [(one.patient_id, one.expected.state, one.got.state) for one in found] == [
        ("b", "none", "confirmed")
    ]


def test_a_missing_alert_is_a_difference() -> None:
    (found,) = differences([], [told()], [RULE])
    assert (found.fields, found.got.state) == (("state",), "none")


def test_rules_that_were_not_run_or_are_not_in_the_truth_are_passed_over() -> None:
    journal = [entry("a", "2024-03-01", State.CONFIRMED, rule="OTHER")]
    assert differences(journal, [told("none")], [RULE, "OTHER"]) == []
    assert differences([], [told()], ["OTHER"]) == []


# --- The command ----------------------------------------------------------------------------------

LABELS = "patient_id,condition,recorded_switch_on\n"
TRUTH = "patient_id,rule,state,tag,at,onset,story\n"


def event(name: str, number: int, day: str, **own: str) -> str:
    common = {"patient_id": f"H|{name}", "source": "LAB", "status": "final", "effective_at": day}
    return json.dumps(common | {"event_id": f"{name}{number}"} | own) + "\n"


def patient(name: str, first: str, second: str) -> str:
    """HIV therapy since 1 January 2023, two viral loads 98 days apart, the second told late."""
    course = {"course_id": name, "condition": "hiv", "modality": "antiretroviral"}
    viral_load = {"type": "observation", "analyte": "hiv_rna", "unit": "{copies}/mL"}
    late = {"issued_at": "2023-10-10T08:00:00Z"}
    return (
        event(name, 0, "2023-01-01", type="treatment", phase="started", **course)
        + event(name, 1, "2023-07-03", value=first, **viral_load)
        + event(name, 2, "2023-10-09", value=second, **viral_load, **late)
    )


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """X and Y fail and Z does not; X alone is switched, on 1 December. W too is well, and dies."""
    path = tmp_path / "archive.jsonl"
    texts = [patient("X", "5000", "5000"), patient("Y", "5000", "5000"), patient("Z", "20", "20")]
    texts += [patient("W", "20", "20")]
    texts += [event("W", 9, "2023-10-28", type="patient", deceased_at="2023-10-28")]
    path.write_text("".join(texts))
    return path


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text(LABELS + "H|X,hiv,2023-12-01\nH|Y,hiv,\nH|Z,hiv,\nH|W,hiv,\n")
    return path


def backtest(archive: Path, labels: Path, *more: str | Path) -> Ran:
    until = ("--until", "2023-12-27") if "--until" not in more else ()
    return salvage("backtest", archive, "--labels", labels, "--rules", RULE, *until, *more)


def test_the_command_measures_what_a_person_would(archive: Path, labels: Path) -> None:
    """Three were watched for 360 days, one for 300 until death: 1380 days, 45.34 months."""
    ran = backtest(archive, labels, "--json")
    assert (ran.code, ran.err) == (0, "")
    (one,) = json.loads(ran.out)["scores"]
    assert (one["rule"], one["condition"], one["patients"]) == (RULE, "hiv", 4)
    assert (one["patient_months"], one["alerts"]) == ("45.34", 2)
    assert one["alerts_per_100_patient_months"] == "4.41"
    assert (one["sensitivity"]["hits"], one["sensitivity"]["total"]) == (1, 1)
    assert (one["predictive_value"]["hits"], one["predictive_value"]["total"]) == (1, 2)
    assert one["lead_days"] == {
        "count": 1,
        "lower_quartile": "52",
        "median": "52",  # 10 October to 1 December
        "median_interval_95": None,
        "upper_quartile": "52",
    }
    assert (one["withdrawn"]["hits"], one["withdrawn"]["total"]) == (0, 2)


def test_the_table_says_the_same(archive: Path, labels: Path) -> None:
    ran = backtest(archive, labels)
    head, row, *legend = ran.out.splitlines()
    assert head.split()[:3] == ["RULE", "CONDITION", "PATIENTS"]
    assert row.split()[:6] == [RULE, "hiv", "4", "4", "0", "2"]
    assert row.split()[6:9] == ["45.34", "2", "4.41"]
    assert "1/2 = 0.500" in row
    assert "52 (of 1)" in row
    assert legend


def test_the_end_of_the_archive_is_the_end_of_the_watch(archive: Path, labels: Path) -> None:
    ran = salvage("backtest", archive, "--labels", labels, "--rules", RULE, "--json")
    (one,) = json.loads(ran.out)["scores"]
    assert one["patient_months"] == "39.43"  # 4 x 300 days, to the last issue on 28 October


@pytest.mark.parametrize(
    ("row", "code", "told"),
    [
        (f"H|X,{RULE},confirmed,confirmed,2023-10-10,2023-07-03,s", 0, "0 differences"),
        (f"H|X,{RULE},confirmed,,2023-10-09,,s", 1, "at 2023-10-09 expected, 2023-10-10 found"),
        (f"H|X,{RULE},none,,,,s", 1, "state none expected, confirmed found"),
    ],
)
def test_a_truth_is_compared(
    archive: Path, labels: Path, tmp_path: Path, row: str, code: int, told: str
) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text(f"{TRUTH}{row}\nH|Y,{RULE},confirmed,,,,s\n")
    ran = backtest(archive, labels, "--truth", truth)
    assert ran.code == code
    assert told in ran.out
    found = json.loads(backtest(archive, labels, "--truth", truth, "--json").out)["truth"]
    assert (found["rows"], len(found["differences"])) == (2, code)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("patient_id,condition\nH|X,hiv\n", ":1: no column recorded_switch_on"),
        (f"{LABELS}H|X,hiv,2023-02-29\n", ":2: recorded_switch_on: there is no such day"),
        (f"{LABELS}H|X,hiv,\n,hiv,\n", ":3: patient_id: empty"),
        (f"{LABELS}H|X,hiv,\nH|X,hiv,\n", ":3: patient_id, condition: named twice"),
        (f"{LABELS}H|X,hiv\n", ":2: not as many cells as columns"),
        (f"{LABELS}H|X,hiv,,\n", ":2: not as many cells as columns"),
        ("", ":1: no column patient_id"),
    ],
)
def test_bad_labels_are_refused_by_line(
    archive: Path, tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    ran = backtest(archive, path)
    assert (ran.code, ran.out) == (2, "")
    assert f"{path}{told}" in ran.err
    assert "2023-02-29" not in ran.err


def test_labels_that_are_not_text_are_refused(archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(LABELS.encode() + b"H|\xff,hiv,\n")
    assert "not UTF-8 text" in backtest(archive, path).err
    assert backtest(archive, tmp_path / "nowhere.csv").code == 2


def test_labels_of_strangers_are_told(archive: Path, labels: Path) -> None:
    labels.write_text(f"{LABELS}H|Nobody,hiv,2023-12-01\n")
    ran = backtest(archive, labels)
    assert ran.code == 0
    assert "labels of patients who are not in the archive: 1" in ran.err
    assert "Nobody" not in ran.err


def test_a_bad_record_is_told_and_the_rest_measured(archive: Path, labels: Path) -> None:
    with archive.open("a") as stream:
        stream.write("{\n")
    ran = backtest(archive, labels, "--json")
    assert ran.code == 2
    assert f"salvage backtest: {archive}:14: malformed_json" in ran.err
    assert json.loads(ran.out)["scores"][0]["patients"] == 4


def test_a_profile_that_cannot_be_read_is_named(archive: Path, labels: Path) -> None:
    ran = backtest(archive, labels, "--format", "fhir", "--source", "nowhere.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert "nowhere.yaml" in ran.err
