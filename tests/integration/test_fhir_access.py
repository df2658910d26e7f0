"""Row 37, who may send: tokens and certificates over real connections, known before the body."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import ssl
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from support.certificates import authority, certificate
from support.fhir import bundle, encoded, psa
from support.mllp import HERE, entries
from support.rest import Client, receiving

from services.ingest.rest.arguments import add_fhir_options
from services.ingest.rest.doors import CertificateDoor, OpenDoor, TokenDoor
from services.ingest.rest.keys import FileKeys, PinnedKeys
from services.ingest.rest.options import where_to_listen
from services.ingest.rest.tokens import Tokens
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError, Unavailable
from services.runtime.logs import to_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

US = "https://salvage.example/fhir"
KEY = ECKey.generate_key("P-384", {"kid": "k"})
JWKS = json.dumps({"keys": [KEY.as_dict(private=False)]})
PATH = "/Observation/psa-1"


def token(scope: str = "system/*.cu", **claims: object) -> str:
    now = SystemClock().now() // 1_000_000
    said = {"iss": "a", "sub": "LAB", "aud": US, "exp": now + 60, "jti": "1", "scope": scope}
    text: str = jwt.encode({"alg": "ES384", "kid": "k"}, said | claims, KEY, algorithms=["ES384"])
    return text


@pytest.fixture
def door(tmp_path: Path) -> TokenDoor:
    path = tmp_path / "keys.json"
    path.write_text(JWKS)
    return TokenDoor(Tokens(FileKeys(path), US, now=lambda: SystemClock().now() // 1_000_000))


def bearer(text: str) -> dict[str, str]:
    return {"Content-Type": "application/fhir+json", "Authorization": f"Bearer {text}"}


def test_37_without_a_good_token_nothing_is_read(tmp_path: Path, door: TokenDoor) -> None:
    log = io.StringIO()
    to_stream(log)
    with receiving(tmp_path, door=door) as listener:
        for text in ("", "SECRET", token(aud="elsewhere")):
            with Client(listener.port) as client:
                answer = client.ask("PUT", PATH, psa(), bearer(text))
            assert (answer.status, answer.codes) == (401, ["login"])
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        with Client(listener.port) as client:
            head = bearer("") | {"Content-Length": str(10**9)}
            client.connection.request("PUT", PATH, None, head)
            response = client.connection.getresponse()
            assert response.status == 401, "told before the body came"
            response.read()
        with Client(listener.port) as client:
            assert client.ask("GET", "/metadata").body["rest"][0]["security"]
    assert entries(tmp_path) == []
    assert log.getvalue().count("refused caller") == 4
    assert "SECRET" not in log.getvalue()


def test_37_a_token_is_good_for_its_scopes(tmp_path: Path, door: TokenDoor) -> None:
    with receiving(tmp_path, door=door) as listener, Client(listener.port) as client:
        good = bearer(token("system/Observation.cu"))
        assert client.ask("PUT", PATH, psa(), good).status == 200
        assert client.ask("POST", "/Observation", psa(), good).status == 201
        assert client.ask("POST", "/", bundle(psa(), kind="batch"), good).status == 200
        for scope in ("system/Observation.c", "system/Patient.cu", "user/*.cruds", ""):
            answer = client.ask("PUT", PATH, psa(), bearer(token(scope)))
            assert (answer.status, answer.codes) == (403, ["forbidden"])
        mixed = bundle(psa(), {"resourceType": "Patient", "id": "7"}, kind="batch")
        assert client.ask("POST", "/", mixed, good).status == 403, "refused whole"
    found = entries(tmp_path)
    assert [entry.source for entry in found] == ["LAB"] * 3, "what is not permitted is not kept"


def test_a_token_for_once_is_good_for_once(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(JWKS)
    once = TokenDoor(
        Tokens(FileKeys(path), US, now=lambda: SystemClock().now() // 1_000_000, once=True)
    )
    with receiving(tmp_path, door=once) as listener, Client(listener.port) as client:
        text = token()
        assert client.ask("PUT", PATH, psa(), bearer(text)).status == 200
        assert client.ask("PUT", PATH, psa(), bearer(text)).status == 401


# --- Keys of one address --------------------------------------------------------------------------


@contextmanager
def web(answers: dict[str, tuple[int, bytes]]) -> Iterator[tuple[str, list[str]]]:
    """A web server; what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, body = answers[self.path]
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/keys")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer((HERE, 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://{HERE}:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def find(url: str, *numbers: str) -> list[bool]:
    async def work() -> list[bool]:
        keys = PinnedKeys(url)
        return [await keys.find(number) is not None for number in numbers]

    return asyncio.run(work())


