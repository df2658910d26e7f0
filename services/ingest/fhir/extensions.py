"""Our own extensions: what R4 has no element for (docs/fhir-conventions.md).

`urn:salvage-watch:treatment`, `urn:salvage-watch:imaging-verdict` and their parts carry the fields
of the canonical events under their names with hyphens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.ingest.fhir.elements import OURS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from services.ingest.fhir.elements import Element


def parts(resource: Element, name: str) -> list[Element] | None:
    """The parts of one of our extensions; None if the resource doesn't have it.

    Raises:
        Refused: it is malformed.
    """
    for extension in resource.many("extension"):
        if extension.text("url") == f"{OURS}:{name}":
            return extension.many("extension")
    return None


def value_of(resource: Element, name: str) -> str | None:
    """The text of one of our simple extensions."""
    for extension in resource.many("extension"):
        if extension.text("url") == f"{OURS}:{name}":
            return extension.text("valueString")
    return None


def fields_of(
    given: list[Element], names: Mapping[str, str], lists: frozenset[str]
) -> Iterator[tuple[str, Any]]:
    """The fields that the parts of an extension give.

    Args:
        given: the parts.
        names: name of a part to the name of our field.
        lists: our fields that hold several values, one a part.

    Raises:
        Refused: a number that is none.
    """
    for part, field in names.items():
        own = [each for each in given if each.text("url") == f"{OURS}:{part}"]
        values = [value for value in map(_value, own) if value is not None]
        if values:
            yield field, tuple(values) if field in lists else values[0]


def _value(part: Element) -> Any:
    if "valueInteger" in part:
        number = part.number("valueInteger")
        return int(number) if number is not None and number % 1 == 0 else number
    return part.number("valueDecimal") if "valueDecimal" in part else part.text("valueString")
