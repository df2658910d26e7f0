"""`salvage run`: the whole system in one process on one SQLite file."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from schemas.topics import EVENTS
from services.detector.engine.instants import moment
from services.detector.language.compiler import compile_rule
from services.detector.language.errors import RuleErrors
from services.detector.rulebook.library import rules_in_force
from services.embedded.book import WardBook
from services.embedded.feed import FolderFeed
from services.embedded.feeds import Feeds
from services.embedded.folder import owned
from services.embedded.metrics import Metrics
from services.embedded.options import add_options, check
from services.embedded.pump import Pump
from services.embedded.received import JournalFeed
from services.embedded.replays import ReplayFeed
from services.embedded.runtime import Runtime
from services.embedded.store import Store
from services.embedded.terminal import Terminal
from services.ingest.journal import Journal
from services.ingest.mllp.listener import Listener
from services.ingest.mllp.options import endpoint, rules
from services.ingest.profiles.options import sources_of
from services.ingest.rest.arguments import start_fhir, wants_fhir
from services.ingest.watching import metrics_of, observed
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError
from services.runtime.kafka import cluster
from services.runtime.logs import logger
from services.runtime.process import DONE, GAVE_UP, UNUSABLE, carried_out
from services.runtime.pulse import Health

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from aiohttp.web import Application
    from prometheus_client import CollectorRegistry

    from services.detector.engine.rule import CompiledRule
    from services.embedded.bus import BusFeed
    from services.ingest.metrics import IngestMetrics
    from services.runtime.clock import Clock
    from services.runtime.shutdown import Stop

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - no public name

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Watch(NamedTuple):
    """What others look at while we run."""

    book: WardBook
    metrics: Metrics
    health: Health


def register(subparsers: Subparsers) -> None:
    """Add the command to the `salvage` parser; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "run",
        help="the whole system in one process on one SQLite file",
        description="Reads clinical events from a folder, judges them by the rules, prints the "
        "alerts and serves them as pages. A record is taken when the transaction that holds its "
        "facts and the alerts they cause has committed.",
    )
    add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0 ended as asked; 1 gave up (logged); 2 unusable settings or rules (said on stderr).
    """
    return carried_out("salvage run", partial(_run, args))


def _run(args: argparse.Namespace, stop: Stop) -> int:
    try:
        with ExitStack() as stack:
            return _running(args, stack, stop)
    except RuleErrors as errors:
        for each in errors.errors:
            print(f"salvage run: {each}", file=sys.stderr)
        return UNUSABLE


def _running(args: argparse.Namespace, stack: ExitStack, stop: Stop) -> int:
    """The straight line from settings to a running system; what is opened is closed by `stack`."""
    check(args)
    sources, compiled = sources_of(args), _rules(args.site)
    store = Store(stack.enter_context(owned(args.data)), durable=args.durable)
    stack.callback(store.close)
    clock, book = SystemClock(), WardBook(store.path)
    watch = Watch(book, Metrics(book, rules=[rule.id for rule in compiled]), Health(time.monotonic))
    runtime = Runtime(store, compiled, clock, sources=sources, observe=watch.metrics.observe)
    terminal = Terminal(sys.stdout, as_json=args.json, show_patients=args.show_patients)
    runtime.outbox.subscribe("terminal", terminal)
    if not args.once:
        _serve(args, stack, clock, watch)
    runtime.start(resume=args.resume)
    cases = _notify(args, stack, watch.metrics.registry)
    bus = _bus(args, stack, store, clock)
    feed = Feeds(_feed(args, store, clock), ReplayFeed(args.data, store, clock), *bus)
    listeners = _listen(args, stack, clock, watch.metrics.registry)
    worries = [*listeners, *(one.problem for one in bus), *cases]
    pump = Pump(runtime, feed, stop, watch.health, lambda: _first(worries))
    if args.once:
        done = pump.once() and _first(worries) is None
        _summary(book)
        return DONE if done else GAVE_UP
    pump.for_ever()
    return DONE


def _rules(site: Path | None) -> tuple[CompiledRule, ...]:
    try:
        rules = rules_in_force(site=site)
    except OSError as error:
        raise OperatorError(f"--site: {error.strerror or type(error).__name__}") from error
    return tuple(compile_rule(rule) for rule in rules)


def _feed(args: argparse.Namespace, store: Store, clock: SystemClock) -> Feeds:
    """What was received, here or by `salvage ingest`, and the watched folder."""
    received = JournalFeed(args.data, store)
    if args.watch is None:
        return Feeds(received)
    folder = FolderFeed(
        args.watch,
        store,
        clock,
        steady=time.monotonic,
        # With --once whatever is there is meant; else a file may still be growing.
        settle=0.0 if args.once else 2.0,
    )
    return Feeds(folder, received)


def _bus(args: argparse.Namespace, stack: ExitStack, store: Store, clock: Clock) -> list[BusFeed]:
    """The feed of a hospital's bus, if there is one."""
    if args.kafka is None:
        return []
    # Apache Kafka's client is only for those who have a bus.
    from services.embedded.bus import BusFeed  # noqa: PLC0415

    topics = list(dict.fromkeys(args.topic)) or [EVENTS.name]
    bus = BusFeed(cluster(args.kafka, os.environ), topics, store, clock, steady=time.monotonic)
    stack.callback(bus.close)
    return [bus]


