"""Logs: one JSON object a line, from a closed list of fields.

Law of this file: what is not in `FIELDS` is not written. No patient, no value, no file name (some
feeds name files after people) can slip into a log line by an interpolated message or by an
exception's text.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from services.runtime.errors import place_of

if TYPE_CHECKING:
    from typing import TextIO

NAME: Final = "salvage"
FIELDS: Final = frozenset(
    {
        "alerts",
        "deadletters",
        "detail",
        "facts",
        "host",
        "patients",
        "port",
        "reason",
        "records",
        "repeats",
        "rule",
        "rules",
        "seconds",
        "sequence",
        "source",
        "state",
        "subscriber",
    }
)
"""Fields that a line may have beside time, level and event."""


class JsonLines(logging.Formatter):
    """Writes a record as JSON: `{"at": …, "level": …, "event": …, fields}`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; the event is the unformatted message, so arguments can't add to it."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": str(record.msg),
        }
        line |= {name: vars(record)[name] for name in sorted(FIELDS & vars(record).keys())}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = place_of(record.exc_info[1])
        return json.dumps(line, default=str)


def logger() -> logging.Logger:
    """Our logger. Until `to_stream` was called, it writes nowhere below a warning."""
    return logging.getLogger(NAME)


def to_stream(stream: TextIO, level: int = logging.INFO) -> logging.Logger:
    """Send our log to a stream as JSON lines, and nowhere else."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    ours = logger()
    ours.handlers[:] = [handler]
    ours.setLevel(level)
    ours.propagate = False
    return ours
