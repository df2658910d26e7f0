"""A cohort as files: events, HL7 v2 or FHIR; the truth; the labels. The same cohort, same bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, fields
from types import MappingProxyType

from services.simulator.cohort import Label, Verdict
from services.simulator.delivery import Dispatch
from services.simulator.fhir import bundles
from services.simulator.hl7 import messages


def event_lines(dispatches: Iterable[Dispatch]) -> Iterator[bytes]:
    """Canonical events as JSON lines, one chunk a dispatch."""
    for dispatch in dispatches:
        yield b"".join(event.to_json() + b"\n" for event in dispatch.events)


Writer = Callable[[Iterable[Dispatch]], Iterator[bytes]]

WRITERS: Mapping[str, Writer] = MappingProxyType(
    {"events": event_lines, "hl7": messages, "fhir": bundles}
)
"""Format to its writer; each gives one chunk a dispatch."""
FILE_NAMES: Mapping[str, str] = MappingProxyType(
    {"events": "cohort.jsonl", "hl7": "cohort.hl7", "fhir": "cohort.fhir.ndjson"}
)


def truth_csv(truth: Iterable[Verdict]) -> bytes:
    """`patient_id,rule,state,tag,at,onset,story`; an empty cell is not stated."""
    return _csv([field.name for field in fields(Verdict)], map(astuple, truth))


def labels_csv(labels: Iterable[Label]) -> bytes:
    """`patient_id,condition,recorded_switch_on`; an empty date: treatment was never changed."""
    return _csv([field.name for field in fields(Label)], map(astuple, labels))


def _csv(header: list[str], rows: Iterable[tuple[object, ...]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["" if cell is None else str(cell) for cell in row] for row in rows)
    return text.getvalue().encode()
