"""One small program for each peer. They run in the peers' environments: only `stand` is shared."""
