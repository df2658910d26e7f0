"""Books for the pages' tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.memory_book import NOW, MemoryBook, cohort_book

if TYPE_CHECKING:
    from datetime import datetime


@pytest.fixture
def book() -> MemoryBook:
    """The example cohort, to be read only."""
    return cohort_book()


@pytest.fixture
def empty() -> MemoryBook:
    """A book without anything, to be filled."""
    return MemoryBook()


@pytest.fixture
def now() -> datetime:
    """The end of the example cohort's period."""
    return NOW
