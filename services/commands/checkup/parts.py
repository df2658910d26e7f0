"""The parts of a deployment, and what is asked of each."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from services.commands.checkup import (
    agreement,
    backups,
    endpoints,
    files,
    folder,
    judged,
    rulebook,
)
from services.commands.checkup.finding import examined
from services.detector.engine.instants import moment
from services.embedded.folder import NOTIFIER
from services.runtime.errors import OperatorError
from services.runtime.kafka import cluster

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

    from services.commands.checkup.finding import Finding
    from services.runtime.clock import Clock


def of_rules(site: Path | None) -> Iterator[Finding]:
    """The rules of this installation."""
    yield from examined({"packs": partial(rulebook.packs, site), "lock": rulebook.lock})


def of_data(args: argparse.Namespace, clock: Clock) -> Iterator[Finding]:
    """The data folder; its store is asked more where we know its tables.

    Raises:
        OperatorError: there is no such folder, or the rules to judge by can't be used.
    """
    if not args.data.is_dir():
        raise OperatorError("--data: there is no such folder")
    looks = (folder.access, folder.space, folder.logs, folder.process)
    every = (*looks, files.integrity, files.versions)
    found = list(examined({look.__name__: partial(look, args.data) for look in every}))
    yield from found
    if not any(one.check == "integrity" and one.do for one in found) and files.current(args.data):
        yield from _of_store(args, clock)


def _of_store(args: argparse.Namespace, clock: Clock) -> Iterator[Finding]:
    looks = (agreement.journal, agreement.facts, agreement.alerts, agreement.patients)
    yield from examined({look.__name__: partial(look, args.data) for look in looks})
    timed = (agreement.letters, agreement.time)
    yield from examined({look.__name__: partial(look, args.data, clock) for look in timed})
    if args.judge:
        rules = rulebook.compiled(args.site)
        yield from examined({"judging": partial(judged.judged, args.data, rules, clock)})


def of_backup(folder: Path, clock: Clock) -> Iterator[Finding]:
    """A backup of the data folder."""
    yield from examined({"backup": partial(backups.backup, folder, clock)})


def of_kafka(args: argparse.Namespace, clock: Clock) -> Iterator[Finding]:
    """The cluster.

    Raises:
        OperatorError: a setting of how it is reached can't be used.
    """
    # Apache Kafka's client is only for those who have a cluster to look at.
    from services.commands.checkup import bus  # noqa: PLC0415

    where = cluster(args.kafka, os.environ)
    answers = list(examined({"cluster": partial(bus.reachable, where)}))
    yield from answers
    if not any(one.do for one in answers):
        checks = {
            "topics": partial(bus.topics, where, args.replicas),
            "groups": partial(bus.groups, where),
            "letters": partial(bus.letters, where, clock),
        }
        yield from examined(checks)


def of_notifier(args: argparse.Namespace, clock: Clock) -> Iterator[Finding]:
    """The notifier's database, named or in the data folder, and the site's folder.

    Raises:
        OperatorError: the kept head of the audit trail is none, or there is no such folder.
    """
    # So are SQLAlchemy and what the channels need.
    from services.commands.checkup import casebook  # noqa: PLC0415

    now = moment(clock.now())
    where = args.database or _beside(args.data)
    if where is not None:
        kept = casebook.kept_head(args.audit_head)
        tells = args.database is not None
        look = partial(casebook.database, where, kept, now, tells=tells)
        yield from examined({"database": look})
    if args.notifier_site is not None:
        if not args.notifier_site.is_dir():
            raise OperatorError("--notifier-site: there is no such folder")
        roster = partial(casebook.roster, args.notifier_site, now)
        channels = partial(casebook.channels, args.notifier_site)
        yield from examined({"roster": roster, "channels": channels})


def _beside(data: Path | None) -> str | None:
    """The database of a notifier that works in the process of `salvage run`, if there is one."""
    there = data is not None and (data / NOTIFIER).exists()
    return f"sqlite:///{data / NOTIFIER}" if data is not None and there else None


def of_process(url: str) -> Iterator[Finding]:
    """A process that serves its state.

    Raises:
        OperatorError: the address is none.
    """
    where = endpoints.usable(url)
    checks = {
        "ready": partial(endpoints.ready, where),
        "metrics": partial(endpoints.metrics, where),
    }
    yield from examined(checks)
