"""The certificates of `services.runtime.kafka` as Python's TLS has them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Mapping


def tls(settings: Mapping[str, Any]) -> ssl.SSLContext | None:
    """What a connection to the brokers is secured by; None: by nothing.

    Raises:
        OperatorError: a file is no certificate, or the key is not the certificate's.
    """
    if not str(settings.get("security_protocol", "PLAINTEXT")).endswith("SSL"):
        return None
    try:
        context = ssl.create_default_context(cafile=settings.get("ssl_cafile"))
    except ssl.SSLError as error:
        raise OperatorError("SALVAGE_KAFKA_CAFILE: holds no certificate") from error
    if "ssl_certfile" in settings:
        try:
            context.load_cert_chain(settings["ssl_certfile"], settings.get("ssl_keyfile"))
        except ssl.SSLError as error:
            message = "SALVAGE_KAFKA_CERTFILE, SALVAGE_KAFKA_KEYFILE: no certificate and its key"
            raise OperatorError(message) from error
    return context
