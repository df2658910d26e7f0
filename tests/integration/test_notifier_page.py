"""What docs/notifier.md says of running the notifier is done here, as it stands there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from services.cli import main
from services.notifier.service.crashpoints import LABELS, arm

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "notifier.md").read_text()
CONSOLE = "channels:\n  paper: {type: console}\n"


def commands(heading: str) -> list[list[str]]:
    """The commands of a section, as words."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [shlex.split(line[2:]) for line in re.findall(r"^\$ .*$", section, re.MULTILINE)]


@pytest.mark.slow
def test_the_commands_of_running_it_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    shutil.copytree(ROOT / "deploy" / "notifier" / "teams", tmp_path / "site" / "teams")
    (tmp_path / "site" / "channels.yaml").write_text(CONSOLE)
    printed = []
    for words in commands("Running it"):
        program, *rest = words[: words.index(">")] if ">" in words else words
        assert program == "salvage"
        assert main(rest) == 0
        out = capsys.readouterr().out
        if ">" in words:
            Path(words[-1]).write_text(out)
        printed.append(out)
    messages = [json.loads(line) for line in printed[1].splitlines()]
    assert messages
    assert json.loads(printed[2])["waiting"] == 0
    assert printed[3].startswith("RULE ")
    assert printed[4].strip() in printed[5]


def test_every_option_of_the_page_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["notify", "run", "--help"])
    told = capsys.readouterr().out
    section = PAGE.split("## Running it\n")[1].split("\n## ")[0]
    options = re.findall(r"^\| `(--[a-z-]+)` \|", section, re.MULTILINE)
    assert len(options) > 5
    assert [one for one in options if one not in told] == []


def test_a_place_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of"):
        arm("nowhere:3")
    with pytest.raises(ValueError, match="invalid literal"):
        arm(f"{LABELS[0]}:often")
