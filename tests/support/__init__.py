"""What several test files need: the data that stands beside the repository, where it does."""

from __future__ import annotations

from pathlib import Path

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
