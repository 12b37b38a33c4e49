from datetime import timedelta
from pathlib import Path

import pytest

from conduit_app.application import compose_from_settings
from conduit_app.discovery import discover
from conduit_app.settings import Settings, SettingsError, load_settings, reject_unknown
from modules.kernel.infrastructure.settings import ModuleSettings

SECRET = "thirty-two bytes are just enough"


class Shop(ModuleSettings):
    """The settings of a module that is none of Conduit's."""

    opening_time: timedelta = timedelta(hours=9)
    closed_on: str = "Sunday"


def refusal(kind: type[ModuleSettings] = Settings) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(kind)
    return str(caught.value)


def refusal_of_names() -> str:
    with pytest.raises(SettingsError) as caught:
        reject_unknown([Settings, Shop])
    return str(caught.value)


class TestDefaults:
    def test_are_those_of_development_on_the_embedded_database(self) -> None:
        settings = load_settings(Settings)
        assert settings.environment == "development"
        assert settings.database_url == "sqlite+aiosqlite:///var/conduit.db"
        assert settings.database_synchronous == "FULL"
        assert settings.secret_key is None
        assert settings.disabled_modules == ()
        assert settings.cors_origins == ("*",)
        assert settings.log_level == "info"
        assert settings.max_body_size == 1_048_576

    def test_every_setting_says_what_it_is_for(self) -> None:
        assert [name for name, field in Settings.model_fields.items() if not field.description] == []

    @pytest.mark.parametrize(
        ("environment", "log_format", "json"),
        [
            ("development", None, False),
            ("production", None, True),
            ("development", "json", True),
            ("production", "console", False),
        ],
    )
    def test_logs_are_json_in_production_unless_something_else_is_said(
        self, monkeypatch: pytest.MonkeyPatch, environment: str, log_format: str | None, json: bool
    ) -> None:
        monkeypatch.setenv("CONDUIT_SECRET_KEY", SECRET)
        monkeypatch.setenv("CONDUIT_ENVIRONMENT", environment)
        if log_format is not None:
            monkeypatch.setenv("CONDUIT_LOG_FORMAT", log_format)
        assert load_settings(Settings).logs_json is json


class TestSources:
    def test_a_dot_env_file_is_read(self, folder: Path) -> None:
        (folder / ".env").write_text("CONDUIT_LOG_LEVEL=error\n", encoding="utf-8")
        assert load_settings(Settings).log_level == "error"

    def test_the_environment_wins_over_the_file(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / ".env").write_text("CONDUIT_LOG_LEVEL=error\n", encoding="utf-8")
        monkeypatch.setenv("CONDUIT_LOG_LEVEL", "debug")
        assert load_settings(Settings).log_level == "debug"

    def test_what_is_not_conduits_is_left_alone(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / ".env").write_text("COMPOSE_PROJECT_NAME=blog\n", encoding="utf-8")
        monkeypatch.setenv("DATABASE_URL", "somebody else's")
        reject_unknown([Settings])
        assert load_settings(Settings).database_url == "sqlite+aiosqlite:///var/conduit.db"

    def test_a_module_has_settings_of_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_OPENING_TIME", "PT7H")
        reject_unknown([Settings, Shop])
        assert load_settings(Shop).opening_time == timedelta(hours=7)


