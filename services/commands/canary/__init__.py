"""`salvage canary`: does a message become somebody's message? Tried again and again."""
