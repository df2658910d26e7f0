"""`salvage replay`: what is printed, in which order, up to when, and by which rules."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support.console import Ran, salvage

from schemas.alerts import AlertRevision
from services.cli import main
from services.simulator.cohort import simulate
from services.simulator.hl7 import messages

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
COHORT = ROOT / "examples" / "cohort-small.jsonl"
RULES = ROOT / "services" / "detector" / "rules"
END = ("--until", "2026-01-01")

Lines = list[dict[str, Any]]


def replay(*words: str | Path) -> Ran:
    return salvage("replay", *words)


def fact(number: str, day: str, value: str, **own: str) -> dict[str, str]:
    common = {"patient_id": "HOSP|1", "source": "LAB", "status": "final", "event_id": number}
    psa = {"type": "observation", "analyte": "psa", "unit": "ng/mL", "value": value}
    return common | psa | {"effective_at": day, "issued_at": f"{day}T12:00:00Z"} | own


STORY = [
    {
        "type": "treatment",
        "event_id": "rt",
        "patient_id": "HOSP|1",
        "source": "ONC",
        "status": "final",
        "effective_at": "2020-01-06",
        "course_id": "c1",
        "condition": "prostate-cancer",
        "modality": "radiotherapy",
        "phase": "completed",
    },
    fact("a", "2020-07-01", "1.4"),
    fact("b", "2021-07-01", "3.4"),
    fact("b", "2021-07-01", "2.4", status="corrected", issued_at="2021-07-20T09:00:00Z"),
]
"""Nadir 1.4; 3.4 is failure by Phoenix; three weeks later it turns out to have been 2.4."""


@pytest.fixture
def story(tmp_path: Path) -> Path:
    return written(tmp_path / "story.jsonl", STORY)


def written(path: Path, events: Sequence[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


def said(lines: Lines) -> list[tuple[str, str]]:
    return [(line["at"][:10], line["state"]) for line in lines]


# --- The journal ----------------------------------------------------------------------------------


def test_the_journal_is_printed_as_alert_revisions_in_the_order_of_knowledge() -> None:
    ran = replay(COHORT, *END)
    assert (ran.code, ran.err) == (0, "")
    revisions = [AlertRevision.model_validate_json(line) for line in ran.out.splitlines()]
    assert len(revisions) > 10
    assert [r.to_json().decode() for r in revisions] == ran.out.splitlines()
    assert [r.at for r in revisions] == sorted(r.at for r in revisions)
    assert all(r.evidence or r.state in {"overdue", "cleared", "retracted"} for r in revisions)


def test_the_order_of_the_lines_repetition_and_compression_mean_nothing(tmp_path: Path) -> None:
    whole = replay(COHORT, *END).out
    lines = COHORT.read_text().splitlines(keepends=True)
    random.Random(4711).shuffle(lines)  # noqa: S311  # an order, not a secret
    half = len(lines) // 2
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
    first.write_text("".join(lines[: half + 50]))
    second.write_bytes(gzip.compress("".join(lines[half:]).encode()))
    assert replay(second, first, *END).out == whole


def test_patients_of_one_moment_come_in_the_same_order_whatever_the_order_of_the_lines(
    tmp_path: Path,
) -> None:
    twins = [event | {"patient_id": f"HOSP|{number}"} for event in STORY for number in "21"]
    one = replay(written(tmp_path / "one.jsonl", twins))
    other = replay(written(tmp_path / "other.jsonl", twins[::-1]))
    assert [line["patient_id"] for line in one.lines] == ["HOSP|1", "HOSP|2"] * 2
    assert other.out == one.out


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(COHORT.read_bytes())))
    assert replay("-", *END).out == replay(COHORT, *END).out


def test_hl7_gives_the_alerts_that_the_events_give(tmp_path: Path) -> None:
    """The same cohort in both formats: patient, rule, state, tag and moments are the same."""
    cohort = simulate(3, 12, date(2024, 1, 1), 12)
    events, traffic = tmp_path / "events.jsonl", tmp_path / "traffic.hl7"
    events.write_bytes(b"".join(event.to_json() + b"\n" for event in cohort.events))
    traffic.write_bytes(b"".join(messages(cohort.dispatches)))
    told = ("patient_id", "rule", "state", "tag", "at", "onset", "change")
    until = ("--until", cohort.until.isoformat())
    ran = replay(traffic, "--format", "hl7", *until)
    plain = replay(events, *until)
    assert plain.lines
    assert [[e.get(f) for f in told] for e in ran.lines] == [
        [e.get(f) for f in told] for e in plain.lines
    ]
    assert (ran.code, plain.code) == (0, 0)


def test_final_keeps_the_last_revision_of_each_alert(story: Path) -> None:
    everything, last = replay(COHORT, *END).lines, replay(COHORT, *END, "--final").lines
    latest = {line["alert_id"]: line for line in everything}
    assert {line["alert_id"]: line for line in last} == latest
    assert len(last) == len(latest) < len(everything)
    assert [line["at"] for line in last] == sorted(line["at"] for line in last)
    assert said(replay(story, "--final").lines) == [("2021-07-20", "retracted")]


# --- Time -----------------------------------------------------------------------------------------


def test_a_correction_takes_the_alert_back_when_it_is_issued(story: Path) -> None:
    assert said(replay(story).lines) == [("2021-07-01", "confirmed"), ("2021-07-20", "retracted")]


@pytest.mark.parametrize(
    ("words", "states"),
    [
        (("--until", "2021-06-30"), []),
        (("--until", "2021-07-01"), ["confirmed"]),  # the whole of that day
        (("--until", "2021-07-01T11:59:59Z"), []),
        (("--until", "2021-07-01T12:00:00Z"), ["confirmed"]),
        (("--until", "2021-07-20"), ["confirmed", "retracted"]),
        (("--as-of", "2021-07-19"), ["confirmed"]),
        (("--as-of", "2021-07-20"), ["confirmed", "retracted"]),
        (("--as-of", "2021-07-19", "--until", "2025-01-01"), ["confirmed"]),
    ],
)
def test_the_clock_stops_where_it_is_told(
    story: Path, words: tuple[str, ...], states: list[str]
) -> None:
    assert [line["state"] for line in replay(story, *words).lines] == states


def test_due_dates_come_without_any_message(tmp_path: Path) -> None:
    start = STORY[0] | {"condition": "hiv", "modality": "antiretroviral", "phase": "started"}
    path = written(tmp_path / "hiv.jsonl", [start])
    assert replay(path).out == ""
    due = replay(path, "--until", "2021-01-01", "--rules", "HIV-VL-OVERDUE").lines
    assert [line["state"] for line in due] == ["overdue"]


def test_what_has_arrived_is_not_called_overdue_any_more(tmp_path: Path) -> None:
    start = STORY[0] | {"condition": "hiv", "modality": "antiretroviral", "phase": "started"}
    late = fact("v", "2020-12-01", "20", analyte="hiv_rna", unit="{copies}/mL")
    path = written(tmp_path / "hiv.jsonl", [start, late])
    overdue, cleared = replay(path, "--rules", "HIV-VL-OVERDUE").lines
    assert (overdue["state"], cleared["state"]) == ("overdue", "cleared")
    assert overdue["summary"].endswith("the six-month test is overdue.")
    assert cleared["summary"] == "The viral load that was overdue has arrived."


@pytest.mark.parametrize("day", ["2021-02-29", "yesterday", "2021-07-01T12:00:00", "20210701"])
def test_a_date_that_is_none_is_refused(story: Path, day: str) -> None:
    ran = replay(story, "--until", day)
    assert (ran.code, ran.out) == (2, "")
    assert "--until" in ran.err


# --- Rules ----------------------------------------------------------------------------------------


def test_only_the_rules_asked_for_speak() -> None:
    asked = replay(COHORT, *END, "--rules", "CML-ELN, HIV-VF-WHO").lines
    assert {line["rule"] for line in asked} == {"CML-ELN", "HIV-VF-WHO"}
    rest = [e for e in replay(COHORT, *END).lines if e["rule"] in {"CML-ELN", "HIV-VF-WHO"}]
    assert asked == rest


@pytest.mark.parametrize("place", [RULES / "hiv", RULES / "hiv" / "hiv-vf-who.yaml"])
def test_rules_may_come_from_a_folder_or_a_file(place: Path) -> None:
    lines = replay(COHORT, *END, "--rules", place).lines
    assert "HIV-VF-WHO" in {line["rule"] for line in lines}
    assert {line["rule"].split("-")[0] for line in lines} == {"HIV"}


def test_the_site_has_its_say(story: Path, tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("rules:\n  PROST-PHOENIX:\n    params: {rise: 2.1 ng/mL}\n")
    assert replay(story).lines
    assert replay(story, "--site", site).out == ""
    site.write_text("rules:\n  PROST-PHOENIX: {enabled: false}\n")
    assert replay(story, "--site", site).out == ""
    ran = replay(story, "--site", site, "--rules", "PROST-PHOENIX")
    assert (ran.code, "there is no rule PROST-PHOENIX" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--rules", "PROST-PHOENIKS"), "there is no rule PROST-PHOENIKS"),
        (("--rules", "nowhere.yaml"), "nowhere.yaml: No such file"),
        (("--rules", ","), "no rule is left to run"),
        (("--site", "nowhere.yaml"), "nowhere.yaml: No such file"),
        (("--source", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_what_cannot_be_run_is_refused(story: Path, words: tuple[str, ...], told: str) -> None:
    ran = replay(story, *words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_a_mistake_in_a_rule_is_named_by_its_place(story: Path, tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("rules:\n  PROST-PHOENIX:\n    params: {rise: 2.1 kg}\n")
    ran = replay(story, "--site", site)
    assert (ran.code, ran.out) == (2, "")
    assert f"{site}:3:" in ran.err


# --- Grades and doubts ----------------------------------------------------------------------------


def test_grades_are_printed_instead(tmp_path: Path) -> None:
    blood = {"analyte": "neutrophils", "unit": "10*9/L"}
    path = written(tmp_path / "blood.jsonl", [fact("n", "2024-01-01", "0.4", **blood)])
    (line,) = replay(path, "--grades", "--rules", "TOX-CTC-GRADE").lines
    assert line == {
        "patient_id": "HOSP|1",
        "event_id": "n",
        "rule": "TOX-CTC-GRADE",
        "term": "Neutrophil count decreased",
        "version": 5,
        "grade": 4,
    }


def test_a_baseline_is_its_own_baseline(tmp_path: Path) -> None:
    """ALT 90 with a limit of 40 is grade 1 by itself, and grade 0 once it is what therapy met."""
    alt = {"analyte": "alt", "unit": "U/L", "reference_high": "40"}
    before = fact("alt", "2024-01-01", "90", **alt)
    start = STORY[0] | {"effective_at": "2024-01-10", "phase": "started"}
    late = start | {"effective_at": "2024-02-10"}

    def graded(path: Path) -> list[Any]:
        return replay(path, "--grades", "--rules", "TOX-CTC-GRADE").lines

    def grade(*events: dict[str, str]) -> object:
        (line,) = graded(written(tmp_path / "alt.jsonl", events))
        return line["grade"]

    assert grade(before) == 1
    assert grade(before, start) == 0
    assert grade(before, late) == 1  # 40 days: too old to be a baseline


def test_doubts_are_printed_instead(tmp_path: Path) -> None:
    unmapped = fact("x", "2021-01-01", "9", unit="furlong")
    path = written(tmp_path / "odd.jsonl", [*STORY, unmapped])
    (line,) = replay(path, "--unknowns", "--rules", "PROST-PHOENIX").lines
    assert line["event_ids"] == ["x"]
    assert line["at"] == "2021-01-01T12:00:00Z"
    assert line["reason"]


def test_one_thing_is_printed_at_a_time(story: Path) -> None:
    assert replay(story, "--final", "--grades").code == 2


# --- Progress -------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_to_whoever_watches_and_leaves_no_trace() -> None:
    screen = Terminal()
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    with redirect_stdout(out), redirect_stderr(screen):
        assert main(["replay", str(COHORT), str(COHORT)]) == 0
    assert "1,000 records" in screen.getvalue()
    assert "\n" not in screen.getvalue()
    assert screen.getvalue().split("\r")[-2].strip() == ""


# --- The process ----------------------------------------------------------------------------------


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = [sys.executable, "-m", "services.cli", "replay", str(COHORT), *END]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == b""


def test_the_output_is_utf_8_wherever_it_runs(tmp_path: Path) -> None:
    path = written(tmp_path / "story.jsonl", [event | {"patient_id": "HÔP|1"} for event in STORY])
    command = [sys.executable, "-m", "services.cli", "replay", str(path)]
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    assert json.loads(ran.stdout.decode().splitlines()[0])["patient_id"] == "HÔP|1"
