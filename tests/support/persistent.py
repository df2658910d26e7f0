"""A sender as interface engines are: in order, some messages under way, and again until yes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from services.ingest.mllp.framing import frame
from support.mllp import Sender, code

if TYPE_CHECKING:
    from collections.abc import Sequence

WINDOW = 20
"""Messages under way before it waits for an answer."""


class PersistentSender(threading.Thread):
    """Sends messages with these control ids until each is accepted.

    acknowledged: how many are, from the first on.
    refused: the answers that were no yes.
    """

    def __init__(self, port: int, messages: Sequence[bytes], controls: Sequence[str]) -> None:
        super().__init__(daemon=True)
        self.acknowledged = 0
        self.refused: list[str] = []
        self.over = threading.Event()
        self._port = port
        self.messages = messages
        self._controls = controls

    def run(self) -> None:
        while self.acknowledged < len(self.messages) and not self.over.is_set():
            try:
                with Sender(self._port) as sender:
                    self._go_on(sender)
            except OSError:
                time.sleep(0.05)

    def _go_on(self, sender: Sender) -> None:
        sent = self.acknowledged
        while self.acknowledged < len(self.messages):
            while sent < min(len(self.messages), self.acknowledged + WINDOW):
                sender.send(frame(self.messages[sent]))
                sent += 1
            answer = sender.answer()
            if answer is None:
                return
            told = code(answer.decode())
            if told != f"AA {self._controls[self.acknowledged]}":
                self.refused.append(told)
                return
            self.acknowledged += 1
