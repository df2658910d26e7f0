"""`--source` and `--sources`: the senders' profiles, for every command that reads messages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.ingest.profiles.files import load_sources

if TYPE_CHECKING:
    import argparse

    from services.ingest.profiles.sources import Sources


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add both; `sources_of` gives what they say."""
    add = parser.add_argument_group("senders (docs/sources.md)").add_argument
    about = "a source profile; repeatable. Chosen by the sending system of each message"
    add("--source", action="append", default=[], type=Path, metavar="FILE", help=about)
    add("--sources", type=Path, metavar="DIR", help="a folder of source profiles, *.yaml")


def sources_of(args: argparse.Namespace) -> Sources:
    """The sources that the options declare; none without them.

    Raises:
        BadProfiles: all mistakes in the profiles.
    """
    return load_sources(args.source, args.sources)
