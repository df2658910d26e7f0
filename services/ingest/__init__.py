"""Feeds become facts: bytes from any source become canonical events, or dead letters."""
