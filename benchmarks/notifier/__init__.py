"""A year of a notifier, on a clock that travels."""
