"""FHIR over HTTP: resources and Bundles are received into the journal."""
