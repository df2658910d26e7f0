"""What may leave when: digests and throttles, over all cases of a recipient. Pure."""
