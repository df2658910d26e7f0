"""What command lines may be given, for argparse."""

from __future__ import annotations

import argparse


class Whole:
    """A whole number within limits."""

    def __init__(self, low: int, high: int) -> None:
        """Both limits are allowed."""
        self._low, self._high = low, high

    def __call__(self, text: str) -> int:
        """Read it.

        Raises:
            argparse.ArgumentTypeError: it isn't one; argparse says so and ends with 2.
        """
        if not (text.isascii() and text.isdigit() and self._low <= int(text) <= self._high):
            raise argparse.ArgumentTypeError(f"a whole number from {self._low} to {self._high}")
        return int(text)
