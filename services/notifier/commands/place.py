"""Where the care team's pages are served: an option, for whoever has it, without their packages."""

from __future__ import annotations

import argparse
from typing import Final, NamedTuple

_HOST: Final = "127.0.0.1"
_MOST: Final = 65_535


class Place(NamedTuple):
    """Where to listen."""

    host: str
    port: int


def inbox_option(parser: argparse.ArgumentParser) -> None:
    """Add `--serve-inbox`."""
    about = "serve the care team's pages there, as the site's inbox.yaml says"
    parser.add_argument("--serve-inbox", type=_place, metavar="[HOST:]PORT", help=about)


def _place(text: str) -> Place:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > _MOST:
        raise argparse.ArgumentTypeError("expected PORT or HOST:PORT")
    return Place(host.strip("[]") or _HOST, int(port))
