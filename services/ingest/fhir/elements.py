"""One element of a resource: typed access to what was decoded; a refusal names the place.

The reading is narrow: only what a rule needs is looked at, and only that has to be well formed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.base import parse_number
from schemas.deadletter import Reason
from services.ingest.coding import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal

OURS = "urn:salvage-watch"
"""Prefix of our own systems and extensions (docs/fhir-conventions.md)."""


class Element:
    """A JSON object at a place of a document."""

    __slots__ = ("_fields", "place")

    def __init__(self, fields: Mapping[str, Any], place: str) -> None:
        self._fields = fields
        self.place = place

    def __contains__(self, name: str) -> bool:
        return self._fields.get(name) is not None

    def names(self) -> Iterator[str]:
        """The names of the fields that say something."""
        return (name for name, value in self._fields.items() if value is not None)

    def raw(self, name: str) -> Any:
        """A field as it was decoded; None if there is none."""
        return self._fields.get(name)

    def where(self, name: str) -> str:
        """How to name a field of this element."""
        return f"{self.place}.{name}"

    def text(self, name: str) -> str | None:
        """A field's text without spaces around it; None if there is none.

        Raises:
            Refused: it is something else.
        """
        value = self._fields.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise Refused(Reason.BAD_FIELD, "expected text", self.where(name))
        return value.strip() or None

    def need(self, name: str) -> str:
        """A field's text.

        Raises:
            Refused: there is none.
        """
        found = self.text(name)
        if found is None:
            raise Refused(Reason.MISSING_FIELD, "empty", self.where(name))
        return found

    def title(self, name: str) -> str | None:
        """A text for people: on one line, cut to fit, never a reason to refuse anything."""
        value = self._fields.get(name)
        if not isinstance(value, str):
            return None
        return " ".join("".join(filter(_is_visible, value)).split())[:256] or None

    def boolean(self, name: str) -> bool | None:
        """A field's truth value.

        Raises:
            Refused: it is something else.
        """
        value = self._fields.get(name)
        if value is not None and not isinstance(value, bool):
            raise Refused(Reason.BAD_FIELD, "expected true or false", self.where(name))
        return value

    def number(self, name: str) -> Decimal | None:
        """A field's exact number, with all its digits.

        Raises:
            Refused: it is text, or no number that a laboratory reports.
        """
        value = self._fields.get(name)
        if value is None:
            return None
        if isinstance(value, str):
            raise Refused(Reason.NOT_A_NUMBER, "text instead of a number", self.where(name))
        try:
            return parse_number(value)
        except ValueError as error:
            raise Refused(Reason.NOT_A_NUMBER, str(error), self.where(name)) from None

    def one(self, name: str) -> Element | None:
        """A field's element.

        Raises:
            Refused: it is something else.
        """
        value = self._fields.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise Refused(Reason.BAD_FIELD, "expected an object", self.where(name))
        return Element(value, self.where(name))

    def many(self, name: str) -> list[Element]:
        """A field's elements; a lone one counts as a list of one (`identifier` is both in R4).

        Raises:
            Refused: there is something else among them.
        """
        value = self._fields.get(name)
        if isinstance(value, dict):
            return [Element(value, self.where(name))]
        if value is not None and not isinstance(value, list):
            raise Refused(Reason.BAD_FIELD, "expected a list", self.where(name))
        found = []
        for at, item in enumerate(value or ()):
            if not isinstance(item, dict):
                raise Refused(Reason.BAD_FIELD, "expected objects", self.where(name))
            found.append(Element(item, f"{self.where(name)}[{at}]"))
        return found

    def references(self, name: str) -> list[str]:
        """The addresses in a list of References; what is no address is left out."""
        listed = self._fields.get(name)
        items = listed if isinstance(listed, list) else [listed]
        found = (item.get("reference") for item in items if isinstance(item, dict))
        return [address for address in found if isinstance(address, str)]

    def extension(self, *endings: str) -> Element | None:
        """The first extension whose address is, or ends with, one of these."""
        for found in self.many("extension"):
            if (found.text("url") or "").endswith(endings):
                return found
        return None


def profiles(resource: Element) -> list[str]:
    """The profiles that a resource claims, each by the last part of its address."""
    meta = resource.raw("meta")
    listed = meta.get("profile") if isinstance(meta, dict) else None
    found = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    return [name.rpartition("/")[2].partition("|")[0] for name in found]


def _is_visible(sign: str) -> bool:
    return sign >= " " and sign != "\x7f"
