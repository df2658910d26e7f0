"""The inbox for programs: the same reads and deeds as JSON, with the same checks."""
