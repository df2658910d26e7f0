"""Instants in the database: microseconds UTC, the same on every engine, exact and comparable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)


def moment(micros: int) -> datetime:
    """The instant of so many microseconds since 1970, UTC."""
    return _EPOCH + micros * _TICK


def micros(at: datetime) -> int:
    """Microseconds since 1970 of an instant."""
    return (at - _EPOCH) // _TICK


class Instant(TypeDecorator[datetime]):
    """A column of instants."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Into the database."""
        del dialect
        return None if value is None else micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Out of it."""
        del dialect
        return None if value is None else moment(value)
