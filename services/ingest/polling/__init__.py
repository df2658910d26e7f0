"""FHIR servers asked for what is new: polling, and Subscription notifications as its hint."""
