"""`salvage rules mutate` and `salvage rules lock`, as a person and as a program see them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.console import salvage
from support.small_rule import TEXT

if TYPE_CHECKING:
    from pathlib import Path

ONE_CASE = """\
rule: PROST-PHOENIX
cases:
- id: A
  ctx: {rt_end: 2020-06-01, modality: ebrt}
  obs:
  - {t: 2021-12-01, psa: 0.5}
  - {t: 2023-06-01, psa: 2.5}
  expect: [{at: 2023-06-01, state: confirmed}]
"""


def test_the_cases_beside_a_pack_catch_its_mutants() -> None:
    ran = salvage("rules", "mutate", "PROST-PHOENIX")
    assert ran.code == 0
    first, *_, last = ran.out.splitlines()
    assert first.startswith("PROST-PHOENIX: ")
    assert last.endswith("% caught)")


def test_too_many_survivors_are_a_failure_and_named(tmp_path: Path) -> None:
    few = tmp_path / "few.cases.yaml"
    few.write_text(ONE_CASE)
    ran = salvage("rules", "mutate", "PROST-PHOENIX", "--vectors", few)
    assert ran.code == 1
    assert ": $rise: 2" in ran.out
    assert salvage("rules", "mutate", "PROST-PHOENIX", "--vectors", few, "--least", "0").code == 0


def test_mutants_for_programs() -> None:
    ran = salvage("rules", "mutate", "PROST-PHOENIX", "--json")
    told = json.loads(ran.out)
    assert told["mutants"] >= told["survived"]
    assert [each["rule"] for each in told["rules"]] == ["PROST-PHOENIX"]


def test_mutants_of_a_rule_that_is_not_there() -> None:
    ran = salvage("rules", "mutate", "NO-RULE")
    assert (ran.code, ran.err) == (1, "there is no rule NO-RULE\n")


# ---------------------------------------------------------------- lock


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    (tmp_path / "small-rise.yaml").write_text(TEXT)
    return tmp_path


def lock(packs: Path, *words: str) -> tuple[object, str]:
    ran = salvage("rules", "lock", "--packs", packs, *words)
    return ran.code, ran.out.replace(str(packs), "")


def test_a_new_rule_is_recorded_once(packs: Path) -> None:
    assert lock(packs, "--check")[0] == 1
    assert not (packs / "released.lock").exists()
    assert lock(packs) == (0, "recorded: SMALL-RISE version 1\n0 mistakes, 1 recorded\n")
    assert lock(packs) == (0, "0 mistakes, 0 recorded\n")
    assert lock(packs, "--check")[0] == 0


def test_another_behaviour_is_refused_until_the_version_is_raised(packs: Path) -> None:
    lock(packs)
    before = (packs / "released.lock").read_text()
    other = TEXT.replace("psa >= $threshold", "psa > $threshold")
    (packs / "small-rise.yaml").write_text(other)
    code, out = lock(packs)
    assert code == 1
    assert "/small-rise.yaml:1:1: SMALL-RISE no longer does what version 1 did" in out
    assert (packs / "released.lock").read_text() == before
    (packs / "small-rise.yaml").write_text(other.replace("kind:", "version: 2\nkind:"))
    assert lock(packs) == (0, "recorded: SMALL-RISE version 2\n0 mistakes, 1 recorded\n")
    assert len((packs / "released.lock").read_text().splitlines()) == 3


def test_a_rule_is_not_deleted(packs: Path) -> None:
    lock(packs)
    (packs / "small-rise.yaml").unlink()
    code, out = lock(packs)
    assert code == 1
    assert "SMALL-RISE was released and is gone" in out


def test_a_record_that_is_none(packs: Path) -> None:
    (packs / "released.lock").write_text("nonsense\n")
    assert lock(packs)[0] == 2


def test_the_record_for_programs(packs: Path) -> None:
    code, out = lock(packs, "--json")
    told = json.loads(out)
    assert (code, told["mistakes"]) == (0, [])
    assert told["new"][0].startswith("SMALL-RISE 1 ")
