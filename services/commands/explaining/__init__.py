"""How `salvage explain` says what it found: for people, and as JSON."""
