"""Messages in by MLLP, alerts out; services started anew and killed; nothing lost, and it is told.

    PYTHONPATH=tests python -m stack [--image salvage-watch:local] [--base IMAGE]

The alerts that stand at the end must be those of one process that was given the same messages.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.parse
import urllib.request
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from support.datafolder import judged, published
from support.dockerd import docker
from support.living import all_rules
from support.mllp import HERE, Sender, code, listening

from schemas.alerts import OPEN_STATES
from services.simulator.cohort import simulate
from services.simulator.hl7 import messages
from stack.engine import DATABASE, PARTS, Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PATIENCE = 600.0
MLLP, PROMETHEUS = 2575, 9090
TURNS = ("ingest", "map", "detect", "notify", "kafka", "postgresql", "prometheus")
"""Started anew one after the other, each while messages come."""
OURS, DRAIN = TURNS[:4], 20.0
"""Asked to end, one of ours must have ended after so many seconds."""
KILLED = (("detect", "SalvageComponentDown"), ("kafka", "SalvageComponentDown"))
"""Killed without a word and left so, and what Prometheus must then say until they are back.

Without its only broker the detector ends, and is started anew until there is one.
"""
STANDING = """
from services.ingest.kafka.snapshot import Snapshot
from services.runtime.kafka import cluster
import json, os
with Snapshot(cluster("kafka:9092", os.environ)) as snapshot:
    for record in snapshot.news("clinical.alerts"):
        one = json.loads(record.value)
        if one["rule"] != "SALVAGE-CANARY":
            print(one["alert_id"], one["revision"], one["episode"], one["state"])
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Drive the stack; 0: all holds."""
    parser = argparse.ArgumentParser(prog="stack", description=__doc__)
    parser.add_argument("--image", default="salvage-watch:local")
    parser.add_argument("--base", default="local/python:3.11-bookworm")
    args = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="stack-") as name, docker(Path(name)) as engine:
        stack = Stack(engine, args.image, args.base)
        stack.prepare(Path(name))
        try:
            _driven(stack, Path(name))
        except BaseException:
            _say(stack.compose("logs", "--tail=15", "--no-color"))
            raise
        finally:
            stack.compose("down", "--volumes", "--timeout", "10")
    return 0


def _driven(stack: Stack, folder: Path) -> None:
    _say("starting")
    stack.compose("up", "-d", *PARTS)
    cohort = list(messages(simulate(11, 6, date(2021, 1, 1), 12).dispatches))
    wanted = _of_one_process(folder / "one", cohort)
    assert wanted, "a cohort without alerts shows nothing"
    _sent(cohort[:1])
    share = -(-len(cohort) // len(TURNS))
    for number, service in enumerate(TURNS):
        _say(f"started anew: {service}")
        begun = time.monotonic()
        stack.compose("stop", "-t", "60", service)
        assert service not in OURS or time.monotonic() - begun < DRAIN, f"{service} takes its time"
        stack.compose("start", service)
        _sent(cohort[number * share : (number + 1) * share])
    for service, alert in KILLED:
        _missed(stack, service, alert)
    _sent(cohort)  # all of it again: nothing of it is news
    _until("everything is read, and nobody complains", lambda: _settled(stack))
    found = _standing(stack.python(STANDING))
    assert found == wanted, f"{len(found ^ wanted)} alerts differ"
    cases = stack.inside("notify", "status", "--database", DATABASE)["cases"]
    assert sum(cases.values()) > 0, "no case was opened"
    query = 'sum(salvage_ingest_messages_total) > 0 and sum(up{job=~"salvage.*"}) == 5'
    _until("Prometheus sees all of it", lambda: _asked(query))
    home = "time() - salvage_canary_last_success_timestamp_seconds < 180"
    _until(
        "the canary has come home", lambda: _asked(f"{home} and salvage_canary_seconds_count > 0")
    )
    _say(f"{len(cohort)} messages, {len(found)} alerts stand, {sum(cases.values())} cases")


def _missed(stack: Stack, service: str, alert: str) -> None:
    """Kill a service; Prometheus must say so, and stop when it is back."""
    firing = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
    assert not _asked(firing), f"{alert} fires already"
    stack.compose("kill", "-s", "KILL", service)
    _until(f"killed: {service}; {alert} fires", lambda: _asked(firing))
    stack.compose("up", "-d", "--no-deps", service)
    _until(f"back: {service}; {alert} clears", lambda: not _asked(firing))


def _sent(cohort: Sequence[bytes]) -> None:
    """Send messages as interface engines do: in order, again until each is accepted."""
    left = list(cohort)
    deadline = time.monotonic() + PATIENCE
    while left:
        try:
            with Sender(MLLP) as sender:
                while left and code(sender.ask(left[0])).startswith("AA"):
                    left.pop(0)
        except (OSError, StopIteration):
            assert time.monotonic() < deadline, f"{len(left)} messages are not accepted"
        time.sleep(0.5)


def _of_one_process(folder: Path, cohort: Sequence[bytes]) -> set[tuple[str, str]]:
    """The alerts that stand when one process was given the same."""
    with listening(folder) as listener, Sender(listener.port) as sender:
        for message in cohort:
            assert code(sender.ask(message)).startswith("AA")
    judged(folder, all_rules())
    last = {(one.alert_id, one.episode): str(one.state) for one in published(folder)}
    return {(alert, state) for (alert, _), state in last.items() if state in OPEN_STATES}


def _standing(text: str) -> set[tuple[str, str]]:
    rows = [line.split() for line in text.splitlines()]
    ordered = sorted(
        (alert, int(revision), episode, state) for alert, revision, episode, state in rows
    )
    last = {(alert, episode): state for alert, _, episode, state in ordered}
    return {(alert, state) for (alert, _), state in last.items() if state in OPEN_STATES}


def _settled(stack: Stack) -> bool:
    """Whether the doctor finds no group behind and no process out of work."""
    told = stack.doctor()["findings"]
    behind = [one for one in told if one["check"] == "groups" and ": 0 records" not in one["told"]]
    idle = [one for one in told if one["part"] == "process" and one["state"] != "ok"]
    return not behind and not idle


def _asked(query: str) -> list[Any]:
    words = urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(f"http://{HERE}:{PROMETHEUS}/api/v1/query?{words}") as answer:
        found: list[Any] = json.loads(answer.read())["data"]["result"]
        return found


def _until(what: str, holds: Callable[[], object]) -> None:
    _say(f"waiting: {what}")
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if holds():
                return
        except (OSError, RuntimeError):
            pass  # it is just being started anew
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(1)


def _say(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
