"""The notifier at work: takes in, steps cases, hands out. No channel and no clock of its own."""
