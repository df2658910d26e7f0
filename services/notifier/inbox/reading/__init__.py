"""The inbox's read side: what the store knows of cases, as plain values for pages and the API."""
