"""Strict and safe JSON: what two readers could understand differently is refused.

The standard library's reader takes `NaN`, takes the last of two equal keys, makes binary floats
of decimals and dies of deep nesting. Here the first three are refused or exact, and the depth is
known before parsing starts. Errors never quote the input.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from schemas.base import MAX_BYTES
from schemas.deadletter import Reason

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_NUMBER", "Unreadable", "read_object"]

MAX_DEPTH = 64
"""Levels of nesting; an event has three."""
MAX_NUMBER = 40
"""Characters of a number; `schemas.base` allows 18 digits and a short exponent."""

_BOM = b"\xef\xbb\xbf"
# Possessive, so that hostile text (a megabyte of open quotes) costs one pass and no backtracking.
_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class Unreadable(Exception):  # noqa: N818 - a verdict on the input, caught where it is read
    """The text is refused; `reason` says why, `detail` where."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def read_object(data: bytes, limit: int = MAX_BYTES) -> dict[str, Any]:
    """Read one JSON object of at most `limit` bytes, its fractions as `Decimal`.

    Raises:
        Unreadable: with the reason; nothing else is raised for any bytes.
    """
    text = _text(data, limit)
    if _depth(data) > MAX_DEPTH:
        raise Unreadable(Reason.TOO_DEEP, f"more than {MAX_DEPTH} levels of nesting")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Unreadable(
            Reason.MALFORMED_JSON, f"{_plain(error)} at column {error.colno}"
        ) from None
    if not isinstance(value, dict):
        raise Unreadable(Reason.MALFORMED_JSON, "expected an object")
    return value


def _plain(error: json.JSONDecodeError) -> str:
    """The parser's message; a few of them quote a character after a colon."""
    return error.msg.partition(":")[0]


def _text(data: bytes, limit: int) -> str:
    if len(data) > limit:
        raise Unreadable(Reason.TOO_LARGE, f"more than {limit} bytes")
    if not data.strip():
        raise Unreadable(Reason.EMPTY_INPUT, "empty record")
    if data.startswith(_BOM):
        raise Unreadable(Reason.NOT_UTF8, "starts with a byte order mark")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(Reason.NOT_UTF8, f"invalid UTF-8 at byte {error.start}") from None


def _depth(data: bytes) -> int:
    """The deepest nesting, or any small number if there are too few brackets to matter."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return 0
    depth = deepest = 0
    for match in _STRUCTURE.finditer(data):
        first = data[match.start()]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"]}":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Unreadable(Reason.DUPLICATE_KEY, "a field is named twice in one object")
    return result


def _decimal(text: str) -> Decimal:
    if len(text) > MAX_NUMBER:
        raise Unreadable(Reason.NOT_A_NUMBER, f"a number of more than {MAX_NUMBER} characters")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Unreadable(Reason.NOT_A_NUMBER, "a number with an absurd exponent") from None


def _integer(text: str) -> int | Decimal:
    if len(text) > MAX_NUMBER:
        raise Unreadable(Reason.NOT_A_NUMBER, f"a number of more than {MAX_NUMBER} characters")
    return int(text)


def _constant(_: str) -> NoReturn:
    raise Unreadable(Reason.NOT_A_NUMBER, "NaN or Infinity")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=_decimal,
    parse_int=_integer,
    parse_constant=_constant,
)
