"""`python -m fuzz.guided TARGET FOLDER SECONDS`: atheris looks for new ways through the code.

A process of its own, since libFuzzer ends the one in which it runs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

with atheris.instrument_imports(include=["services.ingest"]):
    from fuzz.corpus import WORDS, seeds
    from fuzz.ledger import Ledger
    from fuzz.targets import TARGETS

_EVERY = 500
_LONGEST = 4096


def main() -> None:
    """Fuzz until the time is over."""
    name, folder, seconds = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    ledger, target = Ledger(folder), TARGETS[name]
    title, count = f"{name}, guided", 0

    def try_one(data: bytes) -> None:
        nonlocal count
        ledger.put(title, target, data)
        count += 1
        if count % _EVERY == 0:
            ledger.save(folder / f"{name}.json")

    corpus = folder / f"corpus-{name}"
    corpus.mkdir(parents=True, exist_ok=True)
    for at, seed in enumerate(seeds()):
        (corpus / f"seed-{at}").write_bytes(seed)
    words = folder / "words.dict"
    words.write_text("".join(f'"{_quoted(word)}"\n' for word in WORDS))
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={_LONGEST}",
        f"-dict={words}",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], try_one)
    atheris.Fuzz()


def _quoted(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main()
