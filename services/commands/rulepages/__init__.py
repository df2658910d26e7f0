"""One page for every rule of the catalogue, made from its pack and its cases."""
