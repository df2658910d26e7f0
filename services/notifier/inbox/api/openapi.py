"""The API's description as OpenAPI 3.1: from the route table, and the classes of its answers."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter

from services.notifier.inbox.api.table import DESCRIBED

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaMode

    from services.notifier.inbox.api.table import Described

    _Input = tuple[str, JsonSchemaMode, TypeAdapter[Any]]

_REFS: Final = "#/components/schemas/{model}"
_PROBLEM: Final = {
    "type": "object",
    "description": "RFC 9457; `detail` holds nothing of a patient",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
_ABOUT: Final = """\
Reads and deeds of the inbox, with the rights of whoever asks: by an access token of the house's
identity provider, or by the cookie of the pages; with the cookie every POST needs the header
`X-CSRF` with the token of `/me`."""
_KEYS: Final = {
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-inbox"},
}
_REFUSALS: Final = {
    "401": "nobody is signed in",
    "403": "the role may not, or it is another team's case",
    "404": "there is no such case",
    "409": "the case is not as was thought; `detail` says why",
    "503": "the store can't be reached; try again later",
}


@cache
def described() -> dict[str, Any]:
    """The whole document."""
    answers = {one.answer.__name__: one.answer for one in DESCRIBED}
    inputs: list[_Input] = [
        (name, "serialization", TypeAdapter(one)) for name, one in answers.items()
    ]
    _, schemas = TypeAdapter.json_schemas(inputs, ref_template=_REFS)
    paths: dict[str, dict[str, Any]] = {}
    for one in DESCRIBED:
        paths.setdefault(one.route.path, {})[one.route.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "salvage-watch inbox", "version": "1", "description": _ABOUT},
        "paths": paths,
        "security": [{name: []} for name in _KEYS],
        "components": {
            "schemas": {**schemas.get("$defs", {}), "Problem": _PROBLEM},
            "securitySchemes": _KEYS,
        },
    }


def _operation(one: Described) -> dict[str, Any]:
    route = one.route
    found: dict[str, Any] = {
        "summary": (getattr(route.handler, "__doc__", None) or "").partition("\n")[0],
        "parameters": [*_places(route.path), *(_query(*each) for each in one.query.items())],
        "responses": {"200": _answer("the answer", one.answer.__name__), **_refusals()},
    }
    if one.body:
        fields = {name: {"type": "string", "description": said} for name, said in one.body.items()}
        more = {"type": "string", "description": one.more} if one.more else False
        schema = {"type": "object", "properties": fields, "additionalProperties": more}
        found["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return found


def _places(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query(name: str, said: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": said, "schema": {"type": "string"}}


def _answer(said: str, model: str, media: str = "application/json") -> dict[str, Any]:
    schema = {"$ref": _REFS.format(model=model)}
    return {"description": said, "content": {media: {"schema": schema}}}


def _refusals() -> dict[str, Any]:
    problem = "application/problem+json"
    return {status: _answer(said, "Problem", problem) for status, said in _REFUSALS.items()}
