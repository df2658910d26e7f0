"""`docs/performance.md`, written from what a run left as JSON. Nobody writes it by hand.

After a run: `make bench-peers JSON=benchmarks/peers/measured.json`, or
`make bench-whole ARGS="--json benchmarks/whole/measured.json"`; then
`python -m benchmarks.peers --page benchmarks/peers/measured.json`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from benchmarks.peers.environments import ROOT
from benchmarks.peers.table import Row, markdown, ratio, reaches
from benchmarks.whole.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PAGE = ROOT / "docs" / "performance.md"
MEASURED = ROOT / "benchmarks" / "peers" / "measured.json"
"""The run that the page shows."""
WHOLE = ROOT / "benchmarks" / "whole" / "measured.json"
"""And that of the whole catalogue."""
TEMPLATE = ROOT / "benchmarks" / "peers" / "page.md"


def written(told: Mapping[str, Any]) -> str:
    """The page of one run, and of the latest one of the whole catalogue.

    Args:
        told: what `make bench-peers JSON=file` wrote.
    """
    whole = Report.from_json(json.loads(WHOLE.read_text(encoding="utf-8")))
    rows = [Row.from_json(row) for row in told["rows"]]
    aims = (f"- {told}." for told in reaches(rows))
    parts = {
        "table": markdown(rows),
        "summary": [*_summary(rows), *_samples(rows)],
        "aims": aims,
        "whole_table": whole.markdown(),
        "whole_aims": (f"- {aim}." for aim in whole.aims()),
    }
    return TEMPLATE.read_text(encoding="utf-8").format(
        **told["run"],
        whole=whole.about,
        **{name: "\n".join(several) for name, several in parts.items()},
    )


def _summary(rows: Sequence[Row]) -> Iterator[str]:
    """Who is right on every stream and who isn't, fastest first."""
    others = [row for row in rows if row.us_per_event and "salvage-watch" not in row.name]
    others.sort(key=lambda row: row.us_per_event or 0)
    right = [row for row in others if row.right_in_order and row.right_untidy]
    wrong = [row for row in others if row not in right]
    for what, several in (("Right on the untidy stream, too", right), ("Wrong on it", wrong)):
        if several:
            yield f"- {what}: {', '.join(_times(row, rows) for row in several)}."


def _times(row: Row, rows: Sequence[Row]) -> str:
    times = ratio(row, rows)
    return row.name if times is None else f"{row.name} ({times:,.2f} times our time)"


def _samples(rows: Sequence[Row]) -> Iterator[str]:
    """Rows of another size than the first one."""
    sizes = [row.events for row in rows if row.events]
    for row in rows:
        if row.events and row.events != max(sizes):
            size = f"a sample of {row.events:,} events"
            yield f"- {row.name}: {size}, because all would take too long."
