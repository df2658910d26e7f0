"""What users install is what we test: our own packages, with their data, and locked versions."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import schemas
import services

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = ("schemas", "services")
LOCKS = ("runtime.txt", "develop.txt")
NOT_SHIPPED = frozenset({"__pycache__"})


def is_ours(module: str) -> bool:
    """Whether a module comes from this repository or from the wheel that was made of it.

    Both names are plain words that other projects use for packages of their own.
    """
    file = Path(str(sys.modules[module].__file__)).resolve()
    if any(file.is_relative_to(ROOT / package) for package in PACKAGES):
        return True
    return any(
        Path(str(entry.locate())).resolve() == file
        for entry in metadata.files("salvage-watch") or []
    )


@pytest.mark.parametrize("module", [schemas.__name__, services.__name__])
def test_what_is_imported_is_ours(module: str) -> None:
    assert is_ours(module)


def test_a_foreign_package_is_not_ours() -> None:
    assert not is_ours("pytest")


def test_the_installed_version_is_the_written_one() -> None:
    assert metadata.version("salvage-watch") == PROJECT["project"]["version"]


def test_every_folder_with_code_is_type_checked() -> None:
    folders = {
        folder.name
        for folder in ROOT.iterdir()
        if folder.is_dir() and folder.name.isidentifier() and any(folder.rglob("*.py"))
    } - {"build", "dist"}
    assert folders == set(PROJECT["tool"]["mypy"]["files"])


def test_the_changelog_knows_the_version() -> None:
    versions = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == PROJECT["project"]["version"]


# --- The wheel ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in a wheel built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "wheel"]
    offline = ["--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, *offline, "--wheel-dir", str(folder), str(ROOT)], check=True)
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built).namelist()


def sources() -> set[str]:
    """Every file under our packages, code and data."""
    return {
        file.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for file in (ROOT / package).rglob("*")
        if file.is_file() and not NOT_SHIPPED & set(file.parts)
    }


def test_the_wheel_holds_every_file_of_our_packages(wheel: list[str]) -> None:
    assert sources() - set(wheel) == set()


def test_the_wheel_holds_the_clinical_content(wheel: list[str]) -> None:
    """Guards the test above against an empty folder: rules are YAML, the grammar is lark."""
    assert any(re.fullmatch(r"services/detector/rules/.+\.yaml", name) for name in wheel)
    assert "services/detector/language/expression.lark" in wheel


def test_the_wheel_holds_nothing_else(wheel: list[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert [name for name in wheel if NOT_SHIPPED & set(name.split("/"))] == []


# --- The locks ------------------------------------------------------------------------------


def locked(name: str) -> dict[str, str]:
    """Distribution name to version, of a lock file."""
    text = (ROOT / "requirements" / name).read_text()
    return dict(re.findall(r"^([a-z0-9][a-z0-9.-]*)==(\S+)", text, re.MULTILINE))


def required(*groups: str) -> list[Requirement]:
    """What pyproject.toml asks for: the base, every extra, and these dependency groups."""
    project = PROJECT["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    lists += [PROJECT["dependency-groups"][group] for group in groups]
    requirements = [Requirement(text) for entries in lists for text in entries]
    return [requirement for requirement in requirements if requirement.name != project["name"]]


@pytest.mark.parametrize(
    ("lock", "groups"),
    [("runtime.txt", ["build"]), ("develop.txt", ["build", "test", "lint", "typing"])],
)
def test_a_lock_satisfies_what_the_project_requires(lock: str, groups: list[str]) -> None:
    versions = locked(lock)
    unmet = [
        str(requirement)
        for requirement in required(*groups)
        if requirement.name not in versions
        or not requirement.specifier.contains(versions[requirement.name])
    ]
    assert unmet == [], "run `make lock`"


def test_we_develop_with_the_versions_that_run() -> None:
    assert locked("runtime.txt").items() <= locked("develop.txt").items()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_version_has_a_hash(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(locked(lock))
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_every_extra_is_in_all() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    (everything,) = (Requirement(text) for text in extras["all"])
    assert everything.extras == extras.keys() - {"all"}
