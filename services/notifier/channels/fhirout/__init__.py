"""Writing into a record by FHIR R4: what a server can take, and what we then write."""
