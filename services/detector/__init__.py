"""Facts become alerts."""
