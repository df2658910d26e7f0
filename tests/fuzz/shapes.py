"""Messages that grow: reading must take time in proportion to their size, whatever grows."""

from __future__ import annotations

from time import process_time
from typing import TYPE_CHECKING

from support.mllp import header, obx

from fuzz.targets import NOW
from services.ingest.hl7v2.batch import split
from services.ingest.mllp.gate import Rules, examine

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (30_000, 240_000)
MOST = 24.0
"""Times as long for eight times the bytes: three times what is due, for machines that are busy."""
_LEAST = 0.002
"""Seconds below which a measurement says nothing."""

_PID = "PID|||1^^^H^MR\r"
_OBR = "OBR|1||O1^L||||20260101\r"
_DOSE = "ORC|RE||1^L||||||20260101\rRXE|1\rRXR|1\rZTX|c|hiv|anti|x|1|disease-control|started||||"
_HEAD = header() + "\r"

SHAPES: dict[str, Callable[[int], str]] = {
    "line feeds": lambda n: header() + "\n" * n,
    "returns": lambda n: header() + "\r" * n,
    "both": lambda n: header() + "\r\n" * (n // 2),
    "a return and line feeds": lambda n: header() + "\r" + "\n" * n,
    "fields of MSH": lambda n: header() + "|" * n,
    "identifiers": lambda n: _HEAD + "PID|||" + "1~" * (n // 2) + "\r" + _OBR + obx(),
    "components": lambda n: _HEAD + "PID|||1" + "^" * n + "\r" + _OBR + obx(),
    "escapes": lambda n: _HEAD + _PID + _OBR + obx(f3="\\X41\\" * (n // 5)),
    "open escapes": lambda n: _HEAD + _PID + _OBR + obx(f3="\\X" * (n // 2)),
    "digits": lambda n: _HEAD + _PID + _OBR + obx(value="9" * n),
    "blanks": lambda n: _HEAD + _PID + _OBR + obx(value="9" + " " * n + "9"),
    "a range": lambda n: _HEAD + _PID + _OBR + obx(f7="M: 1-2 " * (n // 7)),
    "values": lambda n: _HEAD + _PID + _OBR + obx(value="1~" * (n // 2)),
    "results": lambda n: _HEAD + _PID + _OBR + (obx() + "\r") * (n // 60),
    "orders": lambda n: _HEAD + (_PID + _OBR + obx() + "\r") * (n // 110),
    "merges": lambda n: header(f9="ADT^A40") + "\rEVN||20260101\r" + (_PID + "MRG|2\r") * (n // 21),
    "lesions": lambda n: _HEAD + _PID + _OBR + "ZIM|lugano|PD|||" + "a~" * (n // 2),
    "drug classes": lambda n: header(f9="RDE^O11") + "\r" + _PID + _DOSE + "a~" * (n // 2),
    "headers": lambda n: _HEAD + "MSH\r" * (n // 4),
    "a batch": lambda n: "BHS|^~\\&|\r" + (_HEAD * (n // 100)) + "BTS|1",
    "trailers": lambda n: "BHS|^~\\&|\r" + "BTS|\r" * (n // 5),
    "envelopes": lambda n: "BHS|\r" * (n // 5),
}


def growth(shape: str) -> tuple[float, float]:
    """Seconds for the large one, and how many times as long that is as the small one takes."""
    small, large = (min(_seconds(SHAPES[shape](size).encode()) for _ in "12") for size in SIZES)
    return large, large / max(small, _LEAST)


def _seconds(raw: bytes) -> float:
    begun = process_time()
    if raw.startswith(b"MSH"):
        examine(raw, Rules(), None, NOW)
    else:
        list(split([raw]))
    return process_time() - begun
