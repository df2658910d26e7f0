"""docs/sources.md is true: its files are written, its commands run, what they print compared.

In an expected line `...` stands for whatever differs from run to run.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.console import salvage

from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sources.md"
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str, str]]:
    """Language, file name and text of each fenced block."""
    return _BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a block, with the lines that it is said to print."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *expected = part.splitlines()
        yield command, expected


@pytest.fixture
def own_log() -> Iterator[None]:
    """The logger is afterwards as it was."""
    ours = logger()
    before = (ours.handlers[:], ours.level, ours.propagate)
    yield
    ours.handlers[:], ours.level, ours.propagate = before


@pytest.mark.slow  # it compiles all rules three times
def test_the_page_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_log: None
) -> None:
    del own_log
    monkeypatch.chdir(tmp_path)
    ran = 0
    for language, name, text in blocks():
        if name:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        elif language == "console":
            for command, expected in commands(text):
                prints(command, expected)
                ran += 1
    assert ran == 11


def prints(command: str, expected: list[str]) -> None:
    program, *words = shlex.split(command)
    assert program == "salvage"
    ran = salvage(*words)
    assert ran.code == (2 if "wrong.yaml" in words else 0), ran.err
    # What a program says of its own course (`salvage run`) is not the page's business.
    told = (ran.out or ("" if ran.err.startswith("{") else ran.err)).splitlines()
    assert len(told) == len(expected), told
    for line, pattern in zip(told, expected, strict=True):
        form = ".*".join(map(re.escape, pattern.split("...")))
        assert re.fullmatch(form, line), f"{command}: {line!r}"
