"""Alerts become cases, and cases somebody's action. Pure: no I/O, no clock, no random number."""
