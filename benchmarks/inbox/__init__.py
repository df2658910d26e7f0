"""How long a care team waits for its worklist."""
