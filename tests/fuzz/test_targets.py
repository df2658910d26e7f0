"""A little of `make fuzz` in every run of the tests, and what it has found."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from fuzz import shapes
from fuzz.corpus import mutant, seeds
from fuzz.ledger import Ledger
from fuzz.targets import TARGETS

if TYPE_CHECKING:
    from pathlib import Path

MUTANTS = 300
HEAD = b"MSH|^~\\&|LAB|HOSP|||20260304100000+0000||ORU^R01|M1|P|2.5.1\r"

FOUND = {
    "a segment that is only a name": HEAD + b"PID|||1^^^H^MR\rRXR\r",
    "a sequence number that no store holds": HEAD.replace(b"2.5.1", b"2.5.1|" + b"9" * 22),
    "a sender whose name is too long": HEAD.replace(b"HOSP", b"H" * 300),
    "a sender whose name is a control character": HEAD.replace(b"HOSP", b"\\X07\\"),
    "a power of ten whose caret is a delimiter": HEAD
    + b"PID|||1^^^H^MR\rOBR|1||O1||||20260101\rOBX|1|ST|25836-8^^LN||10^6|{copies}/mL|||||F\r",
}


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_mutants_of_them_hold(name: str) -> None:
    random = Random(20_261_123)  # noqa: S311 - mutants
    for data in (*seeds(), *(mutant(random) for _ in range(MUTANTS))):
        TARGETS[name](data)


@pytest.mark.parametrize("found", FOUND)
def test_what_was_found_once_holds(found: str) -> None:
    for target in TARGETS.values():
        target(FOUND[found])


@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_time_grows_with_size_and_no_faster(shape: str) -> None:
    """The square of eight is 64; line feeds, identifiers, lesions and drug classes once grew so."""
    _, times = shapes.growth(shape)
    assert times <= shapes.MOST


def test_what_fails_is_counted_and_kept(tmp_path: Path) -> None:
    def fails(data: bytes) -> None:
        assert b"x" not in data

    ledger = Ledger(tmp_path / "kept")
    for data in (b"a", b"x", b"ax"):
        ledger.put("it", fails, data)
    ledger.save(tmp_path / "it.json")
    again = Ledger.load(tmp_path / "it.json")
    assert (again.inputs, again.failures) == ({"it": 3}, {"it": 2})
    kept = [path.read_bytes() for path in (tmp_path / "kept").glob("failed-*")]
    assert sorted(kept) == [b"ax", b"x"]
