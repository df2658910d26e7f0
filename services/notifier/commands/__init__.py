"""Console commands of the notifier."""
