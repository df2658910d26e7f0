"""FHIR R4 in, clinical events out; nothing here does I/O (docs/fhir-conventions.md)."""
