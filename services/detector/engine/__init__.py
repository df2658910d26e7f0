"""The pure engine: facts, rules and a clock go in, alerts come out. No I/O, no clock of its own."""
