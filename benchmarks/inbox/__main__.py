"""`python -m benchmarks.inbox`: the worklist of a ward with many open cases, while others listen.

What is timed is the whole request, connection and all, over loopback: what the server needs is a
little less. Every tenth request is followed by a deed, so that there is something to be told.
Exit code 0: the 95th percentile is within the aim, and every stream heard; 1: it isn't.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Final, NamedTuple

from support.broker import free_ports
from support.inbox import Browser
from support.notifying import site_folder
from support.processes import Command

from benchmarks.inbox.listeners import Listeners
from benchmarks.inbox.ward import fill
from services.notifier.inbox.access.local import PASSWORD
from services.notifier.inbox.web.hub import EACH
from services.notifier.service.premises import Premises
from services.notifier.service.sitefolder import read_folder
from services.notifier.store.database import opened
from services.notifier.store.instants import moment
from services.notifier.store.migrating import migrate
from services.runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

AIM: Final = 150
"""Milliseconds that 95 of 100 worklists may take: the design's."""
_SITE: Final = "public: http://127.0.0.1:{port}\nlocal: {{member: anne, roles: [clinician]}}\n"
_PATIENCE: Final = 30.0


class Asked(NamedTuple):
    """What is measured."""

    cases: int
    streams: int
    requests: int
    seed: int


def main(argv: list[str] | None = None) -> int:
    """Run it."""
    options = _options(argv)
    asked = Asked(options.cases, options.streams, options.requests, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        times, processor, heard = measure(Path(folder), asked)
    cuts = quantiles(times, n=100)
    p50, p95 = round(cuts[49] * 1000, 1), round(cuts[94] * 1000, 1)
    kept = p95 < AIM and heard
    found = {**asked._asdict(), "p50_ms": p50, "p95_ms": p95, "aim_ms": AIM, "all_heard": heard}
    found["processor_ms"] = round(processor * 1000, 1)
    found["load"] = round(os.getloadavg()[0], 1)
    said = " ".join(f"{name}={value}" for name, value in found.items())
    print(json.dumps({**found, "kept": kept}) if options.json else f"worklist: {said}")
    print("PASS" if kept else "FAIL", file=sys.stderr)
    return 0 if kept else 1


class Measured(NamedTuple):
    """What came of it.

    Attributes:
        times: seconds of each request.
        processor: seconds of the processor for each request: the notifier's other work, deeds and
            streams included.
        heard: whether every stream was told of a change.
    """

    times: list[float]
    processor: float
    heard: bool


def measure(folder: Path, asked: Asked) -> Measured:
    """Fill a store, run the notifier on it, and ask."""
    (port,) = free_ports(1)
    site, database = _site(folder, port), folder / "notifier.db"
    begun = time.perf_counter()
    _fill(site, database, asked)
    print(f"{asked.cases} cases in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    (folder / "none.jsonl").touch()
    words = ["--database", str(database), "--site", str(site), "--serve-inbox", str(port)]
    words += ["--alerts", str(folder / "none.jsonl")]
    with Command("notify", "run", *words) as command, Listeners(port) as listeners:
        command.heard("inbox open")
        password = (site / PASSWORD).read_text().strip()
        for _ in range(0, asked.streams, EACH):
            browser = _signed_in(port, password)
            for _ in range(min(EACH, asked.streams - listeners.count)):
                listeners.add(browser.cookies)
        used = _processor(command.process.pid)
        times = list(_requests(browser, asked.requests))
        used = (_processor(command.process.pid) - used) / asked.requests
        return Measured(times, used, _all_heard(listeners, asked))


def _processor(pid: int) -> float:
    """Seconds of the processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _site(folder: Path, port: int) -> Path:
    site = folder / "site"
    site_folder(site / "teams")
    (site / "channels.yaml").write_text("channels:\n  paper: {type: console}\n")
    (site / "inbox.yaml").write_text(_SITE.format(port=port))
    return site


def _fill(site: Path, database: Path, asked: Asked) -> None:
    found, now = read_folder(site), moment(SystemClock().now())
    house = Premises(found.site, found.teams, found.channels.channels, "", "benchmark")
    with opened(str(database)) as store:
        migrate(store)
        fill(store, house, asked.cases, now, asked.seed)


def _signed_in(port: int, password: str) -> Browser:
    browser = Browser(f"http://127.0.0.1:{port}")
    page = browser.get("/sign-in")
    browser.post("/sign-in", {"csrf": page.token(), "password": password})
    return browser


def _requests(browser: Browser, count: int) -> Iterator[float]:
    """Pages one after the other, as deep as somebody would go; each tenth time a deed."""
    url = "/"
    for number in range(count):
        begun = time.perf_counter()
        page = browser.get(f"/api/v1/worklist{url.removeprefix('/')}" if number % 2 else url)
        yield time.perf_counter() - begun
        if page.status != 200:  # noqa: PLR2004 - HTTP's word for yes
            raise RuntimeError(f"the worklist answered {page.status}")
        if number % 2:
            found = json.loads(page.text)
            url = found["next"] if found["next"] and number % 10 != 9 else "/"  # noqa: PLR2004
            if url == "/":
                _deed(browser, found["rows"][0], number)


def _deed(browser: Browser, row: dict[str, str], number: int) -> None:
    path = f"/api/v1/cases/{row['reference']}/deeds/comment"
    body = json.dumps({"key": str(number), "revision": str(row["revision"]), "note": "seen"})
    done = browser.send(path, body, **{"X-CSRF": browser.csrf})
    if done.status != 200:  # noqa: PLR2004 - HTTP's word for yes
        raise RuntimeError(f"a deed answered {done.status}")


def _all_heard(listeners: Listeners, asked: Asked) -> bool:
    """Whether each stream was told, once for each deed; several of a case in a second are one."""
    end = time.monotonic() + _PATIENCE
    while listeners.heard < asked.streams and time.monotonic() < end:
        time.sleep(0.1)
    return listeners.count == asked.streams and listeners.heard >= asked.streams


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inbox", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--streams", type=int, default=50)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
