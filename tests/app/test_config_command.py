"""`conduit config` prints the settings in force."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conduit_app.cli import main

KEY = "a secret of the tests that is long enough"


def rows(**settings: str) -> Mapping[str, tuple[str, str]]:
    """Return the value and the source of each setting."""
    environment = {f"CONDUIT_{name}": value for name, value in settings.items()}
    result = CliRunner().invoke(main, ["config"], env=environment)
    assert result.exit_code == 0, result.output
    columns = [line.rsplit(None, 1) for line in result.stdout.splitlines()]
    return {
        name: (value.strip(), source) for row, source in columns for name, _, value in [row.partition(" ")]
    }


def test_settings_have_their_source(folder: Path) -> None:
    (folder / ".env").write_text(
        "CONDUIT_LOG_LEVEL=error\nconduit_login_limit=3 per hour\n", encoding="utf-8"
    )
    shown = rows(LOG_LEVEL="warning", CORS_ORIGINS="https://a.example,https://b.example")
    assert shown["CONDUIT_LOG_LEVEL"] == ("warning", "environment")
    assert shown["CONDUIT_LOGIN_LIMIT"] == ("3 per hour", ".env")
    assert shown["CONDUIT_CORS_ORIGINS"] == ("https://a.example,https://b.example", "environment")
    assert shown["CONDUIT_DATABASE_PREPARES_STATEMENTS"] == ("true", "default")
    assert shown["CONDUIT_ROOT_PATH"] == ("-", "default")


@pytest.mark.usefixtures("folder")
def test_secrets_are_masked() -> None:
    url = "postgresql+psycopg://jake:opensesame@h/blog?password=opensesame"
    shown = rows(SECRET_KEY=KEY, PREVIOUS_SECRET_KEYS=KEY, DATABASE_URL=url, DATABASE_READ_URL=url)
    assert shown["CONDUIT_SECRET_KEY"] == shown["CONDUIT_PREVIOUS_SECRET_KEYS"] == ("********", "environment")
    assert shown["CONDUIT_DATABASE_URL"] == ("postgresql+psycopg://jake:***@h/blog", "environment")
    assert "opensesame" not in str(shown)


@pytest.mark.usefixtures("folder")
def test_bad_setting_is_one_line() -> None:
    result = CliRunner().invoke(main, ["config"], env={"CONDUIT_LOG_LEVEL": "loud"})
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("conduit: CONDUIT_LOG_LEVEL: ")
