"""Published FHIR resources: each is used, ignored with a reason or refused with a reason.

Counts as recorded once and looked at. Most resources of the standard's own examples are about what
no rule needs, and many have no patient that could be known without their server.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import shared

from schemas.deadletter import Reason
from schemas.events import Observation
from services.ingest.fhir.mapping import read_resources
from services.ingest.fhir.profile import Profile
from services.ingest.fhir.verdicts import Mapped, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).resolve().parents[2] / "docs" / "fhir-conventions.md"
SETS = (
    "fhir_mcode_extraction",
    "fhir_mcode_ig_examples",
    "fhir_r4_examples",
    "fhir_synthea_oncology",
)
SERVER = "EHR"
"""A site that says that ids such as `Patient/7` name its patients."""


def documents(name: str) -> Iterator[bytes]:
    """The documents of a set: a file each, or a line each."""
    for path in sorted(shared("data", name).rglob("*")):
        if path.name.endswith(".ndjson.gz"):
            yield from gzip.decompress(path.read_bytes()).splitlines()
        elif path.name.endswith(".json.gz"):
            yield gzip.decompress(path.read_bytes())
        elif path.suffix == ".json":
            yield path.read_bytes()


@cache
def read(name: str, server: str | None = None) -> list[Mapped]:
    """What each document of a set states, to a site that knows its server, or doesn't."""
    return [read_resources(raw, Profile(server=server)) for raw in documents(name)]


def verdicts(found: list[Mapped]) -> Counter[Verdict]:
    return Counter(each.verdict for mapped in found for each in mapped.verdicts)


def events(found: list[Mapped]) -> Counter[str]:
    return Counter(event.type for mapped in found for event in mapped.events)


def refusals(found: list[Mapped]) -> Counter[Reason]:
    return Counter(why.reason for mapped in found for why in mapped.rejected)


@pytest.mark.parametrize(
    ("name", "used", "ignored", "refused"),
    [
        ("fhir_mcode_extraction", 1, 27, 22),
        ("fhir_mcode_ig_examples", 1, 30, 30),
        ("fhir_r4_examples", 12, 189, 89),
        ("fhir_synthea_oncology", 2043, 990, 0),
    ],
)
def test_without_knowing_the_server_only_what_names_its_patient_is_used(
    name: str, used: int, ignored: int, refused: int
) -> None:
    found = read(name)
    wanted = {Verdict.USED: used, Verdict.IGNORED: ignored, Verdict.REFUSED: refused}
    assert verdicts(found) == Counter(wanted)


@pytest.mark.parametrize(
    ("name", "said", "refused"),
    [
        (
            "fhir_mcode_extraction",
            {"patient": 2},
            {
                Reason.UNMAPPED_PATIENT: 12,
                Reason.MALFORMED_JSON: 6,
                Reason.UNEXPECTED_RESOURCE: 3,
            },
        ),
        (
            "fhir_mcode_ig_examples",
            {"observation": 27, "patient": 1, "treatment": 2},
            {Reason.NO_VALUE: 1, Reason.MISSING_FIELD: 1},
        ),
        (
            "fhir_r4_examples",
            {"observation": 77, "patient": 12, "imaging_report": 1, "adverse_event": 1},
            {
                Reason.MISSING_FIELD: 13,
                Reason.UNEXPECTED_RESOURCE: 4,
                Reason.NO_SUBJECT: 5,
                Reason.UNMAPPED_PATIENT: 3,
                Reason.BAD_STATUS: 2,
                Reason.NO_VALUE: 1,
                Reason.FOREIGN_REFERENCE: 1,
            },
        ),
        ("fhir_synthea_oncology", {"observation": 2106, "patient": 14}, {}),
    ],
)
def test_with_the_server_s_ids_all_else_is_used_too(
    name: str, said: dict[str, int], refused: dict[Reason, int]
) -> None:
    found = read(name, SERVER)
    assert events(found) == Counter(said)
    assert refusals(found) == Counter(refused)


@pytest.mark.parametrize("name", SETS)
def test_the_page_counts_what_becomes_of_it(name: str) -> None:
    """`docs/fhir-conventions.md`, "Published resources, counted"."""
    found = verdicts(read(name, SERVER))
    kinds = (Verdict.USED, Verdict.IGNORED, Verdict.REFUSED)
    row = [name, sum(found.values()), *(found[kind] for kind in kinds)]
    assert f"| {' | '.join(map(str, row))} |" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SETS)
def test_every_entry_has_one_verdict_and_what_is_not_used_a_reason(name: str) -> None:
    for raw, mapped in zip(documents(name), read(name, SERVER), strict=True):
        places = [each.place for each in mapped.verdicts if ".contained" not in each.place]
        document = json.loads(raw)
        listed = document.get("entry", []) if isinstance(document, dict) else []
        if places != ["document"]:
            assert sorted(places) == sorted(f"entry[{at}]" for at in range(len(listed))) or (
                places == [document["resourceType"]]
            )
        for verdict in mapped.verdicts:
            assert (verdict.reason is None) == (verdict.verdict is Verdict.USED)


def test_results_keep_the_digits_of_the_source() -> None:
    """Synthea writes up to 17 digits; each must come back as it was written."""
    found = read("fhir_synthea_oncology")
    values = {
        str(event.value)
        for mapped in found
        for event in mapped.events
        if isinstance(event, Observation) and event.value is not None
    }
    whole = b"".join(documents("fhir_synthea_oncology"))
    assert len(values) > 1000
    assert all(value.encode() in whole for value in values)
