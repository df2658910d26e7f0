"""The canary: its story, how it is sent, how it comes home, and what is told of it."""
