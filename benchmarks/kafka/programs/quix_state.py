"""A Quix Streams application that keeps a count for each key in its state, with a changelog."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from typing import Any

from quixstreams import Application


def main(bootstrap: str, topic: str, count: int) -> None:
    """Read so many records; ends the process."""
    app: Any = Application(
        broker_address=bootstrap,
        consumer_group=f"quix-{time.time_ns()}",
        auto_offset_reset="earliest",
        state_dir=tempfile.mkdtemp(),
        loglevel="ERROR",
    )
    waits: list[float] = []
    begun = cpu = 0.0

    def counted(value: Any, key: Any, timestamp: int, headers: Any, state: Any) -> None:
        nonlocal begun, cpu
        del value, key, headers
        if not waits:
            begun, cpu = time.monotonic(), time.process_time()
        state.set("count", state.get("count", 0) + 1)
        waits.append(time.time() * 1000 - timestamp)
        if len(waits) == count:
            spent = {"seconds": time.monotonic() - begun, "cpu": time.process_time() - cpu}
            print(json.dumps({**spent, "waits": waits}), flush=True)
            os._exit(0)

    stream = app.dataframe(app.topic(topic, value_deserializer="bytes"))
    stream.update(counted, stateful=True, metadata=True)
    print("ready", flush=True)
    app.run(stream)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
