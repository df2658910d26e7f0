"""Labels of tables that are not ours: other columns, words, ids, days counted, days unknown."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from support.console import Ran, salvage

from services.commands.labels import LabelForm, read_anchors, read_labels
from services.commands.tables import BadTable
from services.detector.adapters.backtest import Undated

if TYPE_CHECKING:
    from pathlib import Path

UNDATED = Undated.UNDATED
RULE = "HIV-VF-WHO"


def read(path: Path, text: str, **form: Any) -> dict[tuple[str, str], Any]:
    path.write_text(text)
    return read_labels(path, LabelForm(**form))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "labels.csv"


STOPS = {"patient": "ID", "on": "DAY", "outcome": "WHY", "everywhere": "hiv"}
STOPPED = STOPS | {"happened": frozenset({"relapse", "toxic"})}


def test_a_word_says_whether_it_happened(table: Path) -> None:
    text = "WHY,ID,DAY\nrelapse,1,2024-03-01\ndone,2,2024-03-02\n,3,\ntoxic,4,2024-03-04T09:30\n"
    found = read(table, text, **STOPPED, prefix="H|")
    assert {key: day for key, day in found.items() if key[1]} == {
        ("H|1", "hiv"): date(2024, 3, 1),
        ("H|2", "hiv"): None,
        ("H|3", "hiv"): None,
        ("H|4", "hiv"): date(2024, 3, 4),
    }


def test_a_table_of_events_is_joined_to_the_earliest_that_happened(table: Path) -> None:
    text = "ID,DAY,WHY\n1,2024-05-01,toxic\n1,2024-01-01,done\n1,2024-04-01,relapse\n1,,relapse\n"
    assert read(table, text, **STOPPED)["1", "hiv"] == date(2024, 4, 1)


@pytest.mark.parametrize("day", ["", "2024-03", "2024"])
def test_a_day_that_is_not_known_is_not_made_up(table: Path, day: str) -> None:
    assert read(table, f"ID,DAY,WHY\n1,{day},toxic\n", **STOPPED)["1", "hiv"] is UNDATED


def test_without_a_column_for_the_day_none_is_known(table: Path) -> None:
    found = read(table, "ID,WHY\n1,toxic\n2,done\n", **(STOPPED | {"on": None}))
    assert (found["1", "hiv"], found["2", "hiv"]) == (UNDATED, None)


@pytest.mark.parametrize(
    ("unit", "number", "day"),
    [
        ("days", "61", date(2024, 3, 2)),
        ("weeks", "2", date(2024, 1, 15)),
        ("months", "2.5", date(2024, 3, 17)),  # 76.09 days
        ("years", "1", date(2024, 12, 31)),  # 365.25 days of a leap year
        ("days", "-1", date(2023, 12, 31)),
    ],
)
def test_days_are_counted_from_day_0(table: Path, unit: str, number: str, day: date) -> None:
    form = STOPPED | {"day_0": {"H|1": date(2024, 1, 1)}, "unit": unit, "prefix": "H|"}
    assert read(table, f"ID,DAY,WHY\n1,{number},toxic\n2,,done\n", **form)["H|1", "hiv"] == day


def test_a_rule_of_the_whole_patient_meets_the_first_label_of_any_condition(table: Path) -> None:
    text = "patient_id,condition,recorded_switch_on\n1,hiv,2024-05-01\n1,cml,2024-02-01\n2,hiv,\n"
    found = read(table, text)
    assert (found["1", ""], found["2", ""]) == (date(2024, 2, 1), None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ID,DAY,WHY\n1,2024-02-30,toxic\n", ":2: DAY: there is no such day in the calendar"),
        ("ID,DAY,WHY\n1,30.2.2024,toxic\n", ":2: DAY: expected a date"),
        ("ID,DAY,WHY\n,2024-02-01,toxic\n", ":2: ID: empty"),
        ("ID,DAY\n1,2024-02-01\n", ":1: no column WHY"),
        ("ID,DAY,WHY\n1,2024-02-01,Toxic\n", ": WHY: no row says that it happened"),
    ],
)
def test_rows_that_cannot_be_read_are_told_without_their_value(
    table: Path, text: str, told: str
) -> None:
    with pytest.raises(BadTable) as caught:
        read(table, text, **STOPPED)
    (mistake,) = caught.value.mistakes
    assert mistake.startswith(f"{table}{told}")
    assert "2024-02-30" not in mistake


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("soon", "expected a number of years from day 0"),
        ("NaN", "expected a number of years from day 0"),
        ("1e99", "expected a number of years from day 0"),
        ("900", "expected a number of years from day 0"),
    ],
)
def test_a_number_that_gives_no_day_is_refused(table: Path, number: str, told: str) -> None:
    form = STOPPED | {"day_0": {"1": date(2024, 1, 1)}, "unit": "years"}
    with pytest.raises(BadTable, match=told):
        read(table, f"ID,DAY,WHY\n1,{number},toxic\n", **form)
    with pytest.raises(BadTable, match="no day 0 is given for this patient"):
        read(table, "ID,DAY,WHY\n2,1,toxic\n", **form)


def test_anchors_are_read_and_held_to_their_form(table: Path) -> None:
    table.write_text("patient_id,anchor\n1,2024-01-01\n")
    assert read_anchors(table) == {"1": date(2024, 1, 1)}
    table.write_text("patient_id,anchor\n1,2024-01-01\n1,2024-01-02\n2,soon\n")
    with pytest.raises(BadTable) as caught:
        read_anchors(table)
    assert [m.removeprefix(str(table)) for m in caught.value.mistakes] == [
        ":3: patient_id: named twice",
        ":4: anchor: expected a date as YYYY-MM-DD",
    ]


# --- Through the command --------------------------------------------------------------------------


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A and B fail on 9 October 2023; of C there are no results; D has another disease."""
    common = {"source": "LAB", "status": "final"}
    course = {"type": "treatment", "phase": "started", "modality": "antiretroviral"}
    result = {"type": "observation", "analyte": "hiv_rna", "unit": "{copies}/mL", "value": "5000"}
    rows = [
        course | {"patient_id": f"H|{name}", "course_id": name, "effective_at": "2023-01-01"}
        for name in "ABCD"
    ]
    for row in rows:
        row["condition"] = "cml" if row["course_id"] == "D" else "hiv"
    rows += [
        result | {"patient_id": f"H|{name}", "effective_at": day}
        for name in "AB"
        for day in ("2023-07-03", "2023-10-09")
    ]
    path = tmp_path / "archive.jsonl"
    lines = [json.dumps(common | {"event_id": str(n)} | row) for n, row in enumerate(rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def backtest(archive: Path, labels: Path, *more: str | Path) -> Ran:
    return salvage("backtest", archive, "--labels", labels, "--rules", RULE, *more)


FOREIGN = (
    *("--label-columns", "patient=ID,on=YEAR,outcome=WHY"),
    *("--label-happened", "toxic,relapse", "--label-condition", "hiv", "--label-prefix", "H|"),
)


@pytest.fixture
def foreign(table: Path) -> tuple[str | Path, ...]:
    """A relapsed a year after 2023-01-01, B at no known time, C did not; D and E are not ours."""
    table.write_text("ID,WHY,YEAR\nA,relapse,1.00\nB,toxic,\nC,done,2\nD,done,\nE,toxic,\n")
    anchors = table.with_name("anchors.csv")
    anchors.write_text("patient_id,anchor\nH|A,2023-01-01\n")
    return (*FOREIGN, "--label-anchors", anchors, "--label-unit", "years")


def test_foreign_labels_are_scored(
    archive: Path, table: Path, foreign: tuple[str | Path, ...]
) -> None:
    ran = backtest(archive, table, *foreign, "--json")
    assert ran.code == 0
    said = json.loads(ran.out)
    assert said["hit"] == {"days_before": None, "days_after": 0}
    assert said["labels"] == {
        "labels": 5,
        "happened": 3,
        "undated": 2,
        "strangers": 1,
        "unwatched": 1,
    }
    (one,) = said["scores"]
    assert [one[name] for name in ("patients", "labelled", "undated", "alerted")] == [3, 3, 1, 2]
    assert (one["sensitivity"]["hits"], one["sensitivity"]["total"]) == (2, 2)
    assert (one["lead_days"]["count"], one["lead_days"]["median"]) == (1, "84")


def test_the_window_is_an_option_and_is_printed(
    archive: Path, table: Path, foreign: tuple[str | Path, ...]
) -> None:
    ran = backtest(archive, table, *foreign, "--before", "83", "--after", "14")
    assert "1/2 = 0.500" in ran.out  # B without a day; A's alert came 84 days before
    assert "at most 83 days before the label's day, to 14 days after it" in ran.out
    assert "labels: 5 (3 say that it happened, 2 of them without a day)" in ran.out
    assert "1 of patients not in the archive, 1 that no rule of this run watches" in ran.out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--label-columns", "outcome=WHY"), "need each other"),
        (("--label-happened", "x"), "need each other"),
        (("--label-columns", "patient=ID"), "on or outcome has to say whether it happened"),
        (("--label-columns", "on=A,condition=B", "--label-condition", "hiv"), "says the condition"),
        (("--label-unit", "years"), "nothing is counted without --label-anchors"),
        (("--label-columns", "whom=ID"), "expected patient=COLUMN"),
        (("--label-columns", "on=A,on=B"), "each at most once"),
        (("--before", "-3"), "expected"),
        (("--after", "1.5"), "expected a number of days"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    archive: Path, table: Path, options: tuple[str, ...], told: str
) -> None:
    table.write_text("patient_id,condition,recorded_switch_on\n")
    ran = backtest(archive, table, *options)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_anchors_that_are_not_there_are_told(archive: Path, table: Path, tmp_path: Path) -> None:
    table.write_text("patient_id,condition,recorded_switch_on\n")
    ran = backtest(archive, table, "--label-anchors", tmp_path / "none.csv")
    assert (ran.code, ran.out) == (2, "")
    assert "none.csv: No such file" in ran.err
