"""What is asked of the endpoint, and the bytes under which it is kept.

A resource that is sent by itself is kept as the one entry of a batch: so whoever reads the journal
knows, as of every other Bundle, whether it was created or updated. Its own bytes are not touched.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schemas.base import digest
from services.ingest.fhir.document import MAX_BYTES

if TYPE_CHECKING:
    from services.ingest.rest.access import Grant

NUMBER: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")
LARGEST: Final = MAX_BYTES - 4096
"""Bytes of a body; what is put around it has room beside."""
_SEEN: Final = "FHIR"


@dataclass(frozen=True, slots=True)
class Call:
    """One request to take something in.

    Attributes:
        grant: who asks, and what it may send.
        method: `POST` or `PUT`.
        kind: resource type of the address; None for a Bundle sent to the root.
        number: id of the address.
        search: what a conditional update looks for, e.g. `identifier=…`.
        once: If-None-Exist: of all creates with the same one only the first counts.
        body: as sent, unpacked.
    """

    grant: Grant
    method: str
    body: bytes
    kind: str | None = None
    number: str | None = None
    search: str | None = None
    once: str | None = None

    @property
    def document(self) -> bytes:
        """The bytes that are kept and read."""
        if self.kind is None:
            return self.body
        where = self.kind + (f"/{self.number}" if self.number else "")
        where += f"?{self.search}" if self.search else ""
        request = json.dumps({"method": self.method, "url": where}).encode()
        head = b'{"resourceType":"Bundle","type":"batch","entry":[{"request":'
        return b"".join((head, request, b',"resource":', self.body, b"}]}"))

    @property
    def content(self) -> bytes:
        """Equal for two calls that say the same."""
        where = (self.method, self.kind, self.number, self.search)
        return digest("fhir-call", *where, hashlib.sha256(self.body).hexdigest()).encode()

    @property
    def control(self) -> str:
        """Equal for two creates of which only the first counts."""
        return f"{_SEEN} {digest(self.kind, self.once)}" if self.once else _SEEN
