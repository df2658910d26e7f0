"""The peers: each runs by itself, in an environment of its own, and knows nothing of ours.

`PROGRAM BOOTSTRAP TOPIC COUNT` reads a topic from its beginning, as a new group. It says `ready`
when it is about to read, and after COUNT records prints one JSON object: `seconds` from the first
record to the last, `cpu` seconds of the process in between, and `waits`, milliseconds from each
record's timestamp until it was handled.
"""
