"""Expressions become terms of the engine, and what they ask of the past becomes registers."""