def test_keys_are_fetched_once_and_an_unknown_one_does_not_make_us_ask_for_ever() -> None:
    with web({"/keys": (200, JWKS.encode())}) as (base, asked):
        assert find(f"{base}/keys", "k", "k", "x", "y", "k") == [True, True, False, False, True]
        assert asked == ["/keys"]


@pytest.mark.parametrize(
    "answer", [(302, b""), (200, b"<html>"), (200, b" " * 70_000), (500, JWKS[:9].encode())]
)
def test_no_keys_are_no_permission(answer: tuple[int, bytes]) -> None:
    with web({"/a": answer, "/keys": (200, JWKS.encode())}) as (base, asked):
        with pytest.raises(Unavailable):
            find(f"{base}/a", "k")
        assert asked == ["/a"], "a redirect is not followed"


def test_while_keys_cannot_be_had_senders_are_asked_to_come_again(tmp_path: Path) -> None:
    nowhere = TokenDoor(Tokens(PinnedKeys(f"http://{HERE}:9/keys"), US, now=lambda: 0))
    with receiving(tmp_path, door=nowhere) as listener, Client(listener.port) as client:
        answer = client.ask("PUT", PATH, psa(), bearer(token()))
        assert (answer.status, answer.codes) == (503, ["transient"])


# --- Certificates ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ours, the laboratory's and another's, all of one authority."""
    folder = tmp_path_factory.mktemp("certificates")
    authority(folder, "ca")
    for name in ("localhost", "lab", "other"):
        certificate(folder, name, "ca")
    return folder


def test_37_a_certificate_stands_for_one_sender(certificates: Path, tmp_path: Path) -> None:
    words = ["--fhir", f"{HERE}:0", "--fhir-peer", "lab=LAB"]
    for name, file in (("certificate", "localhost.pem"), ("key", "localhost.key")):
        words += [f"--fhir-tls-{name}", str(certificates / file)]
    where = where_to_listen(parsed(*words, "--fhir-tls-authorities", str(certificates / "ca.pem")))
    assert isinstance(where.door, CertificateDoor)
    with receiving(tmp_path, door=where.door, tls=where.tls) as listener:
        for name, status in (("lab", 200), ("other", 401)):
            context = ssl.create_default_context(cafile=certificates / "ca.pem")
            context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
            with Client(listener.port, context) as client:
                assert client.put(psa(), PATH).status == status
        bare = ssl.create_default_context(cafile=certificates / "ca.pem")
        with pytest.raises(OSError), Client(listener.port, bare) as client:  # noqa: PT011 - of TLS
            client.put(psa(), PATH)
    assert [entry.source for entry in entries(tmp_path)] == ["LAB"]


# --- Options --------------------------------------------------------------------------------------


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_fhir_options(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--fhir", "8080"), "expected HOST:PORT"),
        (("--fhir", "0.0.0.0:80"), "not this machine alone"),
        (("--fhir", "h:80", "--fhir-plaintext"), "needs --fhir-jwks"),
        (("--fhir", "127.0.0.1:80", "--fhir-peer", "a=b"), "needs --fhir-tls-authorities"),
        (("--fhir", "127.0.0.1:80", "--fhir-tls-authorities", "x"), "needs --fhir-peer"),
        (("--fhir", "127.0.0.1:80", "--fhir-jwks", "x"), "needs --fhir-audience"),
        (("--fhir", "127.0.0.1:80", "--fhir-tls-key", "x"), "both or neither"),
    ],
)
def test_too_little_protection_is_refused(words: tuple[str, ...], told: str) -> None:
    if "--fhir-tls-authorities" in words:
        words += ("--fhir-tls-certificate", "x", "--fhir-tls-key", "x")
    with pytest.raises(OperatorError, match=f"{told}|cannot be used"):
        where_to_listen(parsed(*words))


def test_tokens_and_no_tls_need_a_word(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(JWKS)
    words = ["--fhir", "0.0.0.0:80", "--fhir-jwks", str(path), "--fhir-audience", US]
    with pytest.raises(OperatorError, match="--fhir-tls-certificate, or --fhir-plaintext"):
        where_to_listen(parsed(*words))
    assert isinstance(where_to_listen(parsed(*words, "--fhir-plaintext")).door, TokenDoor)
    assert isinstance(where_to_listen(parsed("--fhir", "localhost:80")).door, OpenDoor)


def test_a_body_is_not_needed_to_say_no(tmp_path: Path, door: TokenDoor) -> None:
    """Even one that could not be read."""
    with receiving(tmp_path, door=door) as listener, Client(listener.port) as client:
        answer = client.ask("PUT", PATH, encoded({"x": "SECRET"})[:5], bearer(""))
        assert answer.status == 401
        assert b"SECRET" not in answer.raw
