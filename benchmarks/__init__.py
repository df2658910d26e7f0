"""Measures the engine side by side with a hand-written state machine. See `docs/benchmarks.md`."""
