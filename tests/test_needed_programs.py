"""Tests that require an installed program."""

from pathlib import Path

import pytest

from tests.program import require_program


def test_program_is_found_in_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "weaver"
    file.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert require_program("weaver") == str(file)


def test_missing_program_skips_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install weaver"):
        require_program("weaver")


def test_missing_program_fails_in_continuous_integration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install weaver"):
        require_program("weaver")
