"""What several test files need: the data that stands beside the repository, where it does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def shared(*parts: str) -> Path:
    """A file or folder of the sibling folder `shared`; without it the test is skipped."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(
            f"shared/{'/'.join(parts)} is not beside the repository", allow_module_level=True
        )
    return path


def lacking(reason: str) -> NoReturn:
    """Without a real part that this machine lacks a test is skipped; in CI it fails."""
    if in_ci():
        pytest.fail(reason)
    pytest.skip(reason)


def in_ci() -> bool:
    """Whether this is the build that decides: there every real part has to be had."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}
