"""What we are made of is told whole: what is locked, and what could not be looked up."""

from __future__ import annotations

from typing import Any

from packaging.requirements import Requirement

from deploy.supply import DONE, FOUND, LOCK, UNKNOWN, Part, listed, locked, part, verdict


def audited(**more: Any) -> dict[str, Any]:
    """A report of pip-audit about one package."""
    return {"dependencies": [{"name": "lark", "version": "1.3.1", "vulns": [], **more}]}


def test_all_that_is_locked_is_found() -> None:
    lines = [line for line in LOCK.read_text().splitlines() if line[:1].isalnum()]
    wanted = [Requirement(line.rstrip("\\ ")) for line in lines]
    assert locked(LOCK.read_text()) == {
        part(one.name, next(iter(one.specifier)).version) for one in wanted
    }
    assert "kafka-python" in {one.name for one in wanted}


def test_a_bill_and_a_lock_spell_names_differently() -> None:
    bill = {"components": [{"name": "ruamel.yaml", "version": "1.0"}]}
    assert listed(bill) == locked("Ruamel_yaml==1.0 ; python_version > '3' \\\n    --hash=x\n")
    assert listed(bill) == {Part("ruamel-yaml", "1.0")}


def test_nothing_known_is_well() -> None:
    assert verdict(audited()).code == DONE


def test_a_known_fault_is_told_with_what_mends_it() -> None:
    told = verdict(audited(vulns=[{"id": "PYSEC-1", "fix_versions": ["1.3.2"]}]))
    assert told.code == FOUND
    assert told.lines[0] == "lark 1.3.1: PYSEC-1, mended in 1.3.2"


def test_what_was_not_looked_up_is_not_well() -> None:
    told = verdict({"dependencies": [{"name": "lark", "skip_reason": "not found"}]})
    assert told.code == UNKNOWN
    assert told.lines[0] == "1 of 1 packages could not be looked up"
    assert verdict({"dependencies": []}).code == UNKNOWN
