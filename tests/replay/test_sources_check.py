"""`salvage sources check`: one verdict for every message, nothing of a patient, content decides.

The counts over the published sets were recorded once and looked at; most of these messages are of
types, or about patients, that no rule could use.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import shared
from support.console import Ran, salvage

from schemas.events import Observation, Status
from services.detector.engine.fact import Fact
from services.detector.engine.timeline import Timeline
from services.ingest.archive import Format, read_archive
from services.ingest.content import format_of
from services.ingest.profiles.checking import check
from services.ingest.profiles.sources import ANYBODY
from services.ingest.readings import FINDINGS
from services.simulator.cohort import simulate
from services.simulator.hl7 import messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.events import Event

PROFILES = Path(__file__).resolve().parents[2] / "deploy" / "sources"
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "cohort-small.jsonl"

MESSAGE = (
    "MSH|^~\\&|LAB1|NORTH|||20240105120000||ORU^R01^ORU_R01|A1|P|2.5.1\r"
    "PID|1||4711^^^NORTH^MR||Doe^Jane||19510203|F\r"
    "OBR|1||F1^LAB|P^Panel^L|||20240105080000|||||||||||||||20240105120000|||F\r"
    "OBX|1|NM|2857-1^PSA^LN||77.25|ng/mL|0-4||||F\r"
    "OBX|2|NM|XQ^Something^L||88.5|furlong|||||F\r"
    "OBX|3|NM|718-7^Hb^LN||Janes note|g/dL|||||F\r"
    "OBX|4|NM|1742-6^ALT^LN||41|stone|||||F\r"
)
LOINC, FINAL = "http://loinc.org", "final, hour known"
SECRETS = re.compile(r"Doe|Jane|4711|19510203|77\.25|88\.5|\b41\b")


def checked(*words: str | Path) -> dict[str, Any]:
    ran = salvage("sources", "check", "--json", *words)
    assert ran.code == 0, ran.err
    (found,) = ran.lines
    refused, ignored = sum(found["refused"].values()), sum(found["ignored"].values())
    assert found["accepted"] + refused + ignored == found["messages"]
    return found


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# ---------------------------------------------------------------- what it says


def test_people_are_told_what_each_field_became_and_nothing_of_the_patient(tmp_path: Path) -> None:
    path = written(tmp_path, "a.hl7", MESSAGE)
    ran = salvage("sources", "check", path)
    assert ran.out.splitlines() == [
        f"{path}:1: ORU^R01 from NORTH/LAB1 accepted",
        "    patient by authority NORTH",
        f"    observation {LOINC}|2857-1 = psa, a number in ng/mL with reference range, {FINAL}",
        f"    observation L|XQ = NOT MAPPED, a number in furlong, {FINAL}",
        f"    observation {LOINC}|1742-6 = alt, a number in stone (unit not known), {FINAL}",
        "    refused not_a_number: OBX[3]-5: expected a number, a limit such as <20, or a finding",
        "    noticed unmapped_code: OBX[2]: code: not mapped to an analyte",
        "    noticed unknown_unit: OBX[4]: unit: unit not known",
        "parts refused: not_a_number: 1",
        "codes not mapped: L|XQ: 1",
        "units not usable: alt|stone: 1",
        "1 messages: 1 accepted, 0 refused, 0 ignored; 3 facts; 1 codes not mapped",
    ]
    assert not SECRETS.search(ran.out.replace(str(path), ""))


def test_a_program_gets_one_object_with_the_sums(tmp_path: Path) -> None:
    assert checked(written(tmp_path, "a.hl7", MESSAGE)) == {
        "messages": 1,
        "accepted": 1,
        "refused": {},
        "ignored": {},
        "facts": 3,
        "parts_refused": {"not_a_number": 1},
        "unmapped_codes": {"L|XQ": 1},
        "refused_codes": {},
        "unmapped_units": {"alt|stone": 1},
    }


def test_the_profile_decides_and_is_named(tmp_path: Path) -> None:
    local = MESSAGE.replace("XQ^Something", "PSA1^PSA").replace("|furlong|", "|ng/ml|")
    path = written(tmp_path, "a.hl7", local)
    ran = salvage("sources", "check", "--sources", PROFILES, path)
    assert "ORU^R01 from NORTH/LAB1 by profile north-lab accepted" in ran.out
    assert "observation L|PSA1 = psa, a number in ng/mL" in ran.out
    assert checked("--source", PROFILES / "north-lab.yaml", path)["unmapped_codes"] == {}
    refused = checked("--source", PROFILES / "city-ehr.yaml", path)["refused"]
    assert refused == {"unknown_sender": 1}


def test_quiet_prints_the_sums_alone(tmp_path: Path) -> None:
    ran = salvage("sources", "check", "--quiet", written(tmp_path, "a.hl7", MESSAGE))
    assert len(ran.out.splitlines()) == 4


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.hl7"], "salvage sources: nowhere.hl7: there is no such file"),
        (["--source", "nowhere.yaml", "."], "nowhere.yaml:1:1: No such file or directory"),
    ],
)
def test_what_is_not_there_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = salvage("sources", "check", *words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_a_broken_profile_is_told_by_its_place(tmp_path: Path) -> None:
    profile = written(tmp_path, "p.yaml", "name: a\ntime_zone: Mars/Olympus\n")
    ran = salvage("sources", "check", "--source", profile, tmp_path)
    assert ran.code == 2
    assert f"{profile}:2:12: time_zone: unknown time zone 'Mars/Olympus'" in ran.err


def test_a_defect_of_ours_is_told_and_the_others_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "a.hl7", MESSAGE)
    written(tmp_path, "b.json", '{"resourceType": "Claim"}')

    def broken(record: Any, form: Format, declared: Any) -> Any:
        if form is Format.HL7:
            raise KeyError("Jane")
        return real(record, form, declared)

    real = check
    monkeypatch.setattr("services.commands.sources.check", broken)
    ran = salvage("sources", "check", "--json", tmp_path)
    assert ran.code == 1
    assert (ran.lines[0]["messages"], ran.lines[0]["refused"]) == (2, {"defect": 1})
    assert "KeyError at " in ran.err
    assert "Jane" not in ran.err


# ---------------------------------------------------------------- what a file holds


def resource(number: int, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2857-1"}]},
        "subject": {"identifier": {"system": "HOSP", "value": "7"}},
        "effectiveDateTime": "2024-01-05",
        "valueQuantity": {"value": 3, "unit": "ng/mL"},
        **more,
    }


def bundle(*resources: object) -> str:
    entries = [{"resource": each} for each in resources]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})


RESOURCES = [resource(number) for number in range(3)]
NDJSON = "".join(json.dumps(each) + "\n" for each in RESOURCES)
BATCH = f"FHS|^~\\&\rBHS|^~\\&\r{MESSAGE}{MESSAGE}BTS|2\rFTS|1\r"


@pytest.mark.parametrize(
    ("content", "messages", "accepted"),
    [
        (MESSAGE, 1, 1),
        (MESSAGE.replace("\r", "\n"), 1, 1),
        (MESSAGE + MESSAGE, 2, 2),
        (BATCH, 2, 2),
        (f"\x0b{MESSAGE}\x1c\r\x0b{MESSAGE}\x1c\r", 2, 2),
        (json.dumps(RESOURCES[0]), 1, 1),
        (json.dumps(RESOURCES[0], indent=2), 1, 1),
        (bundle(*RESOURCES), 3, 3),
        (NDJSON, 3, 3),
        (bundle(*RESOURCES) + "\n" + json.dumps(RESOURCES[0]), 4, 4),
        (gzip.compress(NDJSON.encode()), 3, 3),
        (gzip.compress(MESSAGE.encode()), 1, 1),
    ],
)
def test_formats_are_told_apart_by_content(
    tmp_path: Path, content: str | bytes, messages: int, accepted: int
) -> None:
    found = checked(written(tmp_path, "without-ending", content))
    assert (found["messages"], found["accepted"]) == (messages, accepted)


@pytest.mark.parametrize(
    ("content", "fate", "reason"),
    [
        ("# hl7_x: messages\n\nMSH-9 without PID|3.\n", "ignored", "not_a_message"),
        ("file,origin\nmessages/a.hl7,MSH|^~\n", "ignored", "not_a_message"),
        ("Apache License\n", "ignored", "not_a_message"),
        (b"\x89PNG\r\n\x1a\n\0\0", "ignored", "not_a_message"),
        ("<html>login</html>", "ignored", "not_a_message"),
        ('<Patient xmlns="http://hl7.org/fhir"/>', "refused", "unexpected_resource"),
        ("", "refused", "empty_input"),
        ("PID|1||7^^^NORTH^MR\rOBX|1\r", "refused", "malformed_hl7"),
        ('{"resourceType": "Observation"', "refused", "malformed_json"),
        ("[1, 2]", "refused", "malformed_json"),
        ('{"resourceType": "Bundle", "type": "collection"}', "ignored", "not_a_result"),
        ('{"resourceType": "Claim"}', "ignored", "not_a_result"),
        (gzip.compress(NDJSON.encode())[:-9], "refused", "truncated_archive"),
    ],
)
def test_what_gives_no_fact_says_why(
    tmp_path: Path, content: str | bytes, fate: str, reason: str
) -> None:
    found = checked(written(tmp_path, "some-file.txt", content))
    assert found[fate].get(reason) == 1, found


def test_our_own_events_are_known_too() -> None:
    found = checked(EXAMPLE)
    lines = EXAMPLE.read_bytes().count(b"\n")
    assert (found["messages"], found["accepted"]) == (lines, lines)
    assert format_of(b'{"event_id": "x", "resourceType": "x"}') is Format.FHIR


def test_what_a_report_contains_is_no_message_of_its_own(tmp_path: Path) -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r1",
        "status": "final",
        "code": {"text": "Panel"},
        "subject": {"identifier": {"system": "HOSP", "value": "7"}},
        "contained": [resource(1), resource(2)],
        "result": [{"reference": "#o1"}, {"reference": "#o2"}],
    }
    found = checked(written(tmp_path, "r.json", bundle(report)))
    assert (found["messages"], found["accepted"], found["facts"]) == (1, 1, 2)


def test_a_header_does_not_steer_the_terminal(tmp_path: Path) -> None:
    path = written(tmp_path, "a.hl7", MESSAGE.replace("LAB1", "L\x1b[2J").replace("ORU^", "\x07^"))
    ran = salvage("sources", "check", path)
    assert "from NORTH/L?[2J refused" in ran.out
    assert "\x1b" not in ran.out
    assert "\x07" not in ran.out


def test_folders_are_read_to_their_bottom(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("a/x.hl7", "a/b/y", ".z"):
        written(tmp_path, name, MESSAGE)
    assert checked(tmp_path)["accepted"] == 3


def test_a_simulated_hospital_is_accepted_whole(tmp_path: Path) -> None:
    from datetime import date  # noqa: PLC0415 - nobody else here needs a calendar

    raws = list(messages(simulate(11, 5, date(2021, 1, 1), 6).dispatches))
    found = checked(written(tmp_path, "cohort.hl7", b"".join(raws)))
    assert found["messages"] == found["accepted"] == len(raws) > 50
    assert found["unmapped_codes"] == found["unmapped_units"] == {}


# ---------------------------------------------------------------- the published sets

SETS = {
    "hl7_hapi": (99, 12, 75, 12, 20),
    "hl7_linuxforhealth": (185, 21, 156, 8, 30),
    "hl7_ms_fhir_converter": (72, 12, 57, 3, 53),
    "hl7_nist_lri": (75, 40, 32, 3, 165),
    "hl7_python_hl7": (25, 1, 17, 7, 2),
    "fhir_mcode_extraction": (59, 1, 22, 36, 1),
    "fhir_mcode_ig_examples": (63, 1, 30, 32, 1),
    "fhir_r4_examples": (292, 12, 89, 191, 27),
    "fhir_synthea_oncology": (3035, 2043, 0, 992, 2120),
}
"""Messages, accepted, refused, ignored, facts; READMEs and indexes are among the ignored."""


@pytest.mark.parametrize("name", SETS)
def test_every_published_message_gets_its_verdict(name: str) -> None:
    found = checked(shared("data", name))
    refused, ignored = sum(found["refused"].values()), sum(found["ignored"].values())
    counts = (found["messages"], found["accepted"], refused, ignored, found["facts"])
    assert counts == SETS[name]


@pytest.mark.parametrize("name", [name for name in SETS if name.startswith("hl7_")])
def test_no_file_of_a_set_is_left_out(name: str) -> None:
    """Each file gives at least one line with its own name."""
    folder = shared("data", name)
    ran: Ran = salvage("sources", "check", folder)
    told = {line.partition(": ")[0].rpartition(":")[0] for line in ran.out.splitlines()}
    told |= {line.partition(": ")[0] for line in ran.out.splitlines()}
    files = {str(path) for path in folder.rglob("*") if path.is_file()}
    assert files - told == set()


# ---------------------------------------------------------------- chains of corrections


def events_of(path: Path) -> Iterator[Event]:
    for record in read_archive(path, Format.HL7):
        yield from ANYBODY.read_message(record.raw).events


def chains() -> dict[tuple[str, str], list[dict[str, str]]]:
    """The steps of each scenario's results, in their order."""
    found: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    table = shared("data", "hl7_nist_lri", "expected_result_chains.csv")
    with table.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            found[row["scenario"], row["obx_code"] + row["obx_sub"]].append(row)
    return found


