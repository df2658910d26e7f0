"""JSON Schema files for those who send or read our messages; generated, and held to the models.

`python -m schemas.publish` writes them into `schemas/jsonschema/`; a test fails when they drift.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from schemas.actions import Action
from schemas.alerts import AlertRevision
from schemas.deadletter import DeadLetter
from schemas.events import EVENT
from schemas.handling import Handling
from schemas.research import ResearchNotice

FOLDER = Path(__file__).with_name("jsonschema")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def documents() -> dict[str, str]:
    """The text of each file, by its name."""
    return {
        "clinical-event.v1.json": _document("Clinical event", EVENT),
        "alert-revision.v1.json": _document("Alert revision", TypeAdapter(AlertRevision)),
        "action.v1.json": _document("Action", TypeAdapter(Action)),
        "research-notice.v1.json": _document("Research notice", TypeAdapter(ResearchNotice)),
        "dead-letter.v1.json": _document("Dead letter", TypeAdapter(DeadLetter)),
        "dead-letter-handling.v1.json": _document("Handling", TypeAdapter(Handling)),
    }


def _document(title: str, model: TypeAdapter[Any]) -> str:
    schema = {"$schema": _DIALECT, **model.json_schema(mode="validation"), "title": title}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
