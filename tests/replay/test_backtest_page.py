"""The figures of docs/backtests.md are those that its commands print on the sets they name."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest
from support import shared
from support.console import salvage

PAGE = Path(__file__).resolve().parents[2] / "docs" / "backtests.md"
_RUN = re.compile(r"```console\n\$ (?P<command>.*?)```\n\n(?P<table>(?:\|[^\n]*\n)+)", re.DOTALL)
_GAP = re.compile(r"\s{2,}")


class Run(NamedTuple):
    """A command of the page, and the table below it."""

    command: str
    table: str

    @property
    def words(self) -> list[str]:
        """The command's words, with the sets where they are here."""
        folder = str(shared("data"))
        words = shlex.split(self.command.replace("\\\n", " "))
        return [word.replace("$DATA", folder) for word in words]

    @property
    def rows(self) -> list[dict[str, str]]:
        """What the page says, by the names of the printed columns."""
        head, _, *rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in self.table.splitlines()
        ]
        return [dict(zip(map(str.upper, head), row, strict=True)) for row in rows]


RUNS = [Run(found["command"], found["table"]) for found in _RUN.finditer(PAGE.read_text())]


def printed(words: list[str]) -> list[dict[str, str]]:
    """The table that the command prints."""
    program, *rest = words
    assert program == "salvage"
    ran = salvage(*rest)
    assert ran.code == 0, ran.err
    head, *lines = [_GAP.split(line) for line in ran.out.split("\nHit:")[0].splitlines()]
    return [dict(zip(head, line, strict=True)) for line in lines]


def test_every_command_of_the_page_is_looked_at() -> None:
    assert PAGE.read_text().count("$ salvage backtest") == len(RUNS) > 0


@pytest.mark.parametrize("run", RUNS, ids=map(str, range(1, len(RUNS) + 1)))
def test_the_figures_are_those_that_are_printed(run: Run) -> None:
    told = printed(run.words)
    assert [{name: row[name] for name in run.rows[0]} for row in told] == run.rows


def test_a_figure_that_differs_would_be_noticed() -> None:
    run = RUNS[0]
    (cell,) = {run.rows[0]["SENSITIVITY"]}
    other = Run(run.command, run.table.replace(cell, "1/1 = 1.000 (0.207 to 1.000)", 1))
    assert other.rows != run.rows
    assert {*run.rows[0]} >= {"RULE", "SENSITIVITY", "PREDICTIVE VALUE", "LEAD DAYS"}
