"""A peer that others wrote: HAPI sends, while the server is killed again and again.

The whole run is `make peer-hapi`; this one is small. Figures of the whole: docs/mllp.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import hapi, lacking

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_hapi_loses_nothing_and_is_read_once(tmp_path: Path) -> None:
    if (tools := hapi.missing()) is not None:
        lacking(tools)
    hapi.fetch()
    plan = hapi.Plan(messages=2_000, connections=20, window=4, kills=3)
    found = hapi.batter(plan, tmp_path / "data")
    assert found.good, found
    assert found.accepted == plan.messages
