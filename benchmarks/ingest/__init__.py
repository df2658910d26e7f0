"""How fast HL7 v2 comes in: `python -m benchmarks.ingest`."""
