"""Who reads bytes into what: our tokenizer and mapping, and two libraries that tokenize."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import hl7
from hl7apy.parser import parse_message

from benchmarks.timing import Contender
from schemas.remembered import Memo
from services.ingest.hl7v2.codec import parse
from services.ingest.hl7v2.mapping import read_message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PARSE = "ours, parsed"
MAP = "ours, parsed and mapped"
PYTHON_HL7 = "python-hl7, parsed"
HL7APY = "hl7apy, parsed"
_HL7APY_SHARE = 100
"""It takes a few hundred times as long, and gets that much less to do."""


def contenders(work: Sequence[bytes]) -> tuple[Contender, ...]:
    """All of them, on the same messages; hl7apy on the first of these."""
    few = work[: max(1, len(work) // _HL7APY_SHARE)]
    return (
        Contender(PARSE, lambda: _each(parse), work),
        Contender(MAP, _mapping, work),
        Contender(PYTHON_HL7, lambda: _each(_python_hl7), work),
        Contender(HL7APY, lambda: _each(_hl7apy), few),
    )


def _each(read: Callable[[bytes], Any]) -> Callable[[Sequence[bytes]], None]:
    def take_in(part: Sequence[bytes]) -> None:
        for raw in part:
            read(raw)

    return take_in


def _mapping() -> Callable[[Sequence[bytes]], None]:
    """As in a process that has just begun: what it has seen before must not help in a pass."""
    for memo in [one for one in gc.get_objects() if isinstance(one, Memo)]:
        memo.clear()
    return _each(_mapped)


def _mapped(raw: bytes) -> None:
    found = read_message(raw)
    if found.rejected or not found.events:
        raise ValueError("a message of the workload was not understood")


def _python_hl7(raw: bytes) -> Any:
    return hl7.parse(raw.decode())


def _hl7apy(raw: bytes) -> Any:
    return parse_message(raw.decode())
