"""The engine meets the world: replay, back-test."""
