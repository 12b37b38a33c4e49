"""Wheels contain the files of their packages, and no others."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.plugins.clean_environment import BOOKMARKS, NOTIFICATIONS, ROOT, build_wheels

pytestmark = pytest.mark.slow


def test_conduit_wheel_has_every_file_of_its_packages(tmp_path: Path) -> None:
    [wheel] = build_wheels(tmp_path, ROOT)
    # The snapshots of `conduit check` are in the checkout only.
    snapshots = {file for file in _files(ROOT, "modules") if file.endswith("/openapi.json")}
    packages = ("modules", "conduit_app", "conduit_devtools")
    assert _contents(wheel) == {file for package in packages for file in _files(ROOT, package)} - snapshots


@pytest.mark.parametrize("plugin", [BOOKMARKS, NOTIFICATIONS], ids=lambda plugin: plugin.name)
def test_plugin_wheel_has_only_its_package(tmp_path: Path, plugin: Path) -> None:
    [wheel] = build_wheels(tmp_path, plugin)
    assert _contents(wheel) == _files(plugin, f"conduit_{plugin.name}")


def _contents(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def _files(distribution: Path, package: str) -> set[str]:
    return {
        file.relative_to(distribution).as_posix()
        for file in (distribution / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
