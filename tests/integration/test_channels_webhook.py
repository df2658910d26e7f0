"""Webhooks, to a receiver that checks signatures with another project's library."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.certificates import authority, certificate
from support.messages import message
from support.peers import Manner, Peer
from support.peers.tls import server_side
from support.peers.web import SECRETS, Hook, hook_peer

from services.notifier.channels.contract import Outcome, Result
from services.notifier.channels.kinds.webhook import Settings, Webhook, signed
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def post(
    folder: Path, prepare: Callable[[Peer, Hook], None] = lambda *_: None, **more: Any
) -> tuple[Outcome, Peer]:
    async def run() -> tuple[Outcome, Peer]:
        async with hook_peer(folder) as (peer, hook):
            prepare(peer, hook)
            section = {"type": "webhook", **peer.section, **more}
            settings = Settings.model_validate(section, context={"folder": folder})
            channel = Webhook("hook", settings)
            await channel.open()
            try:
                return await channel.send(message()), peer
            finally:
                await channel.close()

    return asyncio.run(run())


def test_the_example_of_the_specification() -> None:
    """Of the public test vectors of Standard Webhooks' libraries."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', (secret,))
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", SECRETS)
def test_while_a_secret_is_replaced_both_are_good(secret: str, tmp_path: Path) -> None:
    def prepare(_: Peer, hook: Hook) -> None:
        hook.secret = secret

    outcome, peer = post(
        tmp_path,
        prepare,
        previous_secret_file="previous",  # noqa: S106 - a file's name
    )
    assert (outcome.result, len(peer.arrived)) == (Result.DELIVERED, 1)


def test_afterwards_only_the_new_one_is(tmp_path: Path) -> None:
    def prepare(_: Peer, hook: Hook) -> None:
        hook.secret = SECRETS[1]

    outcome, peer = post(tmp_path, prepare)
    assert (outcome, peer.arrived) == (Outcome(Result.TEMPORARY, "http-500"), [])


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (410, {}, Outcome(Result.PERMANENT, "http-410")),
        (401, {}, Outcome(Result.PERMANENT, "http-401")),
        (307, {"Location": "http://127.0.0.1:9/"}, Outcome(Result.PERMANENT, "http-307")),
        (408, {}, Outcome(Result.TEMPORARY, "http-408")),
        (503, {}, Outcome(Result.TEMPORARY, "http-503")),
        (504, {}, Outcome(Result.UNKNOWN, "http-504")),
        (
            429,
            {"Retry-After": "30"},
            Outcome(Result.TEMPORARY, "http-429", retry_after=timedelta(seconds=30)),
        ),
        (
            503,
            {"Retry-After": "864000"},
            Outcome(Result.TEMPORARY, "http-503", retry_after=timedelta(days=1)),
        ),
        (
            503,
            {
                "Date": "Mon, 23 Nov 2026 10:30:00 GMT",
                "Retry-After": "Mon, 23 Nov 2026 10:32:00 GMT",
            },
            Outcome(Result.TEMPORARY, "http-503", retry_after=timedelta(minutes=2)),
        ),
        (503, {"Retry-After": "soon"}, Outcome(Result.TEMPORARY, "http-503")),
    ],
)
def test_what_a_receiver_answers(
    status: int, headers: dict[str, str], outcome: Outcome, tmp_path: Path
) -> None:
    def prepare(peer: Peer, hook: Hook) -> None:
        peer.manner, peer.told, hook.headers = Manner.TEMPORARY, status, headers

    assert post(tmp_path, prepare)[0] == outcome


def test_tls_checks_whom_it_speaks_to(tmp_path: Path) -> None:
    for name in ("ca", "other"):
        authority(tmp_path, name)
    certificate(tmp_path, "server", "ca", "localhost")

    async def run(authorities: str) -> Outcome:
        async with hook_peer(tmp_path, server_side(tmp_path)) as (peer, _):
            section = {"type": "webhook", **peer.section, "tls": {"authorities_file": authorities}}
            settings = Settings.model_validate(section, context={"folder": tmp_path})
            channel = Webhook("hook", settings)
            await channel.open()
            try:
                return await channel.send(message())
            finally:
                await channel.close()

    assert asyncio.run(run("ca.pem")).result is Result.DELIVERED
    assert asyncio.run(run("other.pem")) == Outcome(Result.TEMPORARY, "not-reached")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read"),
        ("", "one line"),
        ("two\nlines", "one line"),
        ("whsec_????", "base64"),
        ("whsec_c2hvcnQ=", "24 to 64 bytes"),
    ],
)
def test_a_secret_that_is_none_is_refused_by_its_settings_name(
    text: str | None, told: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "bad").write_text(text)
    with pytest.raises(OperatorError, match=rf"hook\.secret_file: .*{told}") as caught:
        post(tmp_path, secret_file="bad")  # noqa: S106 - a file's name
    assert not text or text not in str(caught.value)
