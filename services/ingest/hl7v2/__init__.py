"""HL7 v2 without I/O: streams into messages, messages into events."""
