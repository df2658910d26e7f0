"""Writing into a record by HL7 v2: messages, and one answered exchange over MLLP."""
