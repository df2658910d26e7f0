"""`email`: messages as plain text by SMTP.

    250 after the content                 delivered
    421, 450 and every other 4xx          temporary
    550 and every other 5xx               permanent
    cut or no answer after the content    unknown

The addresses of a person are tried in their order; the first that is accepted gets the message.
`Message-ID` is made of the idempotency key, so a repeat is one message to many a mailbox, and a
correction is an answer to what it corrects. Nobody's out-of-office note answers it.

Sources: RFC 5321 for replies (4.2.1) and for responsibility after the content (4.5.3.2.6, 6.1);
RFC 3834 for `Auto-Submitted` (H).
"""

from __future__ import annotations

from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP as LINES
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final, Literal, Self

import aiosmtplib
from pydantic import Field, model_validator

from services.notifier.cases.words import Channel as Strength
from services.notifier.channels.attempts import attempt
from services.notifier.channels.carrier import Carrier
from services.notifier.channels.contract import Outcome, delivered, permanent, temporary
from services.notifier.channels.settings import (
    LOOPBACK,
    CarrierSettings,
    Carries,
    File,
    Host,
    MailAddress,
    Port,
    Tls,
    is_mail_address,
    read_secret,
)

if TYPE_CHECKING:
    import ssl
    from datetime import timedelta

    from services.notifier.channels.attempts import Progress
    from services.notifier.channels.contract import Message

_PORTS: Final = {"starttls": 587, "implicit": 465, "none": 25}
_LEAVING: Final = 0.1
"""The part of an attempt's time that is kept for leaving in good order."""
_TEMPORARY, _PERMANENT, _NONE = 400, 500, 600


class Settings(CarrierSettings):
    """Its section.

    Attributes:
        encryption: `starttls` after the greeting, `implicit` from the first byte; `none` only on
            this machine.
        port: default 587, 465 or 25, by `encryption`.
        sender: whom the messages are from, and who gets the bounces.
    """

    type: Literal["email"]
    carries: Carries = frozenset({Strength.DIGEST, Strength.MESSAGE})
    host: Host
    port: Port | None = None
    encryption: Literal["starttls", "implicit", "none"] = "starttls"
    tls: Tls = Tls()
    user: str | None = Field(default=None, min_length=1, max_length=256)
    password_file: File | None = None
    sender: MailAddress

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.user is None) is not (self.password_file is None):
            raise ValueError("user, password_file: both or neither")
        if self.encryption == "none" and self.host not in LOOPBACK:
            raise ValueError("encryption: none is for this machine alone")
        return self

    def channel(self, name: str) -> Email:
        """The channel."""
        return Email(name, self)


class Email(Carrier):
    """The channel."""

    def __init__(self, name: str, settings: Settings) -> None:
        """Wire.

        Args:
            name: what the site calls it.
            settings: its section.
        """
        super().__init__(name, settings)
        self._settings = settings
        self._password: str | None = None
        self._tls: ssl.SSLContext

    async def open(self) -> None:
        """Read the password.

        Raises:
            OperatorError: it, or a certificate, can't be used.
        """
        if self._settings.password_file is not None:
            setting = f"{self.name}.password_file"
            self._password = read_secret(self._settings.password_file, setting)
        self._tls = self._settings.tls.context(self.name)

    async def close(self) -> None:
        """Every message has a connection of its own; none is left."""

    async def send(self, message: Message) -> Outcome:
        """Try once."""
        if not any(map(is_mail_address, message.addresses)):
            return permanent("no-address")
        server = self._server()

        async def post(progress: Progress) -> Outcome:
            try:
                await server.connect()
                return await self._hand_over(server, message, progress)
            except aiosmtplib.SMTPResponseException as error:
                return refused(error.code)
            except OSError:  # among the library's own are those of the connection
                raise
            except aiosmtplib.SMTPException:
                return permanent("smtp-not-supported")

        try:
            return await attempt(self.timeout * (1 - _LEAVING), post)
        finally:
            await _leave(server, self.timeout * _LEAVING)

    def _server(self) -> aiosmtplib.SMTP:
        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port or _PORTS[settings.encryption],
            use_tls=settings.encryption == "implicit",
            start_tls=settings.encryption == "starttls",
            tls_context=None if settings.encryption == "none" else self._tls,
            username=settings.user,
            password=self._password,
            local_hostname=_domain(settings.sender),
            timeout=settings.timeout,
        )

    async def _hand_over(
        self, server: aiosmtplib.SMTP, message: Message, progress: Progress
    ) -> Outcome:
        await server.mail(self._settings.sender, encoding="ascii")
        address = await _accepted(server, message)
        if isinstance(address, Outcome):
            return address
        progress.left = True
        await server.data(composed(message, self._settings.sender, address).as_bytes())
        return delivered(message_id(message.key, self._settings.sender))


async def _leave(server: aiosmtplib.SMTP, limit: timedelta) -> None:
    """Say goodbye, if somebody listens (RFC 5321, 4.1.1.10). It changes nothing any more."""
    with suppress(aiosmtplib.SMTPException, OSError):
        if server.is_connected:
            await server.quit(timeout=limit.total_seconds())
    server.close()


async def _accepted(server: aiosmtplib.SMTP, message: Message) -> str | Outcome:
    """The first address that the server takes; else why it takes none, and whether it might."""
    codes: list[int] = []
    for address in filter(is_mail_address, message.addresses):
        try:
            await server.rcpt(address, encoding="ascii")
        except aiosmtplib.SMTPRecipientRefused as error:
            codes.append(error.code)
        else:
            return address
    return refused(min(codes))


def refused(code: int) -> Outcome:
    """What a reply means that is no success.

    Raises:
        ConnectionError: it is no reply of SMTP's.
    """
    if not _TEMPORARY <= code < _NONE:
        raise ConnectionError("not SMTP")
    reason = f"smtp-{code}"
    return permanent(reason) if code >= _PERMANENT else temporary(reason)


def message_id(key: str, sender: str) -> str:
    """The name of a message among all the world's."""
    return f"<{key}@{_domain(sender)}>"


def composed(message: Message, sender: str, address: str) -> EmailMessage:
    """The message as it is sent."""
    mail = EmailMessage(policy=LINES)
    mail["From"] = sender
    mail["To"] = address
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = message_id(message.key, sender)
    mail["Auto-Submitted"] = "auto-generated"
    if message.corrects:
        earlier = [message_id(key, sender) for key in message.corrects]
        mail["In-Reply-To"] = earlier[-1]
        mail["References"] = " ".join(earlier)
    mail.set_content(message.text, cte="quoted-printable")
    return mail


def _domain(address: str) -> str:
    return address.rpartition("@")[2]
