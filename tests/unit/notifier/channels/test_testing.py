"""`salvage notify test-channel`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from services.cli import main

if TYPE_CHECKING:
    from pathlib import Path

CHANNELS = """
channels:
  here: {type: console}
  nobody: {type: hl7, host: 127.0.0.1, port: 1, receiving: {application: A, facility: B}}
  record: {type: fhir, url: "http://127.0.0.1:1/fhir", patient_systems: {H: "urn:oid:1"}}
  chat: {type: apprise, url_file: nowhere}
"""


def try_out(folder: Path, name: str, *more: str) -> int:
    (folder / "channels.yaml").write_text(CHANNELS)
    return main(["notify", "test-channel", name, "--site", str(folder), *more])


def test_a_test_is_about_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert try_out(tmp_path, "here", "--to", "anne") == 0
    message, told = capsys.readouterr().out.splitlines()
    said = json.loads(message)
    assert (said["kind"], said["corrects"], said["links"]) == ("test", [], [])
    assert told == "test-channel: channel=here result=delivered reason=- receipt=-"


@pytest.mark.parametrize("name", ["nobody", "record"])
def test_what_is_not_reached_is_told(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert try_out(tmp_path, name) == 1
    told = f"test-channel: channel={name} result=temporary reason=not-reached receipt=-"
    assert capsys.readouterr().out.splitlines()[-1] == told


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("elsewhere", "no channel 'elsewhere'; it has here, nobody, record, chat"),
        ("chat", "chat.url_file: cannot be read"),
    ],
)
def test_settings_that_cannot_be_used(
    name: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert try_out(tmp_path, name) == 2
    assert told in capsys.readouterr().err
