"""Renews what is generated: `docs/metrics.md` and the dashboards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.grafana.boards import BOARDS
from deploy.grafana.panels import rendered
from deploy.page import PAGE, page

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
DASHBOARDS = Path("deploy") / "grafana" / "dashboards"


def generated() -> Iterator[tuple[Path, str]]:
    """Every generated file, from the root of the repository, with its text."""
    yield PAGE, page()
    for board in BOARDS:
        text = json.dumps(rendered(board), indent=2, ensure_ascii=False)
        yield DASHBOARDS / f"{board.uid}.json", text + "\n"


def main() -> None:
    """Write them all."""
    for path, text in generated():
        (ROOT / path).write_text(text)


if __name__ == "__main__":
    main()
