"""The CSV files of a back-test: what their rows have in common, and the truth where it is known.

A row that can't be used is named by file, line and reason, never by its value.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schemas.base import parse_date
from services.detector.adapters.agreement import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from services.detector.adapters.backtest import Switch

TRUTH: Final = ("patient_id", "rule", "state", "tag", "at", "onset", "story")

Row = dict[str, str]
Labels = dict[tuple[str, str], "Switch"]
"""What was recorded, by patient and condition; of the condition "": the first of any condition."""


@dataclass(frozen=True)
class BadTable(Exception):  # noqa: N818  # it holds every mistake of a file
    """A table that can't be used: each mistake as `file:line: reason`."""

    mistakes: tuple[str, ...]


def read_truth(path: Path) -> list[Verdict]:
    """Read the known truth, one row a patient and rule; an empty cell is not stated.

    Raises:
        BadTable: all mistakes.
        OSError: the file can't be read.
    """
    truth: list[Verdict] = []
    seen: set[tuple[str, str]] = set()

    def take(row: Row) -> None:
        patient_id, rule = needed(row, "patient_id"), needed(row, "rule")
        if (patient_id, rule) in seen:
            raise ValueError("patient_id, rule: named twice")
        seen.add((patient_id, rule))
        state, tag = needed(row, "state"), row["tag"] or None
        at, onset = (_day(row, name) for name in ("at", "onset"))
        truth.append(Verdict(patient_id, rule, state, tag, at, onset))

    each_row(path, TRUTH, take)
    return truth


def each_row(path: Path, columns: tuple[str, ...], take: Callable[[Row], None]) -> None:
    """Give every row to `take`, which raises `ValueError` about one that can't be used.

    Raises:
        BadTable: all mistakes.
        OSError: the file can't be read.
    """
    mistakes: list[str] = []
    for line, row in _rows(path, columns):
        try:
            take(row)
        except ValueError as error:
            mistakes.append(f"{path}:{line}: {error}")
    if mistakes:
        raise BadTable(tuple(mistakes))


def needed(row: Row, name: str) -> str:
    """A cell that must not be empty.

    Raises:
        ValueError: it is.
    """
    if not row[name]:
        raise ValueError(f"{name}: empty")
    return row[name]


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, Row]]:
    """The rows with the lines on which they end."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            table = csv.DictReader(stream, strict=True)
            if missing := [name for name in columns if name not in (table.fieldnames or ())]:
                raise BadTable((f"{path}:1: no column {', '.join(missing)}",))
            for row in table:
                if None in row or None in row.values():
                    raise BadTable((f"{path}:{table.line_num}: not as many cells as columns",))
                yield table.line_num, row
    except UnicodeDecodeError:
        raise BadTable((f"{path}: not UTF-8 text",)) from None
    except csv.Error:
        raise BadTable((f"{path}:{table.line_num}: not CSV",)) from None


def _day(row: Row, name: str) -> date | None:
    if not row[name]:
        return None
    try:
        return parse_date(row[name])
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
