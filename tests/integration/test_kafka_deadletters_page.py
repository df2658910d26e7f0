"""docs/deadletters-on-kafka.md is true: its commands run in their order, what they print compared.

In an expected line `...` stands for whatever differs from run to run.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest
from support.broker import ROOT
from support.console import salvage
from support.letters import Ward, nameless

if TYPE_CHECKING:
    from pathlib import Path

    from support.broker import Broker

PAGE = ROOT / "docs" / "deadletters-on-kafka.md"
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_page_does_what_it_says(
    own_broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ward = Ward(own_broker.address)
    ward.receive(nameless(), b"Erika 4711")
    ward.map()
    ran = 0
    for language, name, text in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if name:
            (tmp_path / name).parent.mkdir()
            (tmp_path / name).write_text(text, encoding="utf-8")
        elif language == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                prints(ward, *part.splitlines())
                ran += 1
    assert ran == 9
    ward.map(tmp_path / "sources" / "north-lab.yaml")
    assert ward.listed() == []


def prints(ward: Ward, command: str, *expected: str) -> None:
    program, *words = shlex.split(command.replace("localhost:9092", ward.address))
    assert program == "salvage"
    if words[0] == "map":  # goes on until it is ended; tests/integration/test_kafka_page.py runs it
        return
    ran = salvage(*words)
    assert ran.code == 0, ran.err
    told = ran.out.splitlines()
    assert len(told) == len(expected), told
    for line, pattern in zip(told, expected, strict=True):
        form = ".*".join(map(re.escape, pattern.split("...")))
        assert re.fullmatch(form, line), f"{command}: {line!r}"
