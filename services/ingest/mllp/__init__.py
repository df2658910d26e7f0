"""HL7 v2 over TCP: framing, answers, and the server that listens."""
