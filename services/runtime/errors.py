"""What can go wrong while running, by who must act.

    SalvageError
    ├── OperatorError      settings or surroundings: refuse to start, exit 2, name the setting
    ├── Unavailable        would succeed later: nothing was taken, try again
    └── InvariantBroken    ours: a defect; say so loudly, keep everything else running

A message of these names a setting, a field or a place in our code, never a patient's value.
"""

from __future__ import annotations

import traceback
from pathlib import Path


class SalvageError(Exception):
    """Base of all errors that we raise on purpose."""


class OperatorError(SalvageError):
    """The surroundings are wrong: the person who started us must change something."""


class Unavailable(SalvageError):  # noqa: N818 - a state of the world, not a mistake
    """Something we need is not there now. Nothing was half done; try again later."""


class InvariantBroken(SalvageError):  # noqa: N818 - says what happened
    """A defect of ours."""


def place_of(error: BaseException) -> str:
    """Type of an error and where it was raised, `KeyError at lane.py:41`.

    Its own message is left out: one that we did not write may quote a patient's value.
    """
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
