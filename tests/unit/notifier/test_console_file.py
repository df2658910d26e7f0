"""Messages that stay in the house: a channel that writes them into a file, and tells nobody."""

from __future__ import annotations

import asyncio
import json
import stat
from typing import TYPE_CHECKING

from support.messages import message

from services.notifier.channels.contract import Result
from services.notifier.channels.loading import load_channels

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SETTINGS = "channels:\n  paper: {type: console, file: messages.jsonl}\n"


def test_what_would_leave_stands_in_a_file_for_its_owner(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "channels.yaml").write_text(SETTINGS)
    (channel,) = load_channels(tmp_path / "channels.yaml").channels
    for _ in range(2):
        assert asyncio.run(channel.send(message())).result is Result.DELIVERED
    file = tmp_path / "messages.jsonl"
    assert [json.loads(line)["subject"] for line in file.read_text().splitlines()] == [
        message().subject,
        message().subject,
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert capsys.readouterr().out == ""


def test_a_file_that_can_t_be_written_is_no_delivery(tmp_path: Path) -> None:
    (tmp_path / "channels.yaml").write_text(SETTINGS)
    (channel,) = load_channels(tmp_path / "channels.yaml").channels
    (tmp_path / "messages.jsonl").mkdir()
    assert asyncio.run(channel.send(message())).result is Result.PERMANENT
