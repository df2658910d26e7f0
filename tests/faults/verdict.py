"""What was published against what should have been."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.alerts import AlertRevision

if TYPE_CHECKING:
    from collections.abc import Iterable

Name = tuple[str, int]
"""An alert, and the number of a revision."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the two differ.

    Attributes:
        alerts: how many there should be.
        lost: alerts whose last record is not the last revision: missing, older, or other words.
        invented: revisions that should not be, by number or by content.
        duplicates: records that repeat one that was there before.
        late: records that came after a newer revision of their alert, and repeat an older one.
    """

    alerts: int
    lost: tuple[str, ...]
    invented: tuple[Name, ...]
    duplicates: int
    late: int

    @property
    def good(self) -> bool:
        """Whether nothing was lost or invented."""
        return not self.lost and not self.invented

    def line(self, **counts: int) -> str:
        """The last line of a run."""
        said = {
            "alerts": self.alerts,
            "lost": len(self.lost),
            "invented": len(self.invented),
            "duplicates": self.duplicates,
            **counts,
        }
        return " ".join(f"{name}={count}" for name, count in said.items())


def judge(expected: Iterable[AlertRevision], published: Iterable[bytes | None]) -> Verdict:
    """Compare.

    Args:
        expected: every revision of every alert, as a replay says them.
        published: values of the topic's records; those of one alert in their order.
    """
    right = {(one.alert_id, one.revision): one.to_json() for one in expected}
    newest: dict[str, int] = {}
    for alert_id, number in right:
        newest[alert_id] = max(number, newest.get(alert_id, 0))
    seen: dict[Name, set[bytes]] = {}
    last: dict[str, tuple[int, bytes]] = {}
    duplicates = late = 0
    for value in published:
        revision = AlertRevision.model_validate_json(value or b"")
        text, name = revision.to_json(), (revision.alert_id, revision.revision)
        duplicates += text in seen.setdefault(name, set())
        seen[name].add(text)
        last[revision.alert_id] = (revision.revision, text)
        late += any((revision.alert_id, n) in seen for n in (revision.revision + 1,))
    kept = {name: (number, right[name, number]) for name, number in newest.items()}
    lost = [name for name, one in kept.items() if last.get(name) != one]
    invented = [name for name, texts in seen.items() if texts != {right.get(name)}]
    return Verdict(len(newest), tuple(lost), tuple(invented), duplicates, late)
