"""What was asked, read once and bounded; and what is answered, before it is HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from services.notifier.inbox.access.people import Identity, Person
    from services.notifier.inbox.reading.contract import Page
    from services.notifier.inbox.web.visits import Visit
    from services.notifier.store.intake import Given

LARGEST: Final = 64 * 1024
_MOST_FIELDS: Final = 40
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"


class Halt(Exception):  # noqa: N818 - a verdict
    """It can't be answered; `why` is for the person who asked, and holds nothing of a patient."""

    def __init__(self, status: int, title: str, why: str) -> None:
        super().__init__(why)
        self.status, self.title, self.why = status, title, why


@dataclass(frozen=True, slots=True)
class Call:
    """A request.

    Attributes:
        places: what stands in the path, by the route's names.
        form: the fields of a form, or of a JSON object of texts.
        headers: by their names in small letters.
        vouched: of a program, for whom the identity provider's token vouches.
    """

    method: str
    path: str
    places: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    cookies: Mapping[str, str]
    headers: Mapping[str, str]
    vouched: Identity | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A page, or for the API what would be on it."""

    name: str
    view: Page
    status: int = 200
    cookies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Went:
    """On to another page of ours; cookies to be set, and those to be ended by an empty value."""

    url: str
    cookies: Mapping[str, str] = field(default_factory=dict)
    forget: bool = False


@dataclass(frozen=True, slots=True)
class Data:
    """A value for programs."""

    value: Any
    status: int = 200


@dataclass(frozen=True, slots=True)
class Submit:
    """A command, to be carried out in a transaction of its own.

    Attributes:
        done: the answer if it was.
        refused: makes the answer if it was not, of the case as it is then.
    """

    given: Given
    done: Reply
    refused: Callable[[Visit, str], Reply]


@dataclass(frozen=True, slots=True)
class Listen:
    """A stream of what changes.

    Attributes:
        person: whose cases.
        since: number of the last event that they had; None at first.
    """

    person: Person
    since: int | None


@dataclass(frozen=True, slots=True)
class Later:
    """An answer that is made when our own transaction has ended: others are asked for it."""

    make: Callable[[], Reply]


Reply = Shown | Went | Data | Submit | Listen | Later


async def read(request: Request, *, json_body: bool) -> Call:
    """Read a request.

    Raises:
        Halt: it is too large, or not of the form that we read.
    """
    form: Mapping[str, str] = {}
    if request.method not in ("GET", "HEAD"):
        form = _fields(request, await _body(request), json_body=json_body)
    return Call(
        method=request.method,
        path=request.url.path,
        places={name: str(value) for name, value in request.path_params.items()},
        query=dict(request.query_params),
        form=form,
        cookies=request.cookies,
        headers=dict(request.headers),
    )


async def _body(request: Request) -> bytes:
    held = bytearray()
    async for chunk in request.stream():
        held += chunk
        if len(held) > LARGEST:
            raise Halt(413, "Too large", "The request is larger than any form of ours.")
    return bytes(held)


def _fields(request: Request, body: bytes, *, json_body: bool) -> Mapping[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != (JSON if json_body else FORM) and (body or kind):
        raise Halt(415, "Not a form", f"Expected {JSON if json_body else FORM}.")
    try:
        return _object(body) if json_body else _pairs(body)
    except (ValueError, UnicodeDecodeError):
        raise Halt(400, "Not a form", "The fields can't be read.") from None


def _pairs(body: bytes) -> dict[str, str]:
    text = body.decode("ascii")
    found = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    return {name: value.replace("\r\n", "\n") for name, value in found}


def _object(body: bytes) -> dict[str, str]:
    found = json.loads(body) if body else {}
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise ValueError("expected an object of texts")
    return found
