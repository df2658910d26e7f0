"""What is published, written to a file: a JSON object a line, on disk before it counts as told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from services.runtime.errors import OperatorError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from schemas.base import Message


class Published:
    """Appends messages. After a crash the last ones may stand there twice, with the same ids."""

    def __init__(self, path: Path, option: str = "--actions") -> None:
        """Open the file, which an option names; a line that a crash cut off is ended.

        Raises:
            OperatorError: it can't be written.
        """
        try:
            self._file = os.fdopen(os.open(path, os.O_CREAT | os.O_RDWR, 0o600), "r+b")
        except OSError as error:
            raise OperatorError(f"{option}: {error.strerror or 'cannot be written'}") from None
        self._option = option
        if self._file.seek(0, os.SEEK_END):
            self._file.seek(-1, os.SEEK_END)
            if self._file.read(1) != b"\n":
                self._file.write(b"\n")

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def __call__(self, messages: Sequence[Message]) -> None:
        """Append messages.

        Raises:
            Unavailable: it is not known whether they are there.
        """
        try:
            self._file.write(b"".join(one.to_json() + b"\n" for one in messages))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise Unavailable(f"{self._option}: {error.strerror or 'cannot be written'}") from error