def _notify(
    args: argparse.Namespace, stack: ExitStack, registry: CollectorRegistry
) -> list[Callable[[], str | None]]:
    """Let a notifier work beside us, if asked to.

    Returns:
        What says why it is not at work, if so.
    """
    if args.notifier_site is None:
        return []
    # A notifier's packages are an extra of their own.
    from services.embedded.casework import Casework, order_of  # noqa: PLC0415

    order = order_of(args.notifier_site, args.data, args.serve_inbox)
    cases = Casework(order, args.data, sources_of(args))
    registry.register(cases)
    stack.callback(cases.stop)
    cases.start()
    return [cases.problem]


def _first(worries: Iterable[Callable[[], str | None]]) -> str | None:
    """What the first says who has something to say."""
    return next((told for told in (worry() for worry in worries) if told is not None), None)


def _listen(
    args: argparse.Namespace, stack: ExitStack, clock: Clock, registry: CollectorRegistry
) -> list[Callable[[], str | None]]:
    """Receive over the network, if asked to.

    Returns:
        What says why nothing is received at present, if so.
    """
    if args.mllp is None and not wants_fhir(args):
        return []
    metrics = metrics_of(args, registry)
    listeners = start_fhir(args, clock, observed(Journal, metrics))
    for one in listeners:
        stack.callback(one.stop)
    return [*(one.problem for one in listeners), *_listen_mllp(args, stack, clock, metrics)]


def _listen_mllp(
    args: argparse.Namespace, stack: ExitStack, clock: Clock, metrics: IngestMetrics
) -> list[Callable[[], str | None]]:
    if args.mllp is None:
        return []
    where, said, journal = endpoint(args), rules(args), observed(Journal, metrics)
    listener = Listener(where, said, args.data, clock, journal=journal, observer=metrics)
    stack.callback(listener.stop)
    port = listener.start()
    logger().info("receiving", extra={"host": where.host, "port": port})
    return [listener.problem]


def _serve(args: argparse.Namespace, stack: ExitStack, clock: Clock, watch: Watch) -> None:
    # The pages' packages are an extra of their own, and --once does without.
    from services.embedded.web import PageServer, add_operations  # noqa: PLC0415

    app = _pages(args, clock, watch)
    server = PageServer(add_operations(app, watch.metrics, watch.health), args.host, args.port)
    stack.callback(server.stop)
    port = server.start()
    if args.serve_inbox is None and args.host not in _LOOPBACK:
        logger().warning("pages are open to the network without a login", extra={"host": args.host})
    logger().info("serving", extra={"host": args.host, "port": port})


def _pages(args: argparse.Namespace, clock: Clock, watch: Watch) -> Application:
    """The local pages; none where the inbox is served, which asks people who they are."""
    from aiohttp.web import Application  # noqa: PLC0415

    from services.notifier.inbox.app import LOOPBACK, build_app  # noqa: PLC0415

    if args.serve_inbox is not None:
        return Application()
    names = LOOPBACK | {name.lower() for name in (args.host, *args.name)}
    return build_app(watch.book, now=lambda: moment(clock.now()), hosts=names)


def _summary(book: WardBook) -> None:
    counts = book.counts()
    about = {"facts": counts["facts"], "patients": counts["patients"], "alerts": counts["alerts"]}
    logger().info("done", extra=about | {"deadletters": counts["dead_letters"]})
