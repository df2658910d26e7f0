"""`salvage demo`: a simulated ward on this machine. Wiring and a screen; nothing clinical."""

from services.demo.console import register

__all__ = ["register"]
