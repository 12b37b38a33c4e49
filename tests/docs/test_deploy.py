"""The files in deploy/ and docs/running.md match the application."""

import configparser
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped] # its types are a distribution of their own
from fastapi import FastAPI
from typer.testing import CliRunner

from conduit_app.cli import main
from conduit_app.commands.serve import SHUTDOWN_TIMEOUT_SECONDS
from conduit_app.discovery import in_tree
from conduit_app.observability.tracing import FLUSH_TIMEOUT_SECONDS
from conduit_app.settings import Settings, load_settings
from modules.kernel.infrastructure.settings import PREFIX, ModuleSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted([*(file for file in DEPLOY.iterdir() if file.is_file()), ROOT / "docs" / "running.md"])
PUBLIC = [
    "/api/articles",
    "/api/articles/feed",
    "/docs",
    "/docs/guides/operations",
    "/docs/search",
    "/openapi.json",
    "/static-offline-docs/swagger-ui.css",
]
NOT_PUBLIC = ["/metrics", "/health/ready", "/architecture", "/", "/@jake", "/assets/app-1f2e.js"]


def compose_services() -> Any:
    """Return the services of the compose file by their names."""
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_named_setting_exists(file: Path) -> None:
    kinds: list[type[ModuleSettings]] = [
        Settings,
        *(module.settings for module in in_tree() if module.settings is not None),
    ]
    known = {f"{PREFIX}{field}".upper() for kind in kinds for field in kind.model_fields}
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", file.read_text(encoding="utf-8"))) <= known


def test_stop_timeouts_exceed_the_graceful_shutdown() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # as configparser's documentation has it
    unit.read(DEPLOY / "conduit.service", encoding="utf-8")
    [container] = re.findall(
        r"--stop-timeout (\d+)", (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    )
    composed = str(compose_services()["conduit"]["stop_grace_period"]).removesuffix("s")
    for timeout in (unit["Service"]["TimeoutStopSec"], container, composed):
        assert int(timeout) > SHUTDOWN_TIMEOUT_SECONDS + FLUSH_TIMEOUT_SECONDS


@pytest.mark.parametrize("service", ["migrate", "conduit"])
def test_services_of_the_compose_file_have_valid_settings_and_commands(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = compose_services()[service]
    for name, value in found["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+(?::\?[^}]*)?\}", "a" * 40, value))
    settings = load_settings(Settings)
    assert settings.environment == "production"
    # Typer checks the options before it prints the help.
    result = CliRunner().invoke(main, [*found["command"], "--help"])
    assert (result.exit_code, found["command"][0] in result.stdout) == (0, True)


def test_hosts_of_the_compose_file_are_its_services() -> None:
    services = compose_services()
    urls = re.findall(r"@(\w+):5432", (DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert {*urls, services["pgbouncer"]["environment"]["DB_HOST"]} <= services.keys()
    assert services["conduit"]["environment"]["CONDUIT_DATABASE_URL"].count("@pgbouncer") == 1
    for service in services.values():
        assert service.get("depends_on", {}).keys() <= services.keys()


@pytest.mark.parametrize(
    ("file", "line"),
    [("nginx.conf", 'proxy_set_header traceparent "";'), ("Caddyfile", "header_up -traceparent")],
)
def test_proxies_drop_untrusted_traceparent_headers(file: str, line: str) -> None:
    assert line in (text.strip() for text in (DEPLOY / file).read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize(
    ("file", "pattern"), [("nginx.conf", r"keepalive_timeout (\d+)s;"), ("Caddyfile", r"keepalive (\d+)s\n")]
)
def test_proxies_close_idle_connections_before_conduit(file: str, pattern: str) -> None:
    [seconds] = re.findall(pattern, (DEPLOY / file).read_text(encoding="utf-8"))
    assert int(seconds) < Settings.model_fields["keep_alive_timeout"].default


def test_proxies_forward_public_paths_only(application: FastAPI) -> None:
    [nginx] = re.findall(r"location ~ (\^\S+) \{", (DEPLOY / "nginx.conf").read_text(encoding="utf-8"))
    [caddy] = re.findall(r"@conduit path (.+)", (DEPLOY / "Caddyfile").read_text(encoding="utf-8"))
    paths = {*application.openapi()["paths"], *PUBLIC}
    for path in paths:
        assert re.search(nginx, path), path
        assert any(fnmatch(path, pattern) for pattern in caddy.split()), path
    for path in NOT_PUBLIC:
        assert not re.search(nginx, path), path
        assert not any(fnmatch(path, pattern) for pattern in caddy.split()), path


def test_image_copies_exactly_the_files_of_the_build_context() -> None:
    lines = (DEPLOY / "Containerfile").read_text(encoding="utf-8").splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    ignored = (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    context = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert {name for names in copied for name in names} == context
    for name in context:
        assert (ROOT / name).exists(), name
