"""The research feed: opt-in, pseudonymous, shifted, in bands. What it says, and to whose taste."""
