"""Tests that need a program of the machine."""

from pathlib import Path

import pytest

from tests.program import require_program


def test_a_program_is_found_where_the_path_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "weaver"
    file.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert require_program("weaver") == str(file)


def test_without_its_program_a_test_is_skipped_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install weaver"):
        require_program("weaver")


def test_in_continuous_integration_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install weaver"):
        require_program("weaver")
