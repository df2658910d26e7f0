"""A Faust agent that counts: what Faust costs at the least."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from typing import Any

import faust


async def main(bootstrap: str, topic: str, count: int) -> None:
    """Read so many records; ends the process."""
    app: Any = faust.App(
        f"bare-faust-{time.time_ns()}",
        broker=f"kafka://{bootstrap}",
        datadir=tempfile.mkdtemp(),
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=False,
        web_enabled=False,
    )
    raw: dict[str, Any] = {"key_serializer": "raw", "value_serializer": "raw"}
    waits: list[float] = []
    begun = cpu = 0.0

    async def counting(stream: Any) -> None:
        nonlocal begun, cpu
        async for event in stream.events():
            if not waits:
                begun, cpu = time.monotonic(), time.process_time()
            waits.append((time.time() - event.message.timestamp) * 1000)
            if len(waits) == count:
                spent = {"seconds": time.monotonic() - begun, "cpu": time.process_time() - cpu}
                print(json.dumps({**spent, "waits": waits}), flush=True)
                os._exit(0)

    app.agent(app.topic(topic, key_type=bytes, value_type=bytes, **raw))(counting)
    await app.start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
