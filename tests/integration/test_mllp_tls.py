"""TLS: a certificate from either side, and a sender that is who its certificate says."""

from __future__ import annotations

import argparse
import ssl
from typing import TYPE_CHECKING

import pytest
from support.certificates import authority, certificate
from support.mllp import Sender, code, entries, heard, listening, oru

from services.ingest.mllp.options import add_listener_options, endpoint, rules
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

    from services.ingest.mllp.server import Endpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates: ours, one of the laboratory, one of a stranger's authority."""
    path = tmp_path_factory.mktemp("certificates")
    authority(path, "trusted")
    authority(path, "other")
    certificate(path, "localhost", "trusted")
    certificate(path, "lab", "trusted")
    certificate(path, "intruder", "other")
    return path


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_listener_options(parser, required=True)
    return parser.parse_args(["--mllp", "127.0.0.1:0", *words])


def secured(folder: Path, *words: str) -> Endpoint:
    files = [
        *("--tls-certificate", folder / "localhost.pem", "--tls-key", folder / "localhost.key"),
        *("--tls-authorities", folder / "trusted.pem"),
    ]
    return endpoint(parsed(*map(str, files), *words))


def client(folder: Path, name: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=folder / "trusted.pem")
    if name is not None:
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


def test_a_sender_with_a_certificate_is_heard(folder: Path, tmp_path: Path) -> None:
    where = secured(folder)
    with (
        listening(tmp_path, tls=where.tls, peers=where.peers) as listener,
        Sender(listener.port, client(folder, "lab")) as sender,
    ):
        assert [code(sender.ask(oru(one))) for one in ("M1", "M2")] == ["AA M1", "AA M2"]
        listener.stop()
        assert sender.answer() is None


@pytest.mark.parametrize("name", [None, "intruder"])
def test_a_sender_without_a_certificate_that_we_trust_is_not(
    folder: Path, tmp_path: Path, name: str | None
) -> None:
    with listening(tmp_path, tls=secured(folder).tls) as listener:
        assert not heard(listener.port, client(folder, name))
        assert not heard(listener.port), "nor one who speaks no TLS"
        with Sender(listener.port, client(folder, "lab")) as sender:
            assert code(sender.ask(oru("M2"))) == "AA M2"
    assert [entry.control for entry in entries(tmp_path)] == ["M2"]


@pytest.mark.parametrize(
    ("peer", "answer"),
    [
        ("lab=HOSP/LAB", "AA M1"),
        ("lab=HOSP/OTHER", "AR 207 M1"),
        ("another=HOSP/LAB", "AR 207 M1"),
    ],
)
def test_a_certificate_speaks_for_its_own_sender_alone(
    folder: Path, tmp_path: Path, peer: str, answer: str
) -> None:
    where = secured(folder, "--peer", peer)
    with (
        listening(tmp_path, tls=where.tls, peers=where.peers) as listener,
        Sender(listener.port, client(folder, "lab")) as sender,
    ):
        assert code(sender.ask(oru())) == answer


def test_the_listeners_senders_hold_for_certificates_too(folder: Path, tmp_path: Path) -> None:
    where = secured(folder, "--peer", "lab=HOSP/LAB", "--peer", "lab=HOSP/LAB2")
    own = rules(parsed("--sender", "HOSP/LAB"))
    with (
        listening(tmp_path, own, tls=where.tls, peers=where.peers) as listener,
        Sender(listener.port, client(folder, "lab")) as sender,
    ):
        assert code(sender.ask(oru())) == "AA M1"
        assert code(sender.ask(oru(f3="LAB2"))) == "AR 207 M1"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_an_old_tls_is_refused(folder: Path, tmp_path: Path) -> None:
    old = client(folder, "lab")
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with listening(tmp_path, tls=secured(folder).tls) as listener:
        assert not heard(listener.port, old)
        assert heard(listener.port, client(folder, "lab"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--mllp", "0.0.0.0:2575"], "--plaintext"),
        (["--mllp", "2575"], "HOST:PORT"),
        (["--mllp", "localhost:99999"], "HOST:PORT"),
        (["--tls-certificate", "a.pem"], "all three or none"),
        (["--peer", "lab=HOSP/LAB"], "needs --tls-certificate"),
        (
            ["--tls-certificate", "x.pem", "--tls-key", "x.key", "--tls-authorities", "x.pem"],
            "cannot be used",
        ),
    ],
)
def test_a_wrong_option_is_named(words: list[str], told: str) -> None:
    with pytest.raises(OperatorError, match=told):
        endpoint(parsed(*words))


def test_plain_tcp_needs_this_machine_or_a_word(folder: Path) -> None:
    assert endpoint(parsed()).tls is None
    assert endpoint(parsed("--mllp", "[::1]:2575")).host == "::1"
    assert endpoint(parsed("--mllp", "0.0.0.0:2575", "--plaintext")).host == "0.0.0.0"  # noqa: S104
    assert secured(folder, "--mllp", "0.0.0.0:2575").tls is not None


def test_a_wrong_peer_is_named(folder: Path) -> None:
    with pytest.raises(OperatorError, match="NAME=FACILITY/APPLICATION"):
        secured(folder, "--peer", "lab")
