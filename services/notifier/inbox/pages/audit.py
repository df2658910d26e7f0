"""What the page of the audit trail says besides its lines. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.notifier.inbox.reading.contract import AuditView, Frame


def shown(view: AuditView, frame: Frame) -> dict[str, Any]:  # noqa: ARG001 - as every page's
    """Whether anything was asked for."""
    return {"asked": bool(view.reference or view.by or view.what)}
