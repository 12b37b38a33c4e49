"""What is installed is what was written."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.plugins.clean_environment import BOOKMARKS, NOTIFICATIONS, ROOT, build_wheels

pytestmark = pytest.mark.slow


def test_conduits_wheel_holds_every_file_that_runs(tmp_path: Path) -> None:
    [wheel] = build_wheels(tmp_path, ROOT)
    # What `conduit check` compares with lies in the checkout only.
    snapshots = {file for file in _files(ROOT, "modules") if file.endswith("/events.json")}
    packages = ("modules", "conduit_app", "conduit_devtools")
    assert _held(wheel) == {file for package in packages for file in _files(ROOT, package)} - snapshots


@pytest.mark.parametrize("plugin", [BOOKMARKS, NOTIFICATIONS], ids=lambda plugin: plugin.name)
def test_a_plugins_wheel_holds_its_package_and_nothing_else(tmp_path: Path, plugin: Path) -> None:
    [wheel] = build_wheels(tmp_path, plugin)
    assert _held(wheel) == _files(plugin, f"conduit_{plugin.name}")


def _held(wheel: Path) -> set[str]:
    with ZipFile(wheel) as opened:
        return {name for name in opened.namelist() if ".dist-info/" not in name}


def _files(distribution: Path, package: str) -> set[str]:
    return {
        file.relative_to(distribution).as_posix()
        for file in (distribution / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
