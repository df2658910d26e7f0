"""Console commands that span several services. Like the `salvage` command itself, they wire."""
