"""Published HL7 v2 messages, from `../shared` beside the repository: all read, none lost."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from schemas.events import Event, Observation, Status
from services.ingest.archive import Format, read_archive
from services.ingest.hl7v2.mapping import Mapped, read_message
from services.ingest.hl7v2.observations import STATUSES
from services.ingest.hl7v2.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
NIST = DATA / "hl7_nist_lri"

pytestmark = pytest.mark.skipif(
    not NIST.is_dir(), reason="the published messages (../shared/data) are not beside this copy"
)


def _files() -> list[Path]:
    return sorted([*DATA.glob("hl7_*/messages/*.hl7"), *DATA.glob("hl7_*/raw/*")])


def _read(path: Path, profile: Profile) -> Iterator[Mapped]:
    for record in read_archive(path, Format.HL7):
        if record.rejected is None:
            yield read_message(record.raw, profile)


def test_no_message_is_lost_silently() -> None:
    """Every file gives records; every record gives an event, a rejection or a notice."""
    assert len(_files()) > 400
    for path in _files():
        records = list(read_archive(path, Format.HL7))
        assert records, path.name
        for record in records:
            if record.rejected is None:
                mapped = read_message(record.raw)
                assert mapped.events or mapped.rejected or mapped.notices, path.name


def test_every_byte_of_a_file_is_in_a_record_or_an_envelope() -> None:
    for path in _files():
        records = list(read_archive(path, Format.HL7))
        got = b"".join(record.raw for record in records)
        lines = path.read_bytes().replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            known = line[:3] in (b"FHS", b"BHS", b"BTS", b"FTS") or not line.strip(b"\x0b\x1c \n")
            assert known or line.strip(b"\x0b\x1c") in got, path.name


def test_every_obx_of_a_result_message_is_accounted_for() -> None:
    """No OBX vanishes: as many events and verdicts as there are OBX segments, at least."""
    checked = 0
    for path in sorted(NIST.glob("messages/*.hl7")):
        raw = path.read_bytes()
        if b"|ORU^R01" not in raw[:1000]:
            continue
        mapped = read_message(raw)
        told = {notice.detail.partition("]")[0] for notice in mapped.notices}
        told |= {why.detail.partition("]")[0] for why in mapped.rejected}
        observations = sum(isinstance(event, Observation) for event in mapped.events)
        whole = any(not why.part or not why.part.startswith("OBX") for why in mapped.rejected)
        checked += 1
        assert whole or observations + len(told) >= raw.count(b"\rOBX|"), path.name
    assert checked > 20


def test_the_published_chains_are_versions_of_one_fact() -> None:
    """Final to corrected, final to wrong patient: same patient, same fact, the later state wins."""
    versions = _by_file_and_code()
    with (NIST / "expected_result_chains.csv").open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    assert len(rows) > 50
    for row in rows:
        before = versions[row["from_file"], row["obx_code"]]
        after = versions[row["to_file"], row["obx_code"]]
        assert {event.event_id for event in before} == {event.event_id for event in after}, row
        assert {(event.source, event.patient_id) for event in before} == {
            (event.source, event.patient_id) for event in after
        }
        assert before[0].status is STATUSES[row["from_status"]]
        assert after[0].status is STATUSES[row["to_status"]]
        if row["to_status"] == "W":
            assert after[0].status.withdraws
            assert after[0].value is None
        assert _wins(after[0], before[0]) or before[0].status is after[0].status


def test_the_corrected_value_of_the_sedimentation_rate_is_read() -> None:
    versions = _by_file_and_code()
    chain = sorted((name, found) for (name, code), found in versions.items() if code == "30341-2")
    values = {
        str(event.value): event.status
        for name, found in chain
        for event in found
        if "Final_result_to_corrected" in name
    }
    assert values == {"10": Status.FINAL, "20": Status.CORRECTED}


def test_one_filler_order_number_of_two_patients_stays_two_facts() -> None:
    """R-991133 is used for several patients in the published messages."""
    facts: dict[str, set[str]] = defaultdict(set)
    for (name, _), found in _by_file_and_code().items():
        if "R-991133" in (NIST / name).read_text(encoding="utf-8"):
            for event in found:
                facts[event.event_id].add(event.patient_id)
    assert facts
    assert len({patient for patients in facts.values() for patient in patients}) > 1
    assert all(len(patients) == 1 for patients in facts.values())


def _wins(later: Event, earlier: Event) -> bool:
    """The order of versions in `schemas.events`: issue, then the rank of the status."""
    assert later.issued_at is not None
    assert earlier.issued_at is not None
    return (later.issued_at, later.status.rank) > (earlier.issued_at, earlier.status.rank)


def _by_file_and_code() -> dict[tuple[str, str], list[Observation]]:
    found: dict[tuple[str, str], list[Observation]] = defaultdict(list)
    for path in sorted(NIST.glob("messages/*.hl7")):
        for mapped in _read(path, Profile()):
            for event in mapped.events:
                if isinstance(event, Observation) and event.code:
                    found[f"messages/{path.name}", event.code.code].append(event)
    return found
