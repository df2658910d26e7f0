"""A process that works until it is asked to end, and what its end tells the supervisor."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from services.runtime.errors import OperatorError, SalvageError
from services.runtime.logs import logger, to_stream
from services.runtime.shutdown import Stop, on_signals
from services.runtime.tracing import traced

if TYPE_CHECKING:
    from collections.abc import Callable

DONE: Final = 0
GAVE_UP: Final = 1
UNUSABLE: Final = 2


def carried_out(command: str, work: Callable[[Stop], int]) -> int:
    """Work with the log on stderr, until SIGINT or SIGTERM asks `work` to end.

    Args:
        command: as it is called, `salvage map`.
        work: gives the exit code of an end that was asked for.

    Returns:
        What `work` gave; 1 it gave up (logged), starting again may help; 2 unusable settings or
        surroundings (said on stderr), a person must look.
    """
    to_stream(sys.stderr)
    try:
        with traced(command), on_signals(Stop()) as stop:
            return work(stop)
    except OperatorError as error:
        sys.stderr.write(f"{command}: {error}\n")
        return UNUSABLE
    except SalvageError as error:
        logger().error("gave up", extra={"detail": str(error)})
        return GAVE_UP
