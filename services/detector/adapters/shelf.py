"""The rows of one partition on this machine's disk: the changelog up to some place, and no more.

Nothing is on the shelf that is not in the changelog, and all that is there came in the changelog's
order. So a shelf that is old, or was put back to an earlier time by a crash of the machine, only
has more to read. One that can't be read is thrown away by the operator; none is guessed at.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from rocksdict import BlockBasedOptions, Cache, Options, Rdict, WriteBatch

from services.detector.adapters.rows import counts, head_of
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.detector.adapters.rows import Head

_END: Final = b"\0end"
_PATIENTS: Final = b"\1"
"""Keys of patients begin here, or later: no patient's name has control characters."""
_BLOCK_CACHE: Final = 32 << 20
_WRITE_BUFFER: Final = 16 << 20
"""Bytes for each partition."""


class Shelf:
    """The rows of a partition, in RocksDB.

    end: the offset in the changelog behind the last record that is here.
    """

    def __init__(self, path: Path) -> None:
        """Open it; an empty one is made if none is there.

        Raises:
            OperatorError: it can't be read, or another process has it.
        """
        with _disk():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = Rdict(str(path), _options())
            self.end = int(self._db.get(_END) or 0)

    def close(self) -> None:
        """Let go of it."""
        self._db.close()

    def starting(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Keys and values whose keys begin so.

        Raises:
            OperatorError: it can't be read.
        """
        found = []
        for key, value in self._from(prefix):
            if not key.startswith(prefix):
                break
            found.append((key, value))
        return found

    def newest(self) -> Iterator[tuple[str, Head]]:
        """Of each patient the head of the newest row.

        Raises:
            OperatorError: it can't be read.
        """
        for name, rows in groupby(
            self._from(_PATIENTS), key=lambda one: one[0].partition(b"\0")[0]
        ):
            *_, (_, newest) = rows  # keys go up with the numbers
            yield name.decode(), head_of(newest)

    def add(self, offset: int, key: bytes, value: bytes) -> None:
        """Take over a record of the changelog; they come in its order, each once.

        Raises:
            OperatorError: it can't be written.
        """
        batch = WriteBatch(raw_mode=True)
        if counts(self.starting, key):
            batch.put(key, value)
        batch.put(_END, b"%d" % (offset + 1))
        with _disk():
            self._db.write(batch)
        self.end = offset + 1

    def _from(self, begin: bytes) -> Iterator[tuple[bytes, bytes]]:
        with _disk():
            place = self._db.iter()
            place.seek(begin)
        while True:
            with _disk():
                if not place.valid():
                    place.status()  # raises, unless it is only the end
                    return
                item = bytes(place.key()), bytes(place.value())
                place.next()
            yield item


def _options() -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(True)  # noqa: FBT003 - theirs
    options.set_write_buffer_size(_WRITE_BUFFER)
    options.set_max_open_files(256)
    options.set_keep_log_file_num(2)
    table = BlockBasedOptions()
    table.set_block_cache(Cache(_BLOCK_CACHE))
    table.set_bloom_filter(10, block_based=False)
    options.set_block_based_table_factory(table)
    return options


@contextmanager
def _disk() -> Iterator[None]:
    """Say what is wrong with the disk, and what to do.

    Raises:
        OperatorError: something is.
    """
    try:
        yield
    except (GeneratorExit, StopIteration):
        raise
    except Exception as error:
        raise OperatorError(f"--data: {_advice(error)}") from error


def _advice(error: Any) -> str:
    told = str(error)  # RocksDB's; it names files, and never what is in them
    if "No space left" in told:
        return "the disk is full; make room and start again"
    if re.search(r"\block\b", told):
        return "another process uses the folder; each needs one of its own"
    if "Permission denied" in told or "Read-only" in told:
        return "the folder can't be written"
    return "what is on the disk is damaged; remove the folder and start again, Kafka has it all"
