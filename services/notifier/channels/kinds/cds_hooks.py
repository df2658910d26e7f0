"""`cds_hooks`: a service for the record's software, which asks when somebody opens a chart.

It sends nothing. It answers the hook `patient-view` with a card for each open case of the patient,
and hears what became of the cards. A card that was shown, accepted or turned down stops no ladder.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from aiohttp import web
from pydantic import Field, model_validator

from services.notifier.channels.cdshooks.app import Desk, build_app
from services.notifier.channels.cdshooks.requests import Names
from services.notifier.channels.cdshooks.trust import Client, Trust, keys_of
from services.notifier.channels.settings import LOOPBACK, File, Host, ServiceSettings, Url
from services.runtime.clock import Clock, SystemClock
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from services.notifier.channels.contract import OpenCases
    from services.notifier.channels.service import Listener

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Settings(ServiceSettings):
    """Its section.

    Attributes:
        host, port: where to listen; port 0 is any that is free.
        public_url: our address, as the record's software knows it.
        clients: who may ask.
        patient_systems: of each assigning authority in our patients' ids its identifier system.
        servers: of each server whose own ids are our patients' ids its address.
        certificate_file, key_file: for TLS; needed unless on this machine, or `behind_proxy`.
    """

    type: Literal["cds_hooks"]
    timeout: Annotated[float, Field(ge=0.1, le=30)] = 2
    host: Host = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)]
    public_url: Url
    clients: tuple[Client, ...] = Field(min_length=1)
    patient_systems: dict[str, str] = Field(default_factory=dict)
    servers: dict[str, Url] = Field(default_factory=dict)
    certificate_file: File | None = None
    key_file: File | None = None
    behind_proxy: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.certificate_file is None) is not (self.key_file is None):
            raise ValueError("certificate_file, key_file: both or neither")
        if self.certificate_file is None and self.host not in LOOPBACK and not self.behind_proxy:
            raise ValueError("not this machine alone: needs certificate_file, or behind_proxy")
        if not (self.patient_systems or self.servers):
            raise ValueError("expected patient_systems or servers: how patients are known")
        return self

    def service(self, name: str) -> CdsHooks:
        """The service."""
        return CdsHooks(name, self)


class CdsHooks:
    """The service."""

    def __init__(self, name: str, settings: Settings, clock: Clock | None = None) -> None:
        """Wire.

        Args:
            name: what the site calls it.
            settings: its section.
            clock: tells which tokens hold, and how old a card is.
        """
        self.name = name
        self._settings = settings
        self._clock = clock or SystemClock()
        self._runner: web.AppRunner | None = None

    async def open(self, cases: OpenCases, listener: Listener) -> None:
        """Begin to answer.

        Raises:
            OperatorError: a file, or the place to listen at, can't be used.
        """
        settings = self._settings
        tls = _server_tls(settings, self.name)
        trust = Trust(keys_of(settings.clients, self.name), lambda: self._clock.now() // 1_000_000)
        names = Names(settings.patient_systems, settings.servers)
        public = settings.public_url.rstrip("/")
        desk = Desk(cases, listener, trust, names, self._now, public, settings.timeout)
        self._runner = web.AppRunner(build_app(desk), access_log=None, handle_signals=False)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, settings.host, settings.port, ssl_context=tls).start()
        except OSError as error:
            await self.close()
            raise OperatorError(f"{self.name}.port: {error.strerror}") from error

    async def close(self) -> None:
        """Answer what is under way, then no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._runner is not None  # noqa: S101 - it is open
        return int(self._runner.addresses[0][1])

    def _now(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self._clock.now())


def _server_tls(settings: Settings, name: str) -> ssl.SSLContext | None:
    if settings.certificate_file is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate_file, settings.key_file, lambda: b"")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OperatorError(f"{name}.certificate_file: cannot be used: {reason}") from error
    return context
