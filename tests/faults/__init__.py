"""The detector on three brokers and three workers while things break: `make faults`."""
