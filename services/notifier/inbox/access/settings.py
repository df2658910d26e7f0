"""A site's `inbox.yaml`: how browsers reach the inbox, and who lets people in.

Exactly one of an OpenID provider and a local account; the local one on this machine alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, model_validator

from services.notifier.channels.settings import FOLDER, LOOPBACK, File, Part, Seconds, Tls, Url
from services.notifier.inbox.access.roles import Role  # noqa: TC001 - read by pydantic
from services.notifier.roster.model import Name  # noqa: TC001 - read by pydantic
from services.runtime.errors import OperatorError
from services.runtime.yamltext import Mistake, NotYaml, explained, read_yaml

if TYPE_CHECKING:
    import pathlib

FILE_NAME: Final = "inbox.yaml"


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.path not in ("", "/"):
        raise ValueError("expected an address without a path, e.g. https://inbox.hospital.example")
    usual = {"https": 443, "http": 80}[parts.scheme]  # browsers leave it out, and write small
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(f':{usual}')}"


Origin = Annotated[Url, AfterValidator(_origin)]
Claim = Annotated[str, Field(min_length=1, max_length=128)]


class Provider(Part):
    """An OpenID provider.

    Attributes:
        issuer: as its tokens call it; `/.well-known/openid-configuration` stands behind it.
        client: our name there.
        client_secret_file: holds our secret; none: we have only PKCE to prove who asks.
        member_claim: whose value is the member's id in the roster. People must not be able to
            change it themselves.
        groups_claim: whose values are looked up in `roles`.
        roles: of each group its role; who is in none is not let in.
        audience: of access tokens with which programs come; none: they come with the cookie.
    """

    issuer: Url
    client: Claim
    client_secret_file: File | None = None
    scope: str = Field(default="openid profile", pattern=r"^openid( [!#-\[\]-~]+)*$")
    member_claim: Claim = "sub"
    name_claim: Claim = "name"
    groups_claim: Claim = "groups"
    roles: dict[str, Annotated[Role, Field(strict=False)]] = Field(min_length=1)
    audience: Claim | None = None
    timeout: Seconds = 10
    tls: Tls = Tls()


class LocalAccount(Part):
    """One account for one machine; its password stands in `inbox.password`."""

    member: Name
    roles: tuple[Annotated[Role, Field(strict=False)], ...] = Field(min_length=1)


class Officer(Part):
    """Who hears of emergencies at once: a member of the roster, or whoever has a team's duty."""

    member: Name | None = None
    team: Name | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.member is None) is (self.team is None):
            raise ValueError("expected exactly one of `member` and `team`")
        return self


class InboxSettings(Part):
    """The whole file.

    Attributes:
        public: how browsers reach us; `https`, or `http` on this machine.
        certificate_file: our certificate chain; without it another program must end TLS on this
            machine.
        privacy: who is told at once that somebody opened another team's case in an emergency;
            none: it stands on the list that is reviewed.
    """

    public: Origin
    provider: Provider | None = None
    local: LocalAccount | None = None
    certificate_file: File | None = None
    key_file: File | None = None
    privacy: Officer | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.provider is None) is (self.local is None):
            raise ValueError("expected exactly one of `provider` and `local`")
        if self.provider is not None and self.provider.audience == self.provider.client:
            raise ValueError("provider.audience: ID tokens are made for `client`; expected another")
        if self.local is not None and self.host not in LOOPBACK:
            raise ValueError("`local` is for this machine alone; `public` names another")
        if (self.certificate_file is None) is not (self.key_file is None):
            raise ValueError("expected both or none of certificate_file and key_file")
        return self

    @property
    def host(self) -> str:
        """The name in `public`, without the port."""
        return urlsplit(self.public).hostname or ""

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach us by TLS."""
        return self.public.startswith("https:")


def read_settings(path: pathlib.Path) -> InboxSettings:
    """Read the file.

    Raises:
        OperatorError: all its mistakes, by line and column.
    """
    try:
        text = read_yaml(path.read_text(encoding="utf-8"))
        return InboxSettings.model_validate(text.value, context={FOLDER: path.parent.resolve()})
    except NotYaml as error:
        raise OperatorError(str(Mistake(str(path), *error.mark, error.message))) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "expected UTF-8 text"
        raise OperatorError(f"{path}: {reason}") from None
    except ValidationError as error:
        mistakes = sorted(set(explained(error, text, str(path))))
        raise OperatorError("\n".join(map(str, mistakes))) from None
