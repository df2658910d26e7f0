"""Notifiers that die at each labelled place, and what arrives nevertheless; a small run of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.notifier_faults import Plan, faults

from services.notifier.service.crashpoints import LABELS

if TYPE_CHECKING:
    from pathlib import Path

    from support.postgresql import Server


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_notifier_that_dies_at_every_place_loses_nothing(tmp_path: Path) -> None:
    done = faults(Plan(110, len(LABELS), str(tmp_path / "n.db"), notifiers=1), tmp_path)
    assert done.good, done
    assert set(done.places) >= set(LABELS) - {"lapse.written"}, done.places


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_of_two_notifiers_on_postgresql_one_takes_over_what_the_other_left(
    tmp_path: Path, postgresql: Server, template: str
) -> None:
    done = faults(Plan(60, 4, postgresql.create(template), notifiers=2), tmp_path)
    assert done.good, done
