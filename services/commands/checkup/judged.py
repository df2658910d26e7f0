"""Whether the stored alerts are what the stored facts say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.commands.checkup.finding import Finding, warning, well, wrong
from services.embedded.copies import judged_anew

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from services.detector.engine.rule import CompiledRule
    from services.runtime.clock import Clock


def judged(folder: Path, rules: Sequence[CompiledRule], clock: Clock) -> Iterator[Finding]:
    """Judge the facts anew on a copy; what is then said anew is what differs."""
    same, revisions = judged_anew(folder, rules, clock)
    told = f"{len(revisions)} revisions would be published"
    if same and revisions:
        do = "facts or alerts were changed from outside; restore (docs/operations.md)"
        yield wrong("judging", f"the stored facts say otherwise than the alerts: {told}", do)
    elif revisions:
        do = "these are not the rules that the store was judged by; first try `salvage shadow`"
        yield warning("judging", f"at the next start with these rules {told}", do)
    else:
        yield well("judging", "the stored alerts are what the stored facts say")
