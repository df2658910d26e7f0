"""What the FHIR endpoint is told on the command line, for every command that has one."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from services.ingest.fhir.resources import R4
from services.ingest.polling.server import KINDS, Anonymous, Credentials, Server, TokenFile
from services.ingest.polling.smart import BackendService, read_key
from services.ingest.rest.doors import CertificateDoor, Door, OpenDoor, TokenDoor
from services.ingest.rest.keys import keys_of
from services.ingest.rest.listener import Where, Work
from services.ingest.rest.tokens import Tokens
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def work_of(args: argparse.Namespace) -> Work:
    """Where to listen, and whom to ask.

    Raises:
        OperatorError: an option can't be used, or too little protects the port.
    """
    if args.fhir_subscription and (args.fhir is None or args.fhir_poll is None):
        raise OperatorError("--fhir-subscription: needs --fhir and --fhir-poll")
    where = where_to_listen(args) if args.fhir is not None else None
    return Work(where, server_of(args) if args.fhir_poll is not None else None)


def server_of(args: argparse.Namespace) -> Server:
    """The server to ask.

    Raises:
        OperatorError: an option can't be used, or its address is neither https nor here.
    """
    base: str = args.fhir_poll
    parts = urlsplit(base)
    here = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not (parts.hostname and (parts.scheme == "https" or here)) or parts.query:
        raise OperatorError("--fhir-poll: expected an address with https")
    if unknown := set(args.fhir_poll_type) - R4:
        raise OperatorError(f"--fhir-poll-type: no type of R4: {', '.join(sorted(unknown))}")
    return Server(
        base,
        tuple(dict.fromkeys(args.fhir_poll_type)) or KINDS,
        args.fhir_poll_every,
        credentials=_credentials(args),
        subscriptions=frozenset(args.fhir_subscription),
        heartbeat=args.fhir_heartbeat,
    )


def _credentials(args: argparse.Namespace) -> Credentials:
    smart = (args.fhir_poll_client, args.fhir_poll_key, args.fhir_poll_token_url)
    if any(smart) and (not all(smart) or args.fhir_poll_token):
        raise OperatorError(
            "--fhir-poll-client, --fhir-poll-key, --fhir-poll-token-url: all three, and no token"
        )
    if all(smart):
        url, key = args.fhir_poll_token_url, read_key(args.fhir_poll_key)
        if not url.startswith("https://") and urlsplit(url).hostname not in _LOOPBACK:
            raise OperatorError("--fhir-poll-token-url: expected an address with https")
        return BackendService(url, args.fhir_poll_client, key, "system/*.rs", _seconds)
    return TokenFile(args.fhir_poll_token) if args.fhir_poll_token else Anonymous()


def _seconds() -> int:
    return SystemClock().now() // 1_000_000  # tokens live by the machine's clock


def where_to_listen(args: argparse.Namespace) -> Where:
    """Where to listen, and who is let in.

    Raises:
        OperatorError: an option can't be used, or too little protects the port.
    """
    host, port = _address(args.fhir)
    tls, door = _tls(args), _door(args)
    here = host in _LOOPBACK
    if not here and not door.secured:
        raise OperatorError(
            "--fhir: not this machine alone: needs --fhir-jwks, or --fhir-tls-authorities"
        )
    if not here and tls is None and not args.fhir_plaintext:
        raise OperatorError(
            "--fhir: not this machine alone: needs --fhir-tls-certificate, or --fhir-plaintext "
            "where something before it ends TLS"
        )
    return Where(host, port, door, tls)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) >= 1 << 16:
        raise OperatorError("--fhir: expected HOST:PORT")
    return host.strip("[]"), int(port)


def _door(args: argparse.Namespace) -> Door:
    if args.fhir_jwks and args.fhir_tls_authorities:
        raise OperatorError("--fhir-jwks, --fhir-tls-authorities: one of them")
    if args.fhir_tls_authorities:
        return CertificateDoor(_peers(args.fhir_peer))
    if args.fhir_peer:
        raise OperatorError("--fhir-peer: needs --fhir-tls-authorities")
    return TokenDoor(_tokens(args)) if args.fhir_jwks else OpenDoor()


def _tokens(args: argparse.Namespace) -> Tokens:
    if not args.fhir_audience:
        raise OperatorError("--fhir-jwks: needs --fhir-audience")
    return Tokens(
        keys_of(args.fhir_jwks),
        args.fhir_audience,
        now=_seconds,
        issuer=args.fhir_issuer,
        once=args.fhir_single_use,
    )


def _peers(texts: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, separator, sender = text.partition("=")
        if not (name and separator and sender) or name in found:
            raise OperatorError("--fhir-peer: expected NAME=SENDER, each name once")
        found[name] = sender
    if not found:
        raise OperatorError("--fhir-tls-authorities: needs --fhir-peer")
    return found


def _tls(args: argparse.Namespace) -> ssl.SSLContext | None:
    """TLS 1.2 or newer; where authorities are given, with a certificate from either side."""
    if (args.fhir_tls_certificate is None) != (args.fhir_tls_key is None):
        raise OperatorError("--fhir-tls-certificate, --fhir-tls-key: both or neither")
    if args.fhir_tls_certificate is None:
        if args.fhir_tls_authorities:
            raise OperatorError("--fhir-tls-authorities: needs --fhir-tls-certificate")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # An encrypted key must fail here, and not wait for somebody at a terminal.
        context.load_cert_chain(args.fhir_tls_certificate, args.fhir_tls_key, password=lambda: b"")
        if args.fhir_tls_authorities:
            context.load_verify_locations(args.fhir_tls_authorities)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OperatorError(f"--fhir-tls-...: cannot be used: {reason}") from error
    return context
