"""The client library's clients, made so that one that can't be made leaves nothing behind.

kafka-python 3.0 connects while it is constructed; if no broker answers, the thread and the sockets
that it began stay for ever. Whoever tries again every few seconds for a night would have thousands.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

from services.runtime.kafka import unavailable

if TYPE_CHECKING:
    from collections.abc import Callable


def made(kind: Callable[..., Any], **settings: Any) -> Any:
    """A client of some kind.

    Raises:
        Unavailable: no broker answers, or it refuses.
    """
    begun: list[Any] = []

    def begin(**given: Any) -> Any:
        begun.append(KafkaNetClient(**given))
        return begun[-1]

    try:
        return kind(**settings, kafka_client=begin)
    except (KafkaError, OSError) as error:
        for one in begun:
            with suppress(KafkaError, OSError):
                one.close()
        raise unavailable(error) from error
