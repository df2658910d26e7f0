"""`salvage replay`, `run` and `ingest` read every sender by its profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.console import salvage

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = """
name: lab
senders: [{facility: NORTH}]
identity: {authority: NORTH}
codes: [{system: L, code: PSA1, analyte: psa}]
"""


def psa(day: str, value: str, facility: str = "NORTH") -> str:
    return (
        f"MSH|^~\\&|LAB|{facility}|||{day}120000||ORU^R01|{day}|P|2.5.1\r"
        f"PID|1||7^^^^MR\r"
        f"OBR|1||F{day}^LAB|P^Panel^L|||{day}|||||||||||||||{day}120000|||F\r"
        f"OBX|1|NM|PSA1^PSA^L||{value}|ng/mL|||||F\r"
    )


SURGERY = (
    "MSH|^~\\&|OR|NORTH|||20200101120000||ORM^O01|S1|P|2.5.1\r"
    "PID|1||7^^^^MR\r"
    "ORC|RE|P1^OR|S1^OR||CM||||20200101\r"
    "OBR|1|P1^OR|S1^OR|PROST^Prostatectomy^L\r"
    "ZTX|c1|prostate-cancer|surgery|prostatectomy||curative|completed\r"
)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "lab.yaml").write_text(PROFILE)
    path = tmp_path / "a.hl7"
    values = (("20200601", "0.05"), ("20210104", "0.25"), ("20210405", "0.30"))
    path.write_text(SURGERY + "".join(psa(*each) for each in values))
    return path


def replayed(archive: Path, *words: str) -> tuple[object, list[str], str]:
    ran = salvage("replay", "--format", "hl7", "--rules", "PROST-BCR-RP", *words, archive)
    return ran.code, [line["state"] for line in ran.lines], ran.err


@pytest.mark.slow  # it reads all rules twice more
def test_by_the_profile_an_archive_is_read_and_without_it_refused(archive: Path) -> None:
    profile = str(archive.with_name("lab.yaml"))
    code, states, err = replayed(archive, "--source", profile)
    assert (code, err) == (0, "")
    assert states[-1:] == ["confirmed"]
    assert replayed(archive, "--sources", str(archive.parent))[:2] == (code, states)
    code, states, err = replayed(archive)
    assert (code, states) == (2, [])
    assert "unmapped_patient: PID-3" in err


def test_a_sender_of_no_profile_is_told(archive: Path) -> None:
    archive.write_text(psa("20210104", "0.25", facility="SOUTH"))
    code, _, err = replayed(archive, "--source", str(archive.with_name("lab.yaml")))
    assert code == 2
    assert "a.hl7:1: unknown_sender: MSH-3: no source profile names it, or several do" in err


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--once", "--data", "d", "--watch", "."),
        ("ingest", "--mllp", "127.0.0.1:0", "--data", "d"),
    ],
)
def test_a_broken_profile_stops_a_command_before_it_begins(
    archive: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(archive.parent)
    archive.with_name("lab.yaml").write_text(PROFILE + "time_zone: Nowhere\n")
    ran = salvage(*words, "--sources", archive.parent)
    assert ran.code == 2
    assert ":6:12: time_zone: unknown time zone 'Nowhere'" in ran.err
