"""Kinds of channels, one file each. A file's name is what `type` says in a site's settings."""
