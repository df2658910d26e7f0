"""Channels: how a message leaves the house. One file each; `contract` says what all keep to."""
