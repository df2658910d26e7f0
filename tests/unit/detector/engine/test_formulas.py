"""Numbers that are worked out of several facts, and what is said when a part is missing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support.small_rules import lab, last, mistakes, person, small_rule, start, states, told

SET = "mean(qtc within 10 min, qtc) > 500 ms"
QTC = small_rule(
    "qtc: {analyte: qtc}",
    "- {name: long, each: qtc, confirmed: 'mean(qtc within 10 min, qtc) > 500 ms',"
    " value: 'mean(qtc within 10 min, qtc)'}",
)
TRACING = "fridericia(qt, last(rate within 0 min), last(rr within 0 min))"
QT = small_rule(
    "rate: {analyte: heart_rate}\nrr: {analyte: rr_interval}\nqt: {analyte: qt}",
    f"- {{name: long, each: qt, confirmed: '{TRACING} > 500 ms', value: '{TRACING}'}}",
)
CLEARANCE = "cockcroft_gault(creatinine, last(weight within 30 d))"
KIDNEY = small_rule(
    "weight: {analyte: weight}\ncreatinine: {analyte: creatinine}",
    f"- {{name: low, each: creatinine, confirmed: '{CLEARANCE} < 60 mL/min',"
    f" value: '{CLEARANCE}'}}",
)


def tracing(clock: str, value: str, analyte: str = "qtc", unit: str = "ms") -> dict[str, object]:
    return lab(analyte, f"2024-01-10T{clock}:00Z", value, unit)


def test_a_mean_is_that_of_the_period_and_the_fact_in_question() -> None:
    result = told(QTC, tracing("09:00", "496"), tracing("09:03", "502"), tracing("09:10", "508"))
    assert (states(result), last(result).value) == (["confirmed"], Decimal(502))
    assert len(last(result).evidence) == 3


def test_what_lies_further_back_is_another_set() -> None:
    assert states(told(QTC, tracing("09:00", "400"), tracing("09:11", "501"))) == ["confirmed"]


def test_of_a_day_without_hours_the_fact_stands_alone() -> None:
    alone = lab("qtc", "2024-01-10", "501", "ms")
    assert states(told(QTC, tracing("09:00", "400"), alone)) == ["confirmed"]


def test_a_mean_of_what_is_no_number_is_not_known() -> None:
    censored = lab("qtc", "2024-01-10T09:00:00Z", "600", "ms", comparator=">")
    assert [u.reason for u in told(QTC, censored).unknowns] == ["a value that is no number"]


@pytest.mark.parametrize(
    ("beat", "value"),
    [(("100", "heart_rate", "/min"), "474.3"), (("600", "rr_interval", "ms"), "474.3")],
)
def test_qt_is_corrected_by_the_rate_of_the_same_moment(
    beat: tuple[str, str, str], value: str
) -> None:
    number, analyte, unit = beat
    result = told(QT, tracing("09:00", number, analyte, unit), tracing("09:00", "400", "qt"))
    assert [figure.value for figure in result.figures] == [Decimal(value)]


def test_a_rate_of_another_moment_is_none() -> None:
    result = told(QT, tracing("09:01", "100", "heart_rate", "/min"), tracing("09:00", "400", "qt"))
    assert [u.reason for u in result.unknowns] == ["no heart rate with the QT interval"]


def test_a_rate_of_zero_is_no_rate() -> None:
    result = told(QT, tracing("09:00", "0", "heart_rate", "/min"), tracing("09:00", "400", "qt"))
    assert [u.reason for u in result.unknowns] == ["a heart rate of 0"]


def test_clearance_takes_creatinine_in_any_of_its_units() -> None:
    who = person("2024-01-01", birth_date="1956-01-01", sex="male")
    weight = lab("weight", "2024-01-02", "70", "kg")
    mass = told(KIDNEY, who, weight, lab("creatinine", "2024-01-10", "1.2", "mg/dL"))
    molar = told(KIDNEY, who, weight, lab("creatinine", "2024-01-10", "106.08", "umol/L"))
    assert last(mass).value == last(molar).value
    assert last(mass).value == Decimal("58.3333333")
    assert {e.event_id for e in last(mass).evidence} == {
        "creatinine-2024-01-10",
        "weight-2024-01-02",
        "person-2024-01-01",
    }


@pytest.mark.parametrize(
    ("left_out", "reason"),
    [
        ("weight", "no weight near the creatinine"),
        ("birth", "the birth date is not known"),
        ("sex", "the sex is not known"),
    ],
)
def test_clearance_says_what_is_missing(left_out: str, reason: str) -> None:
    said = {"birth_date": "1956-01-01", "sex": "male"}
    said.pop({"birth": "birth_date"}.get(left_out, left_out), None)
    events = [person("2024-01-01", **said), lab("creatinine", "2024-01-10", "1.2", "mg/dL")]
    if left_out != "weight":
        events.append(lab("weight", "2024-01-02", "70", "kg"))
    assert [u.reason for u in told(KIDNEY, *events).unknowns] == [reason]


def test_creatinine_of_zero_or_below_a_limit_gives_no_clearance() -> None:
    who = person("2024-01-01", birth_date="1956-01-01", sex="male")
    weight = lab("weight", "2024-01-02", "70", "kg")
    for said in ({"value": "0"}, {"value": "0.5", "comparator": "<"}):
        events = (who, weight, lab("creatinine", "2024-01-10", **said, unit="mg/dL"))
        assert len(told(KIDNEY, *events).unknowns) == 1


RISE = small_rule(
    "gls: {analyte: gls}",
    "- {name: fell, each: gls,"
    " confirmed: 'magnitude(gls) < 0.85 * at_baseline(gls, magnitude(gls))'}",
    course=True,
)


@pytest.mark.parametrize(
    ("now", "expected"), [("-17", []), ("-16.9", ["confirmed"]), ("16", ["confirmed"])]
)
def test_what_was_at_the_baseline_whatever_its_sign(now: str, expected: list[str]) -> None:
    before, after = lab("gls", "2023-12-20", "-20", "%"), lab("gls", "2024-02-01", now, "%")
    assert states(told(RISE, before, start("2024-01-01"), after)) == expected


def test_without_a_baseline_nothing_can_be_told() -> None:
    result = told(RISE, start("2024-01-01"), lab("gls", "2024-02-01", "-10", "%"))
    assert [u.reason for u in result.unknowns] == ["there is no baseline value"]


def test_a_baseline_that_arrives_late_is_the_baseline_all_the_same() -> None:
    late = lab("gls", "2023-12-20", "-20", "%", issued_at="2024-03-01T12:00:00Z")
    after = lab("gls", "2024-02-01", "-16", "%")
    assert states(told(RISE, start("2024-01-01"), after, late)) == ["confirmed"]


def test_misuse_is_refused() -> None:
    for asked, mistake in (
        ("mean(qtc, qtc) > 500 ms", "a mean of everything"),
        ("mean(qtc within 10 min, 7 d) > 500 ms", "this is a duration"),
        ("fridericia(qtc) > 500 ms", "fridericia with 1 arguments"),
        ("at_baseline(qtc, qtc) > 500 ms", "no clock"),
        ("magnitude(qtc) > 500 mg", "'mg' does not measure qtc"),
    ):
        criteria = f"- {{name: long, each: qtc, confirmed: '{asked}'}}"
        assert mistakes(small_rule("qtc: {analyte: qtc}", criteria)) == [mistake]
