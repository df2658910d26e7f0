"""Faust is one file's business, and whoever doesn't run the detector on Kafka needs none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
ITS_FILE = "services/detector/adapters/faust_app.py"


def test_one_file_knows_faust() -> None:
    code = [path for name in ("services", "schemas") for path in (ROOT / name).rglob("*.py")]
    lines = {path: path.read_text(encoding="utf-8").splitlines() for path in code}
    found = {
        path.relative_to(ROOT).as_posix()
        for path, text in lines.items()
        if any(line.strip().startswith(("import faust", "from faust")) for line in text)
    }
    assert found == {ITS_FILE}


@pytest.mark.parametrize(
    "module",
    ["services.embedded.console", "services.commands.detecting", "services.detector.adapters.desk"],
)
def test_nobody_else_needs_it(module: str) -> None:
    theirs = "{'faust', 'aiokafka', 'rocksdict'}"
    ask = f"import sys, {module}; print(sorted({theirs} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
