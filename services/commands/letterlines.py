"""Dead letters and replays: lines for people, fields for programs, nothing of a patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.detector.engine.instants import moment
from services.ingest.journal import FILE_NAME as JOURNAL

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence

    from schemas.deadletter import Where
    from services.embedded.deadletters import Taken
    from services.embedded.letters import Heap, Kept
    from services.embedded.rereading import Findings

Counts = dict[tuple[str, str], int]
"""Results by reason and source."""
SHORT: Final = 12
"""Characters of an id that people are shown; `show` takes as many or more."""


def line_of(one: Kept) -> str:
    """A letter on one line."""
    letter = one.letter
    times = f"{one.times} times" if one.times > 1 else "once"
    told = letter.part is None or letter.part in letter.detail
    what = letter.detail if told else f"{letter.part}: {letter.detail}"
    state = ("resolved",) if one.resolved is not None else ()
    about = (letter.id[:SHORT], when(one.received), letter.reason, letter.source)
    return "  ".join((*about, times, what, *state))


def letter_fields(one: Kept) -> dict[str, Any]:
    """A letter without its bytes and its file's name."""
    letter = one.letter
    return {
        "id": letter.id,
        "reason": letter.reason,
        "source": letter.source,
        "received_at": when(one.received),
        "times": one.times,
        "part": letter.part,
        "detail": letter.detail,
        "size": letter.raw_size,
        "resolved_at": None if one.resolved is None else when(one.resolved),
    }


def count_fields(heaps: Sequence[Heap], kept: Counts, now: int) -> dict[str, Any]:
    """How many letters by reason and source, how old; and what is kept and can't be evaluated."""
    oldest = min((one.oldest for one in heaps), default=None)
    return {
        "count": sum(one.count for one in heaps),
        "oldest": None if oldest is None else when(oldest),
        "age_seconds": None if oldest is None else _seconds(oldest, now),
        "heaps": [_heap_fields(one) for one in heaps],
        "not_evaluated": [
            {"reason": reason, "source": source, "count": count}
            for (reason, source), count in sorted(kept.items())
        ],
    }


def count_lines(heaps: Sequence[Heap], kept: Counts, now: int) -> Iterator[str]:
    """The same for people; the last line has always this form (docs/sources.md)."""
    for one in heaps:
        yield f"{one.count:>6}  {one.reason}  {one.source}  oldest {when(one.oldest)}"
    for (reason, source), count in sorted(kept.items()):
        yield f"{count:>6}  {reason}  {source}  results that are kept and can't be evaluated"
    total = sum(one.count for one in heaps)
    oldest = min((one.oldest for one in heaps), default=now)
    yield f"{total} dead letters" + (f", the oldest {_age(_seconds(oldest, now))}" if heaps else "")


def _seconds(oldest: int, now: int) -> int:
    return max(0, now - oldest) // 1_000_000


def _heap_fields(one: Heap) -> dict[str, Any]:
    ends = {"oldest": when(one.oldest), "newest": when(one.newest)}
    return {"reason": one.reason, "source": one.source, "count": one.count} | ends


def when(microseconds: int) -> str:
    """An instant, UTC, to the second."""
    return moment(microseconds).isoformat(timespec="seconds").replace("+00:00", "Z")


def _age(seconds: int) -> str:
    """In the largest unit of which there are two."""
    for name, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {name} old"
    return f"{seconds} seconds old"


def place_fields(where: Where) -> dict[str, Any]:
    """Where it stood; the name of a file is left out, as some are named after people."""
    if where.topic is not None:
        return {"topic": where.topic, "partition": where.partition, "offset": where.offset}
    return {"journal_entry" if where.file == JOURNAL else "line": where.line}


def replay_fields(found: Findings, taken: Taken | None) -> dict[str, Any]:
    """What a replay did; `taken` is None of a dry run."""
    return {
        "letters": found.letters,
        "closed": found.closed,
        "facts": found.facts,
        "known": found.known,
        "still_refused": dict(sorted(found.refused.items())),
        "not_replayable": _counted(found.untried),
        "dry_run": taken is None,
        "state": None if taken is None else taken.value,
    }


def replay_lines(found: Findings, taken: Taken | None) -> Iterator[str]:
    """The last line has always this form (docs/sources.md)."""
    would = "would become" if taken is None else "become"
    yield f"{found.letters} letters read again; {found.closed} of them {would} resolved"
    yield f"facts: {found.facts} new, {found.known} known before"
    for reason, count in sorted(found.refused.items()):
        yield f"still refused: {reason}: {count}"
    for reason, count in _counted(found.untried).items():
        yield f"not replayable, to be sent again: {reason}: {count}"
    still, state = found.refused.total(), "dry run" if taken is None else taken.value
    yield f"{state}: {found.facts} facts, {found.closed} resolved, {still} still refused"


def _counted(counts: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}
