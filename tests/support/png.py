"""Small images: a screenshot's PNG with the colours that it needs, by the standard library alone.

After the PNG specification, third edition: filters (9), palettes (11.2.2), chunks (5.3).
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {2: 3, 6: 4}
"""Bytes of a pixel, for the colour types that browsers write: with and without transparency."""
_PALETTE: Final = 256
_COARSE: Final = 0xF8
"""Colours that differ in less are one."""

Colour = tuple[int, int, int]


def small(image: bytes) -> bytes:
    """The same picture with at most 256 colours; the most frequent ones stay as they are."""
    width, height, pixels = _read(image)
    counted = Counter(pixels)
    kept = [colour for colour, _ in counted.most_common(_PALETTE)]
    place = {colour: number for number, colour in enumerate(kept)}
    near: dict[Colour, int] = {}
    for colour in counted:
        if colour not in place:
            coarse = tuple(part & _COARSE for part in colour)
            if coarse not in near:
                near[coarse] = min(place.values(), key=lambda one: _apart(kept[one], colour))  # type: ignore[index]
            place[colour] = near[coarse]  # type: ignore[index]
    numbers = bytes(place[colour] for colour in pixels)
    rows = b"".join(b"\0" + numbers[at : at + width] for at in range(0, len(numbers), width))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    table = b"".join(bytes(colour) for colour in kept)
    parts = [(b"IHDR", head), (b"PLTE", table), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(_chunk(name, body) for name, body in parts)


def _apart(one: Colour, other: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunk(name: bytes, body: bytes) -> bytes:
    mark = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", mark)


def _read(image: bytes) -> tuple[int, int, list[Colour]]:
    """Width, height, and the pixels row by row.

    Raises:
        ValueError: not a PNG of the sort that browsers write.
    """
    if not image.startswith(_SIGNATURE):
        raise ValueError("image: not a PNG")
    chunks = list(_chunks(image))
    width, height, depth, sort, _, _, laced = struct.unpack(">IIBBBBB", chunks[0][1])
    if depth != 8 or laced or sort not in _CHANNELS:
        raise ValueError("image: expected 8 bits, colours, not interlaced")
    data = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    channels = _CHANNELS[sort]
    flat = b"".join(_rows(data, width * channels, channels))
    return width, height, list(zip(*(flat[n::channels] for n in range(3)), strict=True))


def _chunks(image: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(image):
        (length,) = struct.unpack_from(">I", image, at)
        yield image[at + 4 : at + 8], image[at + 8 : at + 8 + length]
        at += length + 12


def _rows(data: bytes, length: int, step: int) -> Iterator[bytes]:
    """The rows without their filters."""
    above = bytearray(length)
    for at in range(0, len(data), length + 1):
        row = bytearray(data[at + 1 : at + 1 + length])
        _unfilter(data[at], row, above, step)
        yield bytes(row)
        above = row


def _unfilter(filtered: int, row: bytearray, above: bytearray, step: int) -> None:
    for n in range(len(row)) if filtered else ():
        left = row[n - step] if n >= step else 0
        corner = above[n - step] if n >= step else 0
        guess = (left, above[n], (left + above[n]) // 2)
        told = guess[filtered - 1] if filtered < 4 else _paeth(left, above[n], corner)
        row[n] = (row[n] + told) & 0xFF


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda one: abs(guess - one))