def test_published_chains_of_corrections_end_in_the_right_facts() -> None:
    """Whatever the order of arrival: F to C, F to A, F to W (wrong patient), P and I to F."""
    folder = shared("data", "hl7_nist_lri")
    statuses: dict[str, int] = defaultdict(int)
    for (scenario, _), steps in chains().items():
        names = dict.fromkeys(row[end] for row in steps for end in ("from_file", "to_file"))
        last = steps[-1]
        for order in (list(names), list(reversed(names))):
            stands = final_state(folder, order, last["obx_code"], last["to_pid"])
            (fact,) = stands.values()
            assert ends_right(fact, last), (scenario, last["obx_code"])
        statuses[last["to_status"]] += 1
    assert dict(statuses) == {"C": 1, "F": 32, "W": 19}


def final_state(folder: Path, files: list[str], code: str, number: str) -> dict[str, Observation]:
    """The winning version of each fact of a code and a patient, withdrawn ones included."""
    timeline = Timeline()
    found: dict[str, Observation] = {}
    for event in (each for file in files for each in events_of(folder / file)):
        timeline.merge(Fact(event, 0))
    for fact, _ in timeline.versions():
        event = fact.event
        wanted = isinstance(event, Observation) and event.code and event.code.code == code
        if wanted and event.patient_id.endswith(f"|{number}"):
            found[event.event_id] = event
    return found


def ends_right(fact: Observation, last: dict[str, str]) -> bool:
    if last["to_status"] == "W":
        return fact.status is Status.ENTERED_IN_ERROR and fact.value is None
    status = {"C": Status.CORRECTED, "F": Status.FINAL}[last["to_status"]]
    sent = last["to_value"].removeprefix("^")  # of SN, without its comparator
    said = FINDINGS.get(sent.partition("^")[0], sent)
    found = fact.value if fact.value is not None else fact.value_code
    return fact.status is status and str(found) == said
