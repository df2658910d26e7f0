"""What the pages show, worked out from what was read, and turned into HTML."""

from services.notifier.inbox.pages.documents import render

__all__ = ["render"]
