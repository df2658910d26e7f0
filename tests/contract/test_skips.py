"""A test may be skipped for want of the shared data, but not in CI where the data is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"

SKIPS_ONE_TEST = """
import pytest

def test_passes():
    pass

def test_needs_data():
    pytest.skip("needs ../shared, which is not here")
"""

SKIPS_THE_FILE = """
import pytest

pytest.skip("needs ../shared, which is not here", allow_module_level=True)
"""

OTHER_REASONS = """
import pytest

def test_passes():
    pass

@pytest.mark.skipif(True, reason="no browser on this machine")
def test_elsewhere():
    raise AssertionError

@pytest.mark.xfail(reason="a defect of the shared library", raises=ZeroDivisionError)
def test_known_defect():
    1 / 0
"""


def run(folder: Path, test: str, *, ci: bool, shared: bool) -> int:
    """Run one test file in a repository made for it; gives pytest's exit code."""
    tests = folder / "repository" / "tests"
    tests.mkdir(parents=True)
    shutil.copy(CONFTEST, tests)
    (tests / "test_it.py").write_text(test)
    if shared:
        (folder / "shared").mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    return subprocess.run(
        [*command, str(tests)],
        cwd=folder,
        env=environment | ({"CI": "true"} if ci else {}),
        capture_output=True,
        check=False,
    ).returncode


@pytest.mark.parametrize("test", [SKIPS_ONE_TEST, SKIPS_THE_FILE])
def test_a_skip_for_want_of_data_that_is_there_fails_in_ci(tmp_path: Path, test: str) -> None:
    assert run(tmp_path, test, ci=True, shared=True) not in (
        pytest.ExitCode.OK,
        pytest.ExitCode.NO_TESTS_COLLECTED,
    )


@pytest.mark.parametrize(("ci", "shared"), [(True, False), (False, True)])
def test_otherwise_such_a_skip_is_a_skip(tmp_path: Path, *, ci: bool, shared: bool) -> None:
    assert run(tmp_path, SKIPS_ONE_TEST, ci=ci, shared=shared) == pytest.ExitCode.OK


def test_other_reasons_stay_skips(tmp_path: Path) -> None:
    assert run(tmp_path, OTHER_REASONS, ci=True, shared=True) == pytest.ExitCode.OK
