"""`salvage canary`: does a message become somebody's message? Tried again and again."""

from __future__ import annotations

import asyncio
import ssl
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry

from services.commands.canary.metrics import CanaryMetrics
from services.commands.canary.receiving import Receiver
from services.commands.canary.rounds import Rounds
from services.commands.canary.sending import Line
from services.commands.seen import HOST, add_health_options, seen
from services.notifier.channels.kinds.webhook import read_key
from services.notifier.channels.settings import LOOPBACK, Tls
from services.runtime.arguments import Whole
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError
from services.runtime.logs import logger
from services.runtime.process import DONE, carried_out

if TYPE_CHECKING:
    import argparse

    from services.runtime.shutdown import Stop

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - no public name

EVERY, PATIENCE, PORT = 120, 60, 8096
"""Seconds between two rounds and for one (CHOICE): four in vain, and SalvageCanaryStale fires."""
_MICROSECOND: Final = 1e-6


def register(subparsers: Subparsers) -> None:
    """Add the command to the `salvage` parser; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "canary",
        help="try again and again whether a message becomes somebody's message",
        description="Sends a result of an invented patient by MLLP, waits until its alert comes "
        "back by a channel of its own, takes it back, and tells Prometheus how that went. No care "
        "team ever sees any of it: docs/operations.md.",
    )
    add = parser.add_argument
    add("--mllp", required=True, metavar="HOST:PORT", help="where HL7 v2 is received")
    add("--tls-authorities", type=Path, metavar="FILE", help="who signs its certificate: TLS")
    add("--tls-certificate", type=Path, metavar="FILE", help="our certificate chain for it, PEM")
    add("--tls-key", type=Path, metavar="FILE", help="its private key, PEM")
    add("--plaintext", action="store_true", help="plain TCP, although not to this machine alone")
    about = "take the notifier's webhooks there; default: %(default)s"
    add("--receive", default=f"{HOST}:{PORT}", metavar="HOST:PORT", help=about)
    add("--receive-certificate", type=Path, metavar="FILE", help="for https there, PEM")
    add("--receive-key", type=Path, metavar="FILE", help="its private key, PEM")
    about = "holds the secret of the channel `canary`"
    add("--secret-file", type=Path, required=True, metavar="FILE", help=about)
    about = "seconds from one round to the next; default: %(default)s"
    add("--every", type=Whole(1, 600), default=EVERY, metavar="N", help=about)
    about = "seconds for an alert to come back; default: %(default)s"
    add("--patience", type=Whole(1, 600), default=PATIENCE, metavar="N", help=about)
    add_health_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0 ended as asked; 2 unusable settings (said on stderr).
    """
    return carried_out("salvage canary", partial(_work, args))


def _work(args: argparse.Namespace, stop: Stop) -> int:
    clock = SystemClock()
    metrics = CanaryMetrics(CollectorRegistry(), clock.now() * _MICROSECOND)
    receiver = Receiver(read_key(args.secret_file, "--secret-file"), clock, metrics)
    rounds = Rounds(_line(args), receiver, metrics, clock, args.patience, stop)
    asyncio.run(_going_round(args, rounds, receiver, metrics))
    return DONE


async def _going_round(
    args: argparse.Namespace, rounds: Rounds, receiver: Receiver, metrics: CanaryMetrics
) -> None:
    host, port = _address("--receive", args.receive)
    async with receiver.serving(host, port, _served(args)) as taken:
        logger().info("receiving", extra={"host": host, "port": taken})
        if args.port is None:
            await rounds.run(args.every)
            return
        async with seen(args.host, args.port, rounds.problem, metrics.registry):
            await rounds.run(args.every)


def _line(args: argparse.Namespace) -> Line:
    host, port = _address("--mllp", args.mllp)
    if args.tls_authorities is None:
        if host not in LOOPBACK and not args.plaintext:
            raise OperatorError(
                "--mllp: not this machine alone: needs --tls-authorities, or --plaintext"
            )
        return Line(host, port)
    peer = Tls(
        authorities_file=args.tls_authorities,
        certificate_file=args.tls_certificate,
        key_file=args.tls_key,
    )
    return Line(host, port, peer.context("--mllp"))


def _served(args: argparse.Namespace) -> ssl.SSLContext | None:
    """TLS for webhooks; without, they come from this machine alone."""
    if args.receive_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(args.receive_certificate, args.receive_key, lambda: b"")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OperatorError(f"--receive-certificate: cannot be used: {reason}") from error
    return context


def _address(option: str, text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) >= 1 << 16:
        raise OperatorError(f"{option}: expected HOST:PORT")
    return host.strip("[]"), int(port)
