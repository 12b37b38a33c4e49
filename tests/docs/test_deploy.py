"""What deploy/ says fits the program that it runs."""

import configparser
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
from fastapi import FastAPI

from conduit_app.commands.serve import SHUTDOWN_TIMEOUT_SECONDS
from conduit_app.discovery import in_tree
from conduit_app.observability.tracing import FLUSH_TIMEOUT_SECONDS
from conduit_app.settings import Settings
from modules.kernel.infrastructure.settings import PREFIX, ModuleSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted([*(file for file in DEPLOY.iterdir() if file.is_file()), ROOT / "docs" / "running.md"])
PUBLIC = [
    "/api/articles",
    "/api/articles/feed",
    "/docs",
    "/docs/guides/operations",
    "/openapi.json",
    "/static-offline-docs/swagger-ui.css",
]
NOT_PUBLIC = ["/metrics", "/health/ready", "/architecture", "/", "/@jake", "/assets/app-1f2e.js"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_setting_that_is_named_is_one(file: Path) -> None:
    kinds: list[type[ModuleSettings]] = [
        Settings,
        *(module.settings for module in in_tree() if module.settings is not None),
    ]
    known = {f"{PREFIX}{field}".upper() for kind in kinds for field in kind.model_fields}
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", file.read_text(encoding="utf-8"))) <= known


def test_who_ends_the_program_waits_longer_than_it_takes() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # as configparser's documentation has it
    unit.read(DEPLOY / "conduit.service", encoding="utf-8")
    [container] = re.findall(
        r"--stop-timeout (\d+)", (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    )
    for waits in (unit["Service"]["TimeoutStopSec"], container):
        assert int(waits) > SHUTDOWN_TIMEOUT_SECONDS + FLUSH_TIMEOUT_SECONDS


@pytest.mark.parametrize(
    ("file", "line"),
    [("nginx.conf", 'proxy_set_header traceparent "";'), ("Caddyfile", "header_up -traceparent")],
)
def test_no_stranger_decides_what_is_traced(file: str, line: str) -> None:
    assert line in (word.strip() for word in (DEPLOY / file).read_text(encoding="utf-8").splitlines())


def test_the_proxies_pass_on_what_is_public_and_nothing_else(application: FastAPI) -> None:
    [nginx] = re.findall(r"location ~ (\^\S+) \{", (DEPLOY / "nginx.conf").read_text(encoding="utf-8"))
    [caddy] = re.findall(r"@conduit path (.+)", (DEPLOY / "Caddyfile").read_text(encoding="utf-8"))
    paths = {*application.openapi()["paths"], *PUBLIC}
    for path in paths:
        assert re.search(nginx, path), path
        assert any(fnmatch(path, one) for one in caddy.split()), path
    for path in NOT_PUBLIC:
        assert not re.search(nginx, path), path
        assert not any(fnmatch(path, one) for one in caddy.split()), path


def test_the_image_is_made_of_what_its_build_is_given() -> None:
    lines = (DEPLOY / "Containerfile").read_text(encoding="utf-8").splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    ignored = (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    given = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert {name for names in copied for name in names} == given
    for name in given:
        assert (ROOT / name).exists(), name
