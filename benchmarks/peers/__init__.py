"""Measures other engines on the same work, each in an environment of its own: `make bench-peers`.

Nothing that a peer needs is installed where salvage-watch is, and no lock names it.
"""
