"""Settings of Kafka's clients, their log, and trace ids."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING

import pytest

from services.runtime.errors import OperatorError
from services.runtime.kafka import PREFIX, cluster, unavailable
from services.runtime.logs import logger, to_stream
from services.runtime.trace import continued, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def given(**settings: str) -> dict[str, str]:
    return {f"{PREFIX}{name}": text for name, text in settings.items()}


def test_this_machine_needs_no_settings() -> None:
    where = cluster("127.0.0.1:9092, localhost:9093,[::1]:9094", {})
    assert where.bootstrap == ("127.0.0.1:9092", "localhost:9093", "[::1]:9094")
    client = where.client("publisher")
    assert client["client_id"] == "salvage-publisher"
    assert client["security_protocol"] == "PLAINTEXT"
    assert client["allow_auto_create_topics"] is False


@pytest.mark.parametrize("text", ["", "kafka", "kafka:", ":9092", "kafka:x", "kafka:70000", "a:1,"])
def test_an_address_is_host_and_port(text: str) -> None:
    with pytest.raises(OperatorError, match="expected HOST:PORT"):
        cluster(text, given(PROTOCOL="PLAINTEXT"))


def test_another_machine_is_not_spoken_to_in_plain_text_by_accident() -> None:
    with pytest.raises(OperatorError, match="PROTOCOL"):
        cluster("127.0.0.1:9092,kafka.hospital:9092", {})
    where = cluster("kafka.hospital:9092", given(PROTOCOL="PLAINTEXT"))
    assert where.client("x")["security_protocol"] == "PLAINTEXT"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"PROTOCOL": "TLS"}, "PROTOCOL"),
        ({"PROTOCOL": "SASL_SSL"}, "MECHANISM"),
        ({"PROTOCOL": "SASL_SSL", "MECHANISM": "PLAIN"}, "USERNAME"),
        ({"PROTOCOL": "SASL_SSL", "MECHANISM": "PLAIN", "USERNAME": "u"}, "PASSWORD_FILE"),
        (
            {"PROTOCOL": "SASL_SSL", "MECHANISM": "MD5", "USERNAME": "u", "PASSWORD_FILE": "p"},
            "MECHANISM",
        ),
        ({"PROTOCOL": "SSL", "CAFILE": "nowhere.pem"}, "CAFILE"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(settings: dict[str, str], named: str) -> None:
    with pytest.raises(OperatorError, match=f"{PREFIX}{named}"):
        cluster("kafka:9092", given(**settings))


def test_the_password_comes_from_its_file_and_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("open sesame\n")
    settings = {"MECHANISM": "PLAIN", "USERNAME": "u", "PASSWORD_FILE": str(file)}
    where = cluster("kafka:9092", given(PROTOCOL="SASL_SSL", **settings))
    assert where.client("x")["sasl_plain_password"] == "open sesame"  # noqa: S105
    assert "sesame" not in repr(where)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    propagates = logger().propagate
    to_stream(stream)
    yield stream
    logger().handlers[:] = []
    logger().propagate = propagates


def test_the_librarys_log_says_where_and_never_what(log: io.StringIO) -> None:
    cluster("127.0.0.1:9092", {})
    theirs = logging.getLogger("kafka.producer.somewhere")
    for _ in range(3):
        theirs.error("sending key=%r", "GANTENBEIN")
    theirs.debug("sending key=%r", "GANTENBEIN")
    (line,) = log.getvalue().splitlines()
    assert '"event": "kafka client"' in line
    assert '"detail": "kafka.producer.somewhere:' in line
    assert "GANTENBEIN" not in line


def test_an_error_tells_its_type_alone() -> None:
    assert str(unavailable(TimeoutError("GANTENBEIN"))) == "kafka: TimeoutError"


def test_a_trace_is_the_receipts_and_goes_on_with_what_comes_of_it() -> None:
    first = started("connection", 40, 5)
    assert first == started("connection", 40, 5) != started("connection", 41, 5)
    version, trace, span, flags = first.split("-")
    assert (version, len(trace), len(span), flags) == ("00", 32, 16, "00")
    later = continued(first, "clinical.raw[0]@3")
    assert later.split("-")[1] == trace
    assert later.split("-")[2] != span
    for none in (None, "", "00-" + "0" * 32 + "-" + "1" * 16 + "-00", "GANTENBEIN"):
        assert continued(none, "place") == started("place")
