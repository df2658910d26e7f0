"""FHIR's options, and what they start; only who asks for it needs the packages of an endpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.ingest.journal import Journal
from services.ingest.profiles.options import sources_of
from services.runtime.logs import logger

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from services.ingest.rest.listener import FhirListener
    from services.runtime.clock import Clock


def add_fhir_options(parser: argparse.ArgumentParser) -> None:
    """Add `--fhir` and what belongs to it."""
    add = parser.add_argument_group("FHIR R4 over HTTP (docs/fhir.md)").add_argument
    about = "receive FHIR R4 there by HTTP, into the journal of --data"
    add("--fhir", metavar="HOST:PORT", help=about)
    about = "keys that sign bearer tokens: a JWKS file, or one https address"
    add("--fhir-jwks", metavar="FILE|URL", help=about)
    add("--fhir-audience", metavar="URL", help="who a token must be meant for: our address")
    add("--fhir-issuer", metavar="URL", help="who must have issued it; default: whoever can sign")
    add("--fhir-single-use", action="store_true", help="take each token (jti) once")
    add("--fhir-tls-certificate", type=Path, metavar="FILE", help="our certificate chain, PEM")
    add("--fhir-tls-key", type=Path, metavar="FILE", help="its private key, PEM")
    about = "who signs the senders' certificates; instead of tokens"
    add("--fhir-tls-authorities", type=Path, metavar="FILE", help=about)
    about = "a certificate's name, and as whom it sends; repeatable"
    add("--fhir-peer", action="append", default=[], metavar="NAME=SENDER", help=about)
    add("--fhir-plaintext", action="store_true", help="plain HTTP, although not on this machine")
    _add_polling(parser)


def _add_polling(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("FHIR R4 asked for (docs/fhir.md)").add_argument
    add("--fhir-poll", metavar="URL", help="ask that server for what is new, and nobody else")
    about = "a resource type to ask for; repeatable; default: all that are followed"
    add("--fhir-poll-type", action="append", default=[], metavar="TYPE", help=about)
    about = "between two polls; default: %(default)s"
    add("--fhir-poll-every", type=float, default=300.0, metavar="SECONDS", help=about)
    about = "a bearer token for it; read again at each poll"
    add("--fhir-poll-token", type=Path, metavar="FILE", help=about)
    add("--fhir-poll-client", metavar="ID", help="our name at its authorization server")
    about = "our private key there, a JWK (SMART backend services)"
    add("--fhir-poll-key", type=Path, metavar="FILE", help=about)
    add("--fhir-poll-token-url", metavar="URL", help="where it gives tokens")
    about = "it may notify us at /subscription/NAME; repeatable"
    add("--fhir-subscription", action="append", default=[], metavar="NAME", help=about)
    about = "in which it promises to notify at least once; twice that in silence is told"
    add("--fhir-heartbeat", type=float, metavar="SECONDS", help=about)


def start_fhir(
    args: argparse.Namespace, clock: Clock, journal: Callable[[Path], Journal] = Journal
) -> list[FhirListener]:
    """Receive FHIR, or ask for it, if wanted; whoever calls stops what is returned.

    Raises:
        OperatorError: an option can't be used, or the port can't be opened.
        Unavailable: the journal can't be opened.
    """
    if not wants_fhir(args):
        return []
    from services.ingest.rest.listener import FhirListener  # noqa: PLC0415
    from services.ingest.rest.options import work_of  # noqa: PLC0415

    work, sources = work_of(args), sources_of(args)
    listener = FhirListener(work, sources.read_resources, args.data, clock, journal=journal)
    port = listener.start()
    if work.where is not None:
        logger().info("receiving fhir", extra={"host": work.where.host, "port": port})
    if work.server is not None:
        logger().info("polling fhir", extra={"seconds": work.server.every})
    return [listener]


def wants_fhir(args: argparse.Namespace) -> bool:
    """Whether FHIR is to be received or asked for."""
    return args.fhir is not None or args.fhir_poll is not None
