"""A site that has a canary, and what is told of it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from support.notifying import site_folder
from support.prometheus import free_port

if TYPE_CHECKING:
    from pathlib import Path

SECRET = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"


class CanarySite:
    """The folders of a site whose canary's webhooks go to a port that is free.

    Attributes:
        rules: the site's file of rules, which asks for the canary's.
        notifier: teams and channels.
        secret: the file with the channel's secret.
        paper: where all other messages go.
    """

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.rules, self.notifier = folder / "rules.yaml", folder / "site"
        self.rules.write_text("canary: true\n")
        site_folder(self.notifier / "teams")
        self.secret, self.paper = self.notifier / "secret", self.notifier / "paper.jsonl"
        self.secret.write_text(SECRET)
        (self.notifier / "channels.yaml").write_text(
            "channels:\n"
            f"  canary: {{type: webhook, url: 'http://127.0.0.1:{self.port}/', "
            "secret_file: secret}\n"
            "  paper: {type: console, file: paper.jsonl}\n"
        )

    def words(self, mllp: int) -> list[str]:
        """The canary's command line, in a hurry."""
        return [
            *("canary", "--mllp", f"127.0.0.1:{mllp}", "--secret-file", str(self.secret)),
            *("--receive", f"127.0.0.1:{self.port}", "--every", "1", "--port", "0"),
            *("--patience", "600"),
        ]
