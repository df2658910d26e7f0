"""The inbox as a web application: its routes, each with the check of who may use it."""
