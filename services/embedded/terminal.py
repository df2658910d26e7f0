"""Alerts on a terminal or in a pipe: a line each, without patients unless asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TextIO

from schemas.canary import is_of_canary

if TYPE_CHECKING:
    from schemas.alerts import AlertRevision

_PUBLIC = (
    "alert_id",
    "revision",
    "change",
    "episode",
    "state",
    "tag",
    "kind",
    "severity",
    "rule",
    "rule_version",
    "title",
    "at",
    "confirm_by",
    "act_by",
)
"""Fields that say nothing about who the patient is or what was measured."""


class Terminal:
    """A subscriber of the outbox that writes lines."""

    def __init__(self, stream: TextIO, *, as_json: bool, show_patients: bool) -> None:
        """Write to a stream.

        Args:
            stream: where to.
            as_json: an object a line; else columns for people.
            show_patients: also patient, course, sentence and evidence; for synthetic patients.
        """
        self._stream = stream
        self._as_json = as_json
        self._show_patients = show_patients

    def __call__(self, revision: AlertRevision) -> None:
        """Write one revision; the canary's is nobody's."""
        if is_of_canary(revision):
            return
        line = self._json(revision) if self._as_json else self._columns(revision)
        print(line, file=self._stream, flush=True)

    def _json(self, revision: AlertRevision) -> str:
        if self._show_patients:
            return revision.to_json().decode()
        fields = revision.model_dump(mode="json", exclude_none=True, include=set(_PUBLIC))
        return json.dumps(fields, ensure_ascii=False)

    def _columns(self, revision: AlertRevision) -> str:
        by = revision.act_by or revision.confirm_by
        word = "act by" if revision.act_by else "confirm by"
        limit = f"{word} {by.isoformat()[:10]}" if by else ""
        line = (
            f"{revision.at:%Y-%m-%d %H:%M}  {revision.severity:<9}  {revision.state:<9}  "
            f"{revision.rule:<20}  {limit:<21}  {revision.alert_id[:12]}/{revision.revision}"
        )
        if self._show_patients:
            line += f"  {_printable(revision.patient_id)}  {_printable(revision.summary)}"
        return line


def _printable(text: str) -> str:
    """Text from a message can't steer the terminal."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)
