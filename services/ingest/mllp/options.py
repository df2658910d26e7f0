"""What a listener is told on the command line, for every command that has one."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from services.ingest.mllp.gate import PRODUCTION, Rules
from services.ingest.mllp.server import Endpoint
from services.ingest.profiles.gating import rules_for
from services.ingest.profiles.options import add_source_options, sources_of
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    import argparse

    from services.ingest.profiles.sources import Sources

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def add_listener_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add `--mllp` and what belongs to it."""
    add = parser.add_argument_group("HL7 v2 over TCP").add_argument
    about = "receive HL7 v2 there by MLLP, into the journal of --data"
    add("--mllp", required=required, metavar="HOST:PORT", help=about)
    add("--tls-certificate", type=Path, metavar="FILE", help="our certificate chain, PEM")
    add("--tls-key", type=Path, metavar="FILE", help="its private key, PEM")
    add("--tls-authorities", type=Path, metavar="FILE", help="who signs the senders' certificates")
    add("--plaintext", action="store_true", help="plain TCP, although not on this machine alone")
    help_sender = "who may send (MSH-4/MSH-3); repeatable; default: anybody who can connect"
    add("--sender", action="append", default=[], metavar="FACILITY/APPLICATION", help=help_sender)
    help_peer = "a certificate's name, and as whom it may send; repeatable"
    add("--peer", action="append", default=[], metavar="NAME=FACILITY/APPLICATION", help=help_peer)
    add("--custody", action="store_true", help="accept whatever is safely kept, readable or not")
    add("--test-traffic", action="store_true", help="take test and training messages (MSH-11) too")
    help_ignore = "a message type to accept and pass over, e.g. MFN or MFN^M02; repeatable"
    add("--ignore", action="append", default=[], metavar="TYPE", help=help_ignore)
    add_source_options(parser)


def endpoint(args: argparse.Namespace) -> Endpoint:
    """Where to listen.

    Raises:
        OperatorError: an option can't be used.
    """
    host, port = _address(args.mllp)
    tls = _tls(args)
    if tls is None and host not in _LOOPBACK and not args.plaintext:
        raise OperatorError(
            "--mllp: not this machine alone: needs --tls-certificate, or --plaintext"
        )
    if tls is None and args.peer:
        raise OperatorError("--peer: needs --tls-certificate")
    return Endpoint(host, port, tls, _peers(args.peer))


def rules(args: argparse.Namespace) -> Rules:
    """What is said about the listener's senders, by options or by source profiles.

    Raises:
        OperatorError: mistakes in the profiles, or an option that belongs into them.
    """
    sources = sources_of(args)
    if sources.declared:
        return _declared(sources, args)
    profile = PRODUCTION
    if args.test_traffic:
        profile = replace(profile, processing_ids=frozenset({"P", "T", "D"}))
    return Rules(
        profile,
        custody=args.custody,
        senders=frozenset(args.sender) or None,
        ignored=frozenset(kind.upper() for kind in args.ignore),
    )


def _declared(sources: Sources, args: argparse.Namespace) -> Rules:
    """Each sender by its own profile."""
    if args.custody or args.test_traffic or args.ignore:
        raise OperatorError("--custody, --test-traffic, --ignore: say so in the source profiles")
    return rules_for(sources, frozenset(args.sender) or None)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) >= 1 << 16:
        raise OperatorError("--mllp: expected HOST:PORT")
    return host.strip("[]"), int(port)


def _peers(texts: list[str]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for text in texts:
        name, separator, sender = text.partition("=")
        if not (name and separator and sender):
            raise OperatorError("--peer: expected NAME=FACILITY/APPLICATION")
        found[name] = found.get(name, frozenset()) | {sender}
    return found


def _tls(args: argparse.Namespace) -> ssl.SSLContext | None:
    """TLS 1.2 or newer, with a certificate from either side (IHE ITI-19)."""
    files = (args.tls_certificate, args.tls_key, args.tls_authorities)
    if files == (None, None, None):
        return None
    if None in files:
        raise OperatorError("--tls-certificate, --tls-key, --tls-authorities: all three or none")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        # An encrypted key must fail here, and not wait for somebody at a terminal.
        context.load_cert_chain(args.tls_certificate, args.tls_key, password=lambda: b"")
        context.load_verify_locations(args.tls_authorities)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OperatorError(f"--tls-...: cannot be used: {reason}") from error
    return context
