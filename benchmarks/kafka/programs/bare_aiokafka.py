"""A loop around aiokafka's consumer that counts: what Python and Kafka cost at the least."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from aiokafka import AIOKafkaConsumer


async def main(bootstrap: str, topic: str, count: int) -> None:
    """Read so many records."""
    consumer: Any = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=f"bare-aiokafka-{time.time_ns()}",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    print("ready", flush=True)
    waits: list[float] = []
    begun, cpu = 0.0, 0.0
    while len(waits) < count:
        for records in (await consumer.getmany(timeout_ms=1000)).values():
            if not begun:
                begun, cpu = time.monotonic(), time.process_time()
            now = time.time() * 1000
            waits += [now - record.timestamp for record in records]
    spent = {"seconds": time.monotonic() - begun, "cpu": time.process_time() - cpu}
    print(json.dumps({**spent, "waits": waits}), flush=True)
    await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
