"""The `salvage` command run within the test: the same door as a user's, without a new process."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any, NamedTuple

from services.cli import main

if TYPE_CHECKING:
    from pathlib import Path


class Ran(NamedTuple):
    """What a command left: its exit code and its two outputs."""

    code: object
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def salvage(*words: str | Path) -> Ran:
    """Run `salvage WORDS`."""
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, "utf-8", newline="", write_through=True)
    err = io.StringIO()
    code: object
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:
            code = end.code
    return Ran(code, raw.getvalue().decode(), err.getvalue())
