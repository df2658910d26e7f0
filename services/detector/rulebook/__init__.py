"""The rulebook: packs loaded, overridden and proved by their cases."""
