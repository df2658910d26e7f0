"""What `salvage doctor` found, by check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commands.checkup.finding import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.commands.checkup.finding import Finding

Told = dict[str, tuple[str, str]]


def told_of(findings: Iterable[Finding]) -> Told:
    """State and text by check, the worse one first; whatever is not well says what to do."""
    found: Told = {}
    for one in findings:
        assert bool(one.do) == (one.state is not State.WELL)
        if one.check not in found or one.state is not State.WELL:
            found[one.check] = (one.state, one.told)
    return found
