"""Who may import whom holds, and each of these contracts is seen to fail when it is broken.

The contracts themselves are in pyproject.toml, `tool.importlinter`. What they cannot say (nothing
but this list may be imported) is said here.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]

PURE = frozenset(
    {
        "__future__",
        "abc",
        "bisect",
        "calendar",
        "collections",
        "contextlib",
        "copy",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "fractions",
        "functools",
        "graphlib",
        "hashlib",
        "heapq",
        "itertools",
        "json",
        "math",
        "numbers",
        "operator",
        "re",
        "string",
        "textwrap",
        "types",
        "typing",
    }
)
"""Standard modules that do no I/O when they are used as intended; of those, clocks are ruff's."""

WIRING = ("cli.py", "embedded.py", "simulator/__init__.py")


class Breach(NamedTuple):
    """A line that must not stand in that file, and the contract that says so."""

    file: str
    line: str
    contract: str


BREACHES = [
    Breach("schemas/events.py", "import kafka", "schemas stands alone"),
    Breach("schemas/base.py", "import services.runtime", "schemas stands alone"),
    Breach("schemas/base.py", "import socket", "schemas stands alone"),
    Breach("services/detector/engine/__init__.py", "import time", "the engine is sans-IO"),
    Breach("services/detector/engine/__init__.py", "import logging", "the engine is sans-IO"),
    Breach("services/detector/engine/__init__.py", "import lark", "the engine is sans-IO"),
    Breach(
        "services/detector/engine/__init__.py",
        "import services.detector.rulebook",
        "the detector, from the outside in",
    ),
    Breach(
        "services/detector/language/__init__.py",
        "import services.detector.adapters",
        "the detector, from the outside in",
    ),
    Breach("services/notifier/cases/__init__.py", "import time", "cases are sans-IO"),
    Breach(
        "services/notifier/store/__init__.py",
        "import services.notifier.service",
        "the notifier, from the outside in",
    ),
    Breach(
        "services/notifier/channels/__init__.py",
        "import services.notifier.roster",
        "the notifier, from the outside in",
    ),
    Breach(
        "services/runtime/tracing.py",
        "import opentelemetry.trace",
        "one file knows OpenTelemetry, and is imported when it is asked for",
    ),
    Breach(
        "services/notifier/__init__.py", "import services.detector", "services meet only in schemas"
    ),
    Breach(
        "services/ingest/__init__.py", "import services.notifier", "services meet only in schemas"
    ),
    Breach(
        "services/runtime/__init__.py", "import services.ingest", "services meet only in schemas"
    ),
    Breach("services/runtime/__init__.py", "import services.cli", "services meet only in schemas"),
    Breach(
        "services/detector/__init__.py",
        "import services.simulator",
        "services meet only in schemas",
    ),
]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Judge the tree in a folder, with the contracts that stand in it."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A tree to break: ours, with the wiring at the rim present in any case."""
    for package in ("schemas", "services"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in WIRING:
        wiring = tmp_path / "services" / name
        wiring.parent.mkdir(exist_ok=True)
        wiring.touch()
    return tmp_path


def test_the_tree_keeps_its_contracts() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("breach", BREACHES, ids=lambda b: f"{b.file}: {b.line}")
def test_a_breach_is_caught(copy: Path, breach: Breach) -> None:
    file = copy / breach.file
    file.write_text(f"{file.read_text()}\n{breach.line}\n")
    result = lint_imports(copy)
    assert result.returncode != 0
    lines = result.stdout.splitlines()
    assert any(line.startswith(f"{breach.contract} BROKEN") for line in lines), result.stdout


def imports_of(file: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it, type checking included."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module
            case ast.ImportFrom():
                yield "(relative)"
            case _:
                pass


def strangers(folder: Path, allowed: frozenset[str], packages: tuple[str, ...]) -> list[str]:
    """Imports in a folder that are neither of the allowed modules nor from those packages."""
    return [
        f"{file.relative_to(ROOT)}: {module}"
        for file in sorted(folder.rglob("*.py"))
        for module in imports_of(file)
        if module.split(".")[0] not in allowed and not f"{module}.".startswith(packages)
    ]


def test_schemas_imports_its_readers_and_the_standard_library_alone() -> None:
    standard = frozenset(sys.stdlib_module_names)
    readers = ("msgspec.", "pydantic.", "pydantic_core.")
    assert strangers(ROOT / "schemas", standard, (*readers, "schemas.")) == []


def test_the_engine_imports_schemas_and_pure_standard_modules_alone() -> None:
    ours = ("schemas.", "services.detector.engine.")
    assert strangers(ROOT / "services/detector/engine", PURE, ours) == []


def test_a_stranger_is_noticed() -> None:
    found = strangers(ROOT / "tests/contract", frozenset(), ())
    assert "tests/contract/test_imports.py: subprocess" in found
    assert "tests/contract/test_imports.py: pytest" in found


# --- Exactness: a binary float in a clinical comparison loses the laboratory's digits -----------

EXACT = ("schemas", "services/detector/engine", "services/detector/language")
APPROXIMATE = frozenset({"schemas/terminology/derived.py"})
"""A published regression (CKD-EPI) with irrational powers; its result is rounded and documented."""


def floats_in(file: Path) -> list[str]:
    """Where a file writes a binary float or makes one."""
    return [
        f"{file.name}:{node.lineno}"
        for node in ast.walk(ast.parse(file.read_text()))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Call) and ast.unparse(node.func) == "float")
    ]


@pytest.mark.parametrize("folder", EXACT)
def test_clinical_code_makes_no_binary_floats(folder: str) -> None:
    files = [
        file
        for file in sorted((ROOT / folder).rglob("*.py"))
        if file.relative_to(ROOT).as_posix() not in APPROXIMATE
    ]
    assert files
    assert [place for file in files for place in floats_in(file)] == []


def test_a_float_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "limits.py"
    file.write_text('LIMIT = 0.2\nx = float("0.2")\nfine = isinstance(x, float)\n')
    assert floats_in(file) == ["limits.py:1", "limits.py:2"]