class TestLists:
    def test_names_are_separated_by_commas(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_DISABLED_MODULES", "comments, articles,")
        assert load_settings(Settings).disabled_modules == ("comments", "articles")

    def test_an_empty_list_is_no_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_CORS_ORIGINS", "")
        assert load_settings(Settings).cors_origins == ()


class TestUnknownNames:
    def test_a_misspelt_name_is_answered_with_the_right_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_DATABSE_URL", "sqlite+aiosqlite:///other.db")
        assert refusal_of_names() == (
            "unknown setting CONDUIT_DATABSE_URL, did you mean CONDUIT_DATABASE_URL?"
        )

    def test_so_is_one_in_the_dot_env_file(self, folder: Path) -> None:
        (folder / ".env").write_text("CONDUIT_LOGLEVEL=error\n", encoding="utf-8")
        assert refusal_of_names() == "unknown setting CONDUIT_LOGLEVEL, did you mean CONDUIT_LOG_LEVEL?"

    def test_a_name_like_no_other_is_answered_with_all_there_are(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CONDUIT_XYZZY", "1")
        with pytest.raises(SettingsError) as caught:
            reject_unknown([Shop])
        assert str(caught.value) == (
            "unknown setting CONDUIT_XYZZY; there are CONDUIT_CLOSED_ON, CONDUIT_OPENING_TIME"
        )

    def test_the_application_does_not_start_with_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_TOKEN_LIFE", "60")
        with pytest.raises(SettingsError, match="did you mean CONDUIT_TOKEN_LIFETIME"):
            compose_from_settings(load_settings(Settings))

    def test_the_settings_of_a_module_that_is_switched_off_are_known(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CONDUIT_DISABLED_MODULES", ", ".join(module.name for module in discover()))
        monkeypatch.setenv("CONDUIT_TOKEN_LIFETIME", "60")
        assert compose_from_settings(load_settings(Settings)).modules == []


class TestBadValues:
    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ("ENVIRONMENT", "Input should be 'development' or 'production'"),
            ("DATABASE_SYNCHRONOUS", "Input should be 'FULL' or 'NORMAL'"),
            ("LOG_FORMAT", "Input should be 'console' or 'json'"),
            ("LOG_LEVEL", "Input should be 'debug', 'info', 'warning' or 'error'"),
            ("MAX_BODY_SIZE", "Input should be a valid integer, unable to parse string as an integer"),
        ],
    )
    def test_one_line_names_the_setting_and_not_the_value(
        self, monkeypatch: pytest.MonkeyPatch, name: str, problem: str
    ) -> None:
        monkeypatch.setenv(f"CONDUIT_{name}", "open sesame")
        assert refusal() == f"CONDUIT_{name}: {problem}"

    def test_that_holds_for_the_settings_of_a_module(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_OPENING_TIME", "open sesame")
        assert refusal(Shop).startswith("CONDUIT_OPENING_TIME: ")
        assert "sesame" not in refusal(Shop)

    @pytest.mark.parametrize("url", ["open sesame", "postgresql+psycopg://me:sesame@host:port/blog"])
    def test_that_holds_for_the_database_url(self, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        monkeypatch.setenv("CONDUIT_DATABASE_URL", url)
        with pytest.raises(SettingsError) as caught:
            compose_from_settings(load_settings(Settings))
        assert str(caught.value) == (
            "CONDUIT_DATABASE_URL: this is no database URL; one is sqlite+aiosqlite:///var/conduit.db"
        )

    def test_a_database_of_another_kind_is_refused_by_what_would_do(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CONDUIT_DATABASE_URL", "mysql://me:sesame@host/blog")
        with pytest.raises(SettingsError) as caught:
            compose_from_settings(load_settings(Settings))
        assert str(caught.value) == (
            "CONDUIT_DATABASE_URL: cannot use mysql: it is sqlite+aiosqlite or postgresql+psycopg"
        )


class TestProxies:
    def test_addresses_and_networks_can_be_trusted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_TRUSTED_PROXIES", "192.0.2.1, 10.0.0.0/8, ::1")
        assert load_settings(Settings).trusted_proxies == ("192.0.2.1", "10.0.0.0/8", "::1")

    @pytest.mark.parametrize("everybody", ["*", "proxy.example"])
    def test_nothing_else_can(self, monkeypatch: pytest.MonkeyPatch, everybody: str) -> None:
        monkeypatch.setenv("CONDUIT_TRUSTED_PROXIES", everybody)
        assert refusal().startswith("CONDUIT_TRUSTED_PROXIES: ")


class TestSecret:
    def test_production_refuses_to_start_without_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_ENVIRONMENT", "production")
        assert refusal() == "CONDUIT_SECRET_KEY is required (at least 32 bytes)"

    def test_31_bytes_are_too_few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_ENVIRONMENT", "production")
        monkeypatch.setenv("CONDUIT_SECRET_KEY", SECRET[:-1])
        assert refusal() == "CONDUIT_SECRET_KEY is too short (at least 32 bytes)"

    def test_32_bytes_are_enough(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_ENVIRONMENT", "production")
        monkeypatch.setenv("CONDUIT_SECRET_KEY", SECRET)
        assert load_settings(Settings).secret_key == SECRET

    def test_bytes_count_not_characters(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_SECRET_KEY", "ключ" * 4)
        assert load_settings(Settings).secret_key == "ключ" * 4

    def test_an_earlier_one_has_to_be_as_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_PREVIOUS_SECRET_KEYS", f"{SECRET},{SECRET[:-1]}")
        assert refusal() == "CONDUIT_PREVIOUS_SECRET_KEYS: one of them is too short (at least 32 bytes)"

    @pytest.mark.parametrize("name", ["SECRET_KEY", "PREVIOUS_SECRET_KEYS"])
    def test_it_is_not_in_what_the_settings_print_as(
        self, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setenv(f"CONDUIT_{name}", SECRET)
        assert SECRET not in f"{load_settings(Settings)!r} {load_settings(Settings)}"
