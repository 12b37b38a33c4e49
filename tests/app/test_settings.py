from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import Field

from conduit_app.application import compose_from_settings
from conduit_app.client_network import parse_network, spellings
from conduit_app.discovery import discover
from conduit_app.settings import DEFAULT_MAX_BODY_SIZE, Settings, SettingsError, load_settings, reject_unknown
from modules.kernel.infrastructure.settings import ModuleSettings

SECRET = "thirty-two bytes are just enough"


class Shop(ModuleSettings):
    """The settings of a sample module."""

    opening_time: timedelta = timedelta(hours=9)
    closed_on: str = "Sunday"


def load_error(kind: type[ModuleSettings] = Settings) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(kind)
    return str(caught.value)


def unknown_name_error() -> str:
    with pytest.raises(SettingsError) as caught:
        reject_unknown([Settings, Shop])
    return str(caught.value)


class TestLogFormat:
    @pytest.mark.parametrize(
        ("environment", "log_format", "json"),
        [
            ("development", None, False),
            ("production", None, True),
            ("development", "json", True),
            ("production", "console", False),
        ],
    )
    def test_production_logs_json_by_default(
        self, monkeypatch: pytest.MonkeyPatch, environment: str, log_format: str | None, json: bool
    ) -> None:
        monkeypatch.setenv("CONDUIT_SECRET_KEY", SECRET)
        monkeypatch.setenv("CONDUIT_ENVIRONMENT", environment)
        if log_format is not None:
            monkeypatch.setenv("CONDUIT_LOG_FORMAT", log_format)
        assert load_settings(Settings).logs_json is json


class TestSources:
    def test_dot_env_file_is_read(self, folder: Path) -> None:
        (folder / ".env").write_text("CONDUIT_LOG_LEVEL=error\n", encoding="utf-8")
        assert load_settings(Settings).log_level == "error"

    def test_environment_overrides_dot_env_file(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / ".env").write_text("CONDUIT_LOG_LEVEL=error\n", encoding="utf-8")
        monkeypatch.setenv("CONDUIT_LOG_LEVEL", "debug")
        assert load_settings(Settings).log_level == "debug"

    def test_names_without_prefix_are_ignored(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / ".env").write_text("COMPOSE_PROJECT_NAME=blog\n", encoding="utf-8")
        monkeypatch.setenv("DATABASE_URL", "postgresql://other")
        reject_unknown([Settings])
        assert load_settings(Settings).database_url == "sqlite+aiosqlite:///var/conduit.db"

    def test_module_settings_are_loaded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_OPENING_TIME", "PT7H")
        reject_unknown([Settings, Shop])
        assert load_settings(Shop).opening_time == timedelta(hours=7)


