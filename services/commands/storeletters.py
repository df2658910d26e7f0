"""`salvage deadletters --data`: the letters of the embedded runtime's store."""

from __future__ import annotations

import json
import sys
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Final

from services.commands.chosen import chosen_rules
from services.commands.letterlines import (
    count_fields,
    count_lines,
    letter_fields,
    line_of,
    place_fields,
    replay_fields,
    replay_lines,
)
from services.detector.language.errors import RuleErrors
from services.embedded.deadletters import letters_of, replay
from services.embedded.letters import Choice
from services.embedded.rereading import reread
from services.ingest.profiles.files import load_sources
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from services.detector.engine.rule import CompiledRule

NAME: Final = "salvage deadletters"
_OF_TOPICS: Final = {"topic": "--topic", "ids": "ID", "again": "--again", "by": "--by"}


def _choice_of(args: argparse.Namespace) -> Choice:
    for name, told in _OF_TOPICS.items():
        if getattr(args, name, None):
            raise OperatorError(f"{told}: only with --kafka")
    reasons, resolved = frozenset(args.reason), getattr(args, "all", False)
    return Choice(reasons, args.source, args.since, resolved=resolved)


# ---------------------------------------------------------------- list, count


def run_list(args: argparse.Namespace) -> None:
    """List the letters."""
    choice = _choice_of(args)
    found = letters_of(args.data).chosen(choice)
    if args.json:
        print(json.dumps({"dead_letters": [letter_fields(one) for one in found]}))
        return
    for one in found:
        print(line_of(one))
    print(f"{len(found)} dead letters")


def run_count(args: argparse.Namespace) -> None:
    """Count the letters by reason and source."""
    choice = _choice_of(args)
    letters = letters_of(args.data)
    heaps = letters.heaps(choice)
    kept = Counter((one.reason, one.source) for one in letters.unevaluated(choice))
    now = SystemClock().now()
    if args.json:
        print(json.dumps(count_fields(heaps, kept, now)))
    else:
        print("\n".join(count_lines(heaps, kept, now)))


# ---------------------------------------------------------------- show


def run_show(args: argparse.Namespace) -> None:
    """Show one letter; with `--raw` its bytes."""
    letters = letters_of(args.data)
    choice = Choice(frozenset(args.reason), args.source, resolved=True, id=args.id)
    found = letters.chosen(choice, raw=args.raw)
    if len(found) != 1:
        raise OperatorError("id: no letter begins so" if not found else "id: several begin so")
    if args.raw:
        kept = letters.raw(found[0].letter)
        print(f"{NAME}: what follows is a patient's data", file=sys.stderr)
        sys.stdout.buffer.write(found[0].letter.raw_bytes() if kept is None else kept.raw)
        sys.stdout.buffer.flush()
        return
    about = letter_fields(found[0]) | place_fields(found[0].letter.where)
    about["meaning"] = found[0].letter.reason.sentence
    if args.json:
        print(json.dumps(about))
        return
    for name, value in about.items():
        print(f"{name}: {'-' if value is None else value}")


# ---------------------------------------------------------------- replay


def run_replay(args: argparse.Namespace) -> None:
    """Read letters again, and put what they say into the timeline."""
    choice, sources = _choice_of(args), load_sources(args.profile, args.sources)
    findings = reread(letters_of(args.data), choice, sources)
    taken = None
    if not args.dry_run:
        rules = partial(_compiled, args.site)
        taken = replay(args.data, findings, rules, SystemClock(), wait=args.wait)
    if args.json:
        print(json.dumps(replay_fields(findings, taken)))
    else:
        print("\n".join(replay_lines(findings, taken)))


def _compiled(site: Path | None) -> tuple[CompiledRule, ...]:
    try:
        return chosen_rules(None, site)
    except RuleErrors as error:
        raise OperatorError(str(error)) from error
    except OSError as error:
        raise OperatorError(f"--site: {error.strerror or type(error).__name__}") from error


# ---------------------------------------------------------------- drop


def run_drop(args: argparse.Namespace) -> None:
    """Refuse: a store's letters are open until something becomes of them."""
    del args
    raise OperatorError("drop: only with --kafka")
