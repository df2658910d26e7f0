"""The notifier beside the runtime: on a thread and a loop of its own, fed from the store.

Laws of this file:
- settings that can't be used are told at the start, before anything is received;
- after that nothing that goes wrong here ends the process or holds up the runtime: it is said, in
  the log, to supervisors and to Prometheus, and tried again.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from services.embedded.book import WardBook
from services.embedded.folder import NOTIFIER
from services.embedded.store import FILE_NAME
from services.embedded.upkeep import StoreUpkeep
from services.ingest.profiles.sources import ANYBODY
from services.notifier.commands.building import Order, Sources, built, this_process
from services.notifier.service.feeds import feed
from services.runtime.errors import OperatorError, SalvageError, place_of
from services.runtime.logs import logger
from services.runtime.shutdown import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prometheus_client import Metric

    from services.ingest.profiles.sources import Sources as Profiles
    from services.notifier.commands.building import Notifier
    from services.notifier.commands.place import Place

RETRY_SECONDS: Final = 5.0
_UNKNOWN: Final = "it has not begun yet"


def order_of(site: Path, data: Path, serve_inbox: Place | None) -> Order:
    """What a notifier is made of whose database lies in the data folder."""
    return Order(site, f"sqlite:///{data / NOTIFIER}", serve_inbox, None, this_process())


def from_store(data: Path, profiles: Profiles, _: ExitStack) -> Sources:
    """Alerts and events straight from the store; what people do stays with the notifier."""
    store, upkeep = data / FILE_NAME, StoreUpkeep(data, profiles)
    record = WardBook(store).versions
    return Sources([feed(store, None)], None, None, timedelta(0), record, upkeep)


class Casework(Collector):
    """Keeps a notifier at work; a collector of its metrics."""

    def __init__(
        self,
        order: Order,
        data: Path,
        profiles: Profiles = ANYBODY,
        retry: float = RETRY_SECONDS,
    ) -> None:
        """Get ready; `start` begins.

        Args:
            order: what the notifier is made of.
            data: the folder with the store, which is there already.
            profiles: of the senders, by which dead letters are read again.
            retry: seconds until it is begun anew, after it failed.
        """
        self._order, self._sources = order, partial(from_store, data, profiles)
        self._retry = retry
        self._stop, self._tried = Stop(), threading.Event()
        self._notifier: Notifier | None = None
        self._wrong: str | None = _UNKNOWN
        self._refused: OperatorError | None = None
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)

    def start(self) -> None:
        """Begin.

        Returns:
            When it is at work, or was tried.

        Raises:
            OperatorError: the site's settings can't be used, or the port.
        """
        self._thread.start()
        self._tried.wait()
        if self._refused is not None:
            self.stop()
            raise self._refused

    def stop(self) -> None:
        """Let what is under way come home, and end; twice does no harm."""
        self._stop.ask()
        if self._thread.is_alive():
            self._thread.join()

    def problem(self) -> str | None:
        """Why it is not at work; None when it is."""
        notifier = self._notifier
        found = self._wrong if notifier is None else notifier.process.problem()
        return None if found is None else f"the notifier: {found}"

    def collect(self) -> Iterator[Metric]:
        """Whether it is at work, and what it tells itself."""
        told = "1: the notifier in this process is at work"
        yield GaugeMetricFamily("salvage_notifier_at_work", told, int(self.problem() is None))
        notifier = self._notifier
        if notifier is not None:
            yield from notifier.registry.collect()

    # -- on its thread

    def _run(self) -> None:
        while not self._stop.asked:
            try:
                self._work()
            except Exception as error:  # noqa: BLE001 - whatever it is, messages are still taken in
                self._failed(error)
            finally:
                self._notifier = None
                self._tried.set()
            self._stop.wait(self._retry)

    def _work(self) -> None:
        with ExitStack() as stack:
            notifier = built(self._order, self._sources, self._stop, stack)
            self._notifier = notifier
            self._tried.set()
            asyncio.run(notifier.work())

    def _failed(self, error: Exception) -> None:
        ours = isinstance(error, SalvageError)
        self._wrong = str(error) if ours else "a defect of ours; the log names the place"
        if isinstance(error, OperatorError) and not self._tried.is_set():
            self._refused = error
            self._stop.ask()
            return
        about = {"reason": self._wrong, "detail": place_of(error)}
        logger().error("notifier failed", extra=about)
