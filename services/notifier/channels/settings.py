"""What the settings of all channels have in common.

Laws of this file: unknown keys are refused; a secret is never in the settings, only the name of a
file that holds it; what goes over a network is encrypted, unless it stays on this machine.
"""

from __future__ import annotations

import re
import ssl
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from services.notifier.cases.words import Channel as Strength
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.notifier.channels.contract import Channel
    from services.notifier.channels.service import Service

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
FOLDER: Final = "folder"
"""Key of the validation context: where relative names of files begin."""
LARGEST_SECRET: Final = 64 * 1024
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|[0-9A-Fa-f:]+")
_MAIL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}")


def _file(value: object, info: ValidationInfo) -> Path:
    text = str(value)
    if not text or any(ord(sign) < ord(" ") for sign in text):
        raise ValueError("expected the name of a file")
    return Path((info.context or {}).get(FOLDER, "."), text)


def _url(value: object, info: ValidationInfo) -> str:
    text = str(value)
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("expected an address that begins with https://") from None
    if parts.scheme not in ("https", "http") or not host or not text.isprintable():
        raise ValueError("expected an address that begins with https://")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("an address with a user, a query or a fragment may hold a secret")
    if parts.scheme == "http" and host not in LOOPBACK and not info.data.get("plaintext"):
        raise ValueError("http is for this machine alone; expected https")
    return text


def _host(value: object) -> str:
    if not _HOST.fullmatch(str(value)):
        raise ValueError("expected the name or the address of a machine")
    return str(value)


def _mail_address(value: object) -> str:
    if not is_mail_address(str(value)):
        raise ValueError("expected an e-mail address, e.g. salvage-watch@hospital.example")
    return str(value)


def is_mail_address(text: str) -> bool:
    """Whether it is an address in plain ASCII, without name or comment."""
    return _MAIL.fullmatch(text) is not None


File = Annotated[Path, BeforeValidator(_file)]
Url = Annotated[str, BeforeValidator(_url)]
Host = Annotated[str, BeforeValidator(_host)]
MailAddress = Annotated[str, BeforeValidator(_mail_address)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Seconds = Annotated[float, Field(ge=0.1, le=120)]
Carries = Annotated[frozenset[Strength], Field(min_length=1)]


class Part(BaseModel):
    """Base of every part of the settings: closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Tls(Part):
    """How we know a peer, and how it knows us.

    Attributes:
        authorities_file: who signs the peer's certificate; else the machine's own list.
        certificate_file: our certificate chain, where the peer wants one.
    """

    authorities_file: File | None = None
    certificate_file: File | None = None
    key_file: File | None = None

    def context(self, setting: str) -> ssl.SSLContext:
        """TLS 1.2 or newer, the peer's name and certificate checked.

        Args:
            setting: whose settings these are, for the error.

        Raises:
            OperatorError: a file can't be used.
        """
        try:
            context = ssl.create_default_context(cafile=self.authorities_file)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.certificate_file is not None:
                # An encrypted key must fail here, and not wait for somebody at a terminal.
                context.load_cert_chain(self.certificate_file, self.key_file, lambda: b"")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise OperatorError(f"{setting}.tls: cannot be used: {reason}") from error
        return context


class Settings(Part):
    """One section of the channels' file."""

    type: str
    timeout: Seconds = Field(default=20, description="seconds that one attempt may last")


class ChannelSettings(Settings, ABC):
    """A channel that carries messages."""

    @abstractmethod
    def channel(self, name: str) -> Channel:
        """The channel, not yet open.

        Args:
            name: what the site calls it.
        """


class CarrierSettings(ChannelSettings):
    """A channel that tells people."""

    carries: Carries = Field(description="classes of notices")


class ServiceSettings(Settings, ABC):
    """Something that is asked and sends nothing by itself."""

    @abstractmethod
    def service(self, name: str) -> Service:
        """The service, not yet open."""


def read_secret(path: Path, setting: str) -> str:
    """What a file holds, without the line's end.

    Args:
        path: the file.
        setting: that names it, for the error.

    Raises:
        OperatorError: it can't be read, is empty, or holds more than one line.
    """
    try:
        if path.stat().st_size > LARGEST_SECRET:
            raise OperatorError(f"{setting}: larger than a secret is")
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise OperatorError(f"{setting}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise OperatorError(f"{setting}: expected UTF-8 text") from None
    if not text or not text.isprintable():
        raise OperatorError(f"{setting}: expected one line with the secret")
    return text


def authority_of(patient_id: str, systems: Mapping[str, str]) -> tuple[str, str] | None:
    """A patient's identifier elsewhere: the system of its authority, and the number.

    Args:
        patient_id: with its assigning authority, `HOSP|12345`.
        systems: of each authority the identifier system (a URI).

    Returns:
        None if the authority is not among them: whose number it is must not be guessed.
    """
    authority, bar, number = patient_id.partition("|")
    system = systems.get(authority)
    return (system, number) if bar and number and system else None
