"""Fuzzing of what reads bytes from the network: `make fuzz`."""
