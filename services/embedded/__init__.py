"""The whole system in one process on one SQLite file: wiring only."""
