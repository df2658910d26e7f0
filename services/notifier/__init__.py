"""Alerts become action."""
