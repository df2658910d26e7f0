"""The CSV files of a back-test: recorded switches, and the truth where it is known.

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

LABELS: Final = ("patient_id", "condition", "recorded_switch_on")
TRUTH: Final = ("patient_id", "rule", "state", "tag", "at", "onset", "story")

Row = dict[str, str]
Labels = dict[tuple[str, str], "date | None"]
"""Patient and condition: the day of the recorded change of treatment; None: there was none."""


@dataclass(frozen=True)
class BadTable(Exception):  # noqa: N818  # it holds every mistake of a file
    """A table that can't be used: each mistake as `file:line: reason`."""

    mistakes: tuple[str, ...]


def read_labels(path: Path) -> Labels:
    """Read recorded switches, one row a patient and condition.

    Raises:
        BadTable: all mistakes.
        OSError: the file can't be read.
    """
    labels: Labels = {}

    def take(row: Row) -> None:
        key = (_needed(row, "patient_id"), _needed(row, "condition"))
        if key in labels:
            raise ValueError("patient_id, condition: named twice")
        labels[key] = _day(row, "recorded_switch_on")

    _each(path, LABELS, take)
    return labels


def read_truth(path: Path) -> list[Verdict]:
    """Read the known truth, one row a patient and rule; an empty cell is not stated.

    Raises:
        BadTable: all mistakes.
        OSError: the file can't be read.
    """
    truth: list[Verdict] = []
    seen: set[tuple[str, str]] = set()

    def take(row: Row) -> None:
        patient_id, rule = _needed(row, "patient_id"), _needed(row, "rule")
        if (patient_id, rule) in seen:
            raise ValueError("patient_id, rule: named twice")
        seen.add((patient_id, rule))
        state, tag = _needed(row, "state"), row["tag"] or None
        truth.append(Verdict(patient_id, rule, state, tag, _day(row, "at"), _day(row, "onset")))

    _each(path, TRUTH, take)
    return truth


def _each(path: Path, columns: tuple[str, ...], take: Callable[[Row], None]) -> None:
    mistakes: list[str] = []
    for line, row in _rows(path, columns):
        try:
            take(row)
        except ValueError as error:
            mistakes.append(f"{path}:{line}: {error}")
    if mistakes:
        raise BadTable(tuple(mistakes))


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


def _needed(row: Row, name: str) -> str:
    if not row[name]:
        raise ValueError(f"{name}: empty")
    return row[name]


def _day(row: Row, name: str) -> date | None:
    if not row[name]:
        return None
    try:
        return parse_date(row[name])
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