class TestLists:
    def test_list_is_comma_separated(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_DISABLED_MODULES", "comments, articles,")
        assert load_settings(Settings).disabled_modules == ("comments", "articles")

    def test_empty_value_is_an_empty_list(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_CORS_ORIGINS", "")
        assert load_settings(Settings).cors_origins == ()


class TestUnknownNames:
    def test_misspelled_name_suggests_the_right_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_DATABSE_URL", "sqlite+aiosqlite:///other.db")
        assert unknown_name_error() == (
            "unknown setting CONDUIT_DATABSE_URL, did you mean CONDUIT_DATABASE_URL?"
        )

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("KEPT_ANSWERS_SIZE", "RESPONSE_CACHE_SIZE"),
            ("PASSWORD_HASHING_AT_ONCE", "PASSWORD_HASHING_CONCURRENCY"),
        ],
    )
    def test_renamed_setting_suggests_its_new_name(
        self, monkeypatch: pytest.MonkeyPatch, old: str, new: str
    ) -> None:
        monkeypatch.setenv(f"CONDUIT_{old}", "1")
        with pytest.raises(SettingsError) as caught:
            compose_from_settings(load_settings(Settings))
        assert str(caught.value) == f"unknown setting CONDUIT_{old}, did you mean CONDUIT_{new}?"

    def test_misspelled_name_in_dot_env_file_is_rejected(self, folder: Path) -> None:
        (folder / ".env").write_text("CONDUIT_LOGLEVEL=error\n", encoding="utf-8")
        assert unknown_name_error() == "unknown setting CONDUIT_LOGLEVEL, did you mean CONDUIT_LOG_LEVEL?"

    def test_dissimilar_name_lists_all_settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_XYZZY", "1")
        with pytest.raises(SettingsError) as caught:
            reject_unknown([Shop])
        assert str(caught.value) == (
            "unknown setting CONDUIT_XYZZY; there are CONDUIT_CLOSED_ON, CONDUIT_OPENING_TIME"
        )

    def test_setting_of_a_plugin_that_is_not_installed_is_to_be_removed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CONDUIT_FEEDS_API_URL", "https://blog.example.com")
        with pytest.raises(SettingsError) as caught:
            reject_unknown([Settings])
        assert str(caught.value).startswith(
            "unknown setting CONDUIT_FEEDS_API_URL: if it is left over from a plugin that is not installed, "
            "remove it; there are CONDUIT_"
        )

    @pytest.mark.parametrize("name", ["FEEDS_TITEL", "FEEDS_COLOR"])
    def test_misspelled_setting_of_an_installed_plugin_is_not_left_over(
        self, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        class Feeds(ModuleSettings):
            feeds_title: str = Field("Conduit", description="title of the feeds")

        monkeypatch.setenv(f"CONDUIT_{name}", "Dragons")
        with pytest.raises(SettingsError, match=f"^unknown setting CONDUIT_{name}[,;] "):
            reject_unknown([Feeds])

    def test_application_does_not_start_with_unknown_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_TOKEN_LIFE", "60")
        with pytest.raises(SettingsError, match="did you mean CONDUIT_TOKEN_LIFETIME"):
            compose_from_settings(load_settings(Settings))

    def test_settings_of_disabled_module_are_known(self, monkeypatch: pytest.MonkeyPatch) -> None:
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
    def test_error_names_the_setting_without_its_value(
        self, monkeypatch: pytest.MonkeyPatch, name: str, problem: str
    ) -> None:
        monkeypatch.setenv(f"CONDUIT_{name}", "open sesame")
        assert load_error() == f"CONDUIT_{name}: {problem}"

    def test_total_body_size_below_that_of_one_body_is_rejected(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CONDUIT_MAX_TOTAL_BODY_SIZE", str(DEFAULT_MAX_BODY_SIZE - 1))
        assert load_error() == "CONDUIT_MAX_TOTAL_BODY_SIZE is less than CONDUIT_MAX_BODY_SIZE"

    def test_error_of_module_setting_omits_its_value(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_OPENING_TIME", "open sesame")
        assert load_error(Shop).startswith("CONDUIT_OPENING_TIME: ")
        assert "sesame" not in load_error(Shop)

    @pytest.mark.parametrize("url", ["open sesame", "postgresql+psycopg://me:sesame@host:port/blog"])
    def test_invalid_database_url_is_rejected_without_its_value(
        self, monkeypatch: pytest.MonkeyPatch, url: str
    ) -> None:
        monkeypatch.setenv("CONDUIT_DATABASE_URL", url)
        with pytest.raises(SettingsError) as caught:
            compose_from_settings(load_settings(Settings))
        assert str(caught.value) == (
            "CONDUIT_DATABASE_URL: invalid database URL (example: sqlite+aiosqlite:///var/conduit.db)"
        )

    def test_unsupported_database_is_rejected_with_supported_ones(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CONDUIT_DATABASE_URL", "mysql://me:sesame@host/blog")
        with pytest.raises(SettingsError) as caught:
            compose_from_settings(load_settings(Settings))
        assert str(caught.value) == (
            "CONDUIT_DATABASE_URL: cannot use mysql: it is sqlite+aiosqlite or postgresql+psycopg"
        )


class TestProxies:
    def test_addresses_and_networks_are_accepted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_TRUSTED_PROXIES", "192.0.2.1, 10.0.0.0/8, ::1")
        assert load_settings(Settings).trusted_proxies == ("192.0.2.1", "10.0.0.0/8", "::1")

    @pytest.mark.parametrize("value", ["*", "proxy.example"])
    def test_other_values_are_rejected(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("CONDUIT_TRUSTED_PROXIES", value)
        assert load_error().startswith("CONDUIT_TRUSTED_PROXIES: ")

    @pytest.mark.parametrize(
        ("value", "networks"),
        [
            ("127.0.0.1", ["127.0.0.1/32", "::ffff:7f00:1/128"]),
            ("::ffff:127.0.0.1", ["127.0.0.1/32", "::ffff:7f00:1/128"]),
            ("10.0.0.7/8", ["10.0.0.0/8", "::ffff:a00:0/104"]),
            ("::ffff:10.0.0.0/104", ["10.0.0.0/8", "::ffff:a00:0/104"]),
            ("::1", ["::1/128"]),
            ("2001:db8::/32", ["2001:db8::/32"]),
            ("::/0", ["::/0"]),
        ],
    )
    def test_ipv4_mapped_address_is_the_ipv4_address(self, value: str, networks: list[str]) -> None:
        assert spellings(parse_network(value)) == networks


class TestOrigins:
    @pytest.mark.parametrize(
        ("value", "origin"),
        [
            ("*", "*"),
            ("null", "null"),
            ("https://blog.example.com/", "https://blog.example.com"),
            ("HTTPS://Blog.Example.com", "https://blog.example.com"),
            ("https://blog.example.com:443", "https://blog.example.com"),
            ("http://blog.example.com:80/", "http://blog.example.com"),
            ("http://LOCALHOST:3000/", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("capacitor://localhost", "capacitor://localhost"),
        ],
    )
    def test_origin_is_as_browsers_send_it(
        self, monkeypatch: pytest.MonkeyPatch, value: str, origin: str
    ) -> None:
        monkeypatch.setenv("CONDUIT_CORS_ORIGINS", value)
        assert load_settings(Settings).cors_origins == (origin,)

    @pytest.mark.parametrize(
        "value",
        [
            "blog.example.com",
            "localhost:3000",
            "https://",
            "https://*.example.com",
            "https://blog.example.com/page",
            "https://blog.example.com/?page",
            "https://blog.example.com/#page",
            "https://me:sesame@blog.example.com",
            "file:///page",
        ],
    )
    def test_origin_that_never_matches_is_rejected(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("CONDUIT_CORS_ORIGINS", f"https://a.example, {value}")
        assert load_error() == (
            "CONDUIT_CORS_ORIGINS: an origin is a scheme, a host and a port, without wildcards "
            "(example: https://blog.example.com)"
        )


class TestRootPath:
    @pytest.mark.parametrize(
        ("value", "path"), [("", None), ("/", None), ("/conduit", "/conduit"), ("/a/b-c/", "/a/b-c")]
    )
    def test_path_has_no_slash_at_the_end(
        self, monkeypatch: pytest.MonkeyPatch, value: str, path: str | None
    ) -> None:
        monkeypatch.setenv("CONDUIT_ROOT_PATH", value)
        assert load_settings(Settings).root_path == path

    @pytest.mark.parametrize("value", ["conduit", "/a b", "//a", "https://a.example/conduit", '/"', "/%20"])
    def test_other_values_are_rejected(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("CONDUIT_ROOT_PATH", value)
        assert load_error() == (
            "CONDUIT_ROOT_PATH: must be a path without special characters (example: /conduit)"
        )


class TestSecretKey:
    def test_secret_key_is_required_in_production(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_ENVIRONMENT", "production")
        assert load_error() == "CONDUIT_SECRET_KEY is required (at least 32 bytes)"

    def test_31_bytes_are_rejected(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_ENVIRONMENT", "production")
        monkeypatch.setenv("CONDUIT_SECRET_KEY", SECRET[:-1])
        assert load_error() == "CONDUIT_SECRET_KEY is too short (at least 32 bytes)"

    def test_32_bytes_are_accepted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_ENVIRONMENT", "production")
        monkeypatch.setenv("CONDUIT_SECRET_KEY", SECRET)
        assert load_settings(Settings).secret_key == SECRET

    def test_length_is_counted_in_bytes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_SECRET_KEY", "ключ" * 4)
        assert load_settings(Settings).secret_key == "ключ" * 4

    def test_short_previous_key_is_rejected(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDUIT_PREVIOUS_SECRET_KEYS", f"{SECRET},{SECRET[:-1]}")
        assert load_error() == "CONDUIT_PREVIOUS_SECRET_KEYS: one of them is too short (at least 32 bytes)"

    @pytest.mark.parametrize("name", ["SECRET_KEY", "PREVIOUS_SECRET_KEYS"])
    def test_keys_are_not_in_the_representation(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        monkeypatch.setenv(f"CONDUIT_{name}", SECRET)
        assert SECRET not in f"{load_settings(Settings)!r} {load_settings(Settings)}"
