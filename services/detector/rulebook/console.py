"""`salvage rules`: the rulebook listed, checked, tested, challenged and released."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detector.rulebook.commands import checking, listing, locking, mutating, testing

if TYPE_CHECKING:
    from services.detector.rulebook.commands.common import Commands


def register(subparsers: Commands) -> Commands:
    """Add `rules` and its subcommands; each sets `run`, a function of the parsed arguments.

    Returns:
        The subcommands, so that others can be added.
    """
    rules = subparsers.add_parser("rules", help="list, check and test the rulebook")
    commands = rules.add_subparsers(dest="rules_command", required=True, metavar="COMMAND")
    for each in (listing, checking, testing, mutating, locking):
        each.register(commands)
    return commands
