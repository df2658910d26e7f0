"""What `salvage doctor` looks at: one file for each part of a deployment."""
