"""Whether the brokers let us in; asked once, before anything else.

Client libraries go on trying for ever with a password that is refused, or behind a certificate that
nobody vouches for. To whoever has to mend it that looks like a network that is down.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from services.detector.adapters.settings import connection
from services.runtime.errors import OperatorError, Unavailable

if TYPE_CHECKING:
    from services.runtime.kafka import Cluster

PATIENCE_MS: Final = 5_000
_REFUSED: Final = (AuthenticationFailedError, SaslAuthenticationFailed)


async def admitted(cluster: Cluster) -> None:
    """Return if a broker lets us in.

    Raises:
        OperatorError: one that answers doesn't, or is not who it should be.
        Unavailable: none answers.
    """
    settings = connection(cluster)
    addresses = settings.pop("bootstrap_servers")
    for address in addresses:
        host, _, port = address.rpartition(":")
        if await _answers(host.strip("[]"), int(port), settings):
            return
    raise Unavailable("kafka: no broker answers, or none by this protocol")


async def _answers(host: str, port: int, settings: dict[str, Any]) -> bool:
    """Whether somebody is there."""
    try:
        found = await create_conn(host, port, **settings, request_timeout_ms=PATIENCE_MS)
    except ssl.SSLCertVerificationError as error:
        message = "nobody there vouches for the broker's certificate, or it names another host"
        raise OperatorError(f"SALVAGE_KAFKA_CAFILE: {message}") from error
    except _REFUSED as error:
        names = "SALVAGE_KAFKA_USERNAME, SALVAGE_KAFKA_PASSWORD_FILE"
        raise OperatorError(f"{names}: the broker refuses them") from error
    except UnsupportedSaslMechanismError as error:
        raise OperatorError("SALVAGE_KAFKA_MECHANISM: the broker has others") from error
    except ssl.SSLError as error:
        message = "the broker does not speak it, or refuses our certificate"
        raise OperatorError(f"SALVAGE_KAFKA_PROTOCOL: {message}") from error
    except (KafkaError, OSError, TimeoutError):
        return False  # the next may be there
    found.close()
    return True
