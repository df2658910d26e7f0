"""Charts, drawn on the server as SVG: what they show (`picture`), and how (`drawing`). Pure."""

from services.notifier.inbox.charts.drawing import draw

__all__ = ["draw"]
