"""`python -m benchmarks.peers`: measures the peers, prints a table, writes JSON.

Exit code 0: measured, also if a peer can't be had here (the table says why); 1: our own alerts are
wrong or missing, or a peer of which `--only` names the key couldn't be run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.peers import page, streams, table
from benchmarks.peers.environments import ROOT, Unavailable
from benchmarks.peers.kafka import broker
from benchmarks.peers.roster import PEERS
from benchmarks.report import machine
from services.runtime.arguments import Whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.peers.roster import Peer

PATIENCE = 1800  # seconds for one stream


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark, or write the page from its JSON."""
    options = _options(argv)
    if options.page is not None:
        page.PAGE.write_text(page.written(json.loads(options.page.read_text())), encoding="utf-8")
        return 0
    chosen = [peer for peer in PEERS if options.only is None or peer.key in options.only]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bench = Bench(folder, options.patients, options.passes, options.seed, stack)
        rows: list[table.Row] = []
        for peer in chosen:
            rows.append(bench.row(peer))
            if options.json is not None:  # each time: a run that is broken off leaves what it has
                _write(options.json, bench, rows)
    print("\n".join([*table.lines(rows), *table.reaches(rows)]))
    return _code(rows, asked=options.only is not None)


def _write(file: Path, bench: Bench, rows: Sequence[table.Row]) -> None:
    told = {"run": bench.about(), "rows": [row.as_json() for row in rows]}
    file.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _code(rows: Sequence[table.Row], *, asked: bool) -> int:
    ours = [row for row in rows if row.name.startswith("salvage-watch")]
    wrong = any(not verdict.right for row in ours for verdict in row.verdicts.values())
    absent = any(row.reason for row in (rows if asked else ours))
    return 1 if wrong or absent else 0


class Bench:
    """Runs the peers one after another on the same streams."""

    def __init__(
        self, folder: Path, patients: int, passes: int, seed: int, stack: ExitStack
    ) -> None:
        self._folder, self._patients, self._passes, self._seed = folder, patients, passes, seed
        self._stack = stack
        self._works: dict[int, streams.Work] = {}
        self._broker: str | None = None

    def about(self) -> dict[str, object]:
        """What the figures depend on; neither names nor places."""
        return {
            "patients": self._patients,
            "events": self._patients * streams.EVENTS,
            "passes": self._passes,
            "seed": self._seed,
            **machine(),
        }

    def row(self, peer: Peer) -> table.Row:
        """Measure one peer; one that can't be had, or that fails, gives a reason."""
        version = peer.environment.version
        if sys.stderr.isatty():
            print(f"{peer.name} ...", file=sys.stderr)
        try:
            command = peer.environment.command()
            work = self._work(min(self._patients, peer.most or self._patients))
            words = [*peer.words, *([self._kafka()] if peer.broker else [])]
            answers = {
                name: self._answer(command, path, words, work.sizes[name])
                for name, path in work.folders.items()
            }
        except Unavailable as reason:
            return table.Row.absent(peer.name, version, peer.note, str(reason))
        return table.Row.of(peer.name, version, peer.note, answers, work.right)

    def _work(self, patients: int) -> streams.Work:
        if patients not in self._works:
            folder = self._folder / str(patients)
            self._works[patients] = streams.write(folder, patients, self._seed)
        return self._works[patients]

    def _answer(
        self, command: Sequence[str], folder: Path, words: Sequence[str], events: int
    ) -> table.Answer:
        told = ran([*command, str(folder), str(self._passes), *words])
        alerts = frozenset((one[0], one[1], one[2]) for one in told["alerts"])
        return table.Answer(events, told["seconds"], told["rss_mb"], alerts)

    def _kafka(self) -> str:
        """The address of a broker of our own, started once for the run."""
        if self._broker is None:
            self._broker = self._stack.enter_context(broker(self._folder / "kafka"))
        return self._broker


def ran(words: Sequence[str]) -> Mapping[str, Any]:
    """Run a program to its end; the last line of its output is its answer.

    Raises:
        Unavailable: it failed, took too long, or said something else.
    """
    try:
        done = subprocess.run(  # noqa: S603
            words, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"it took longer than {PATIENCE} seconds") from None
    if done.returncode != 0:
        raise Unavailable(f"its program ended with {done.returncode}")
    try:
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise Unavailable("its program gave no answer") from None
    return told


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    add = parser.add_argument
    add("--patients", type=Whole(1, 1_000_000), default=2_000, help="default: 2000")
    add("--passes", type=Whole(1, 1_000), default=3, help="of each stream; default: 3")
    add("--seed", type=int, default=20_261_123)
    add("--only", type=_keys, metavar="KEY[,KEY]", help=", ".join(peer.key for peer in PEERS))
    add("--json", type=Path, metavar="FILE", help="write what was measured")
    add("--page", type=Path, metavar="FILE", help="instead: write the page from such a file")
    return parser.parse_args(argv)


def _keys(text: str) -> set[str]:
    keys = set(text.split(","))
    if unknown := keys - {peer.key for peer in PEERS}:
        raise argparse.ArgumentTypeError(f"no such peer: {', '.join(sorted(unknown))}")
    return keys


if __name__ == "__main__":
    sys.exit(main())
