"""Local time: quiet hours, digests and shifts, on the two odd nights of the year too. Pure."""
