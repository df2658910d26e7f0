"""The channels' file: what is good, and what every mistake is called."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from services.notifier.cases.words import Channel as Strength
from services.notifier.channels import kinds
from services.notifier.channels.loading import BadChannels, load_channels, load_settings
from services.notifier.channels.registry import known, settings_of
from services.notifier.channels.settings import CarrierSettings

MAIL = "{type: email, host: mail.hospital.example, sender: a@hospital.example}"


def loaded(folder: Path, text: str) -> list[str]:
    """The mistakes of a file, by line and column."""
    path = folder / "channels.yaml"
    path.write_text(text)
    try:
        load_settings(path)
    except BadChannels as error:
        return [str(one).removeprefix(f"{path}:") for one in error.mistakes]
    return []


def section(kind: str, **changes: str) -> str:
    """A file with one good section, but for the changes."""
    good = {
        "email": {"host": "mail.hospital.example", "sender": "a@hospital.example"},
        "webhook": {"url": "https://bus.hospital.example/in", "secret_file": "s"},
        "apprise": {"url_file": "u"},
        "hl7": {
            "host": "ehr",
            "port": "2575",
            "receiving": "{application: EHR, facility: H}",
            "tls": "{}",
        },
        "fhir": {"url": "https://ehr.hospital.example/fhir", "patient_systems": "{H: urn:oid:1}"},
        "cds_hooks": {
            "port": "8650",
            "public_url": "https://cds.hospital.example",
            "patient_systems": "{H: urn:oid:1}",
            "clients": "[{issuer: https://ehr.hospital.example, keys_file: k}]",
        },
        "console": {},
    }[kind]
    lines = [f"    {key}: {value}" for key, value in {"type": kind, **good, **changes}.items()]
    return "\n".join(["channels:", "  tried:", *lines, ""])


@pytest.mark.parametrize("kind", known())
def test_the_least_that_a_section_needs(kind: str, tmp_path: Path) -> None:
    assert loaded(tmp_path, section(kind)) == []
    made = load_channels(tmp_path / "channels.yaml")
    names = [one.name for one in made.channels] + [one.name for one in made.services]
    assert names == ["tried"]


@pytest.mark.parametrize("kind", known())
def test_a_kinds_file_says_what_it_is_and_has_settings(kind: str) -> None:
    text = (Path(kinds.__path__[0]) / f"{kind}.py").read_text()
    assert (ast.get_docstring(ast.parse(text)) or "").startswith(f"`{kind}`: ")
    assert settings_of(kind).model_fields["type"].annotation is not str


@pytest.mark.parametrize(
    ("kind", "changes", "told"),
    [
        ("email", {"host": "mail/x"}, "host: expected the name or the address of a machine"),
        ("email", {"sender": "Anne <a@b>"}, "sender: expected an e-mail address"),
        ("email", {"user": "u"}, "user, password_file: both or neither"),
        ("email", {"encryption": "none"}, "encryption: none is for this machine alone"),
        ("email", {"encryption": "ssl"}, "encryption: Input should be"),
        ("email", {"port": "70000"}, "port: Input should be less than or equal to 65535"),
        ("email", {"carries": "[letters]"}, "carries.0: Input should be"),
        ("email", {"carries": "[]"}, "carries: Frozenset should have at least 1"),
        ("email", {"timeout": "600"}, "timeout: Input should be less than or equal to 120"),
        ("webhook", {"url": "http://bus.hospital.example"}, "url: http is for this machine alone"),
        ("webhook", {"url": "https://u:p@h.example"}, "url: an address with a user"),
        ("webhook", {"url": "https://h.example/?t=1"}, "url: an address with a user, a query"),
        ("webhook", {"url": "ftp://h.example"}, "url: expected an address that begins with"),
        ("webhook", {"url": "'https://[::1'"}, "url: expected an address that begins with"),
        ("webhook", {"tls": "{key: x}"}, "unknown key 'key'; a secret stands in a file"),
        ("hl7", {"host": "ehr", "tls": "null"}, "tls"),
        ("hl7", {"receiving": "{application: EHR}"}, "the key 'facility' is missing"),
        ("hl7", {"processing_id": "Q"}, "processing_id"),
        ("fhir", {"patient_systems": "{}"}, "patient_systems"),
        ("fhir", {"login": "{client: a, token_url: 'https://a.example'}"}, "exactly one of client"),
        ("cds_hooks", {"host": "10.0.0.5"}, "needs certificate_file, or behind_proxy"),
        ("cds_hooks", {"key_file": "k"}, "certificate_file, key_file: both or neither"),
        ("cds_hooks", {"patient_systems": "{}"}, "expected patient_systems or servers"),
        ("cds_hooks", {"clients": "[]"}, "clients"),
    ],
)
def test_what_cannot_be_is_told_where_it_stands(
    kind: str, changes: dict[str, str], told: str, tmp_path: Path
) -> None:
    (mistake,) = loaded(tmp_path, section(kind, **changes))
    assert told in mistake
    line = int(mistake.partition(":")[0])
    assert 2 <= line <= len(section(kind, **changes).splitlines())


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("", ["1:1: the file is empty"]),
        ("channels: []", ["1:1: expected one key, `channels`, with sections"]),
        (f"channels: {{a: {MAIL}}}\nmore: x", ["1:1: expected one key, `channels`, with sections"]),
        ("channels: {A b: {type: console}}", ["1:12: expected a name of a-z, 0-9 and hyphens"]),
        (
            "channels:\n  one: {type: pigeon}\n  two: {sort: console}\n  three: x",
            [
                f"{place}: type: expected one of {', '.join(known())}"
                for place in ("2:15", "3:8", "4:10")
            ],
        ),
        (
            "channels:\n  one: {type: console, tone: x}\n  two: {type: apprise}",
            ["2:24: unknown key 'tone'", "3:8: the key 'url_file' is missing"],
        ),
    ],
)
def test_all_mistakes_of_a_file_at_once(text: str, mistakes: list[str], tmp_path: Path) -> None:
    assert loaded(tmp_path, text) == mistakes


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadChannels, match="No such file"):
        load_settings(tmp_path / "nowhere.yaml")


def test_names_of_files_begin_beside_the_file(tmp_path: Path) -> None:
    loaded(tmp_path, section("apprise", url_file="secrets/chat"))
    found = load_settings(tmp_path / "channels.yaml")["tried"]
    assert found.model_dump()["url_file"] == tmp_path / "secrets" / "chat"


def test_what_a_channel_carries_may_be_said(tmp_path: Path) -> None:
    loaded(tmp_path, section("email", carries="[digest]"))
    (channel,) = load_channels(tmp_path / "channels.yaml").channels
    assert channel.strengths == {Strength.DIGEST}


@pytest.mark.parametrize("kind", known())
def test_settings_keep_their_own_secrets(kind: str) -> None:
    """No setting that is text could hold one: it would have to be called so."""
    names = [name for name in settings_of(kind).model_fields if "secret" in name or "pass" in name]
    assert [name for name in names if not name.endswith("_file")] == []
    assert issubclass(settings_of("email"), CarrierSettings)
