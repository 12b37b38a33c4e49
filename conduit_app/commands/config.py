"""`conduit config`."""

import os
from collections.abc import Iterator, Mapping
from itertools import chain

import typer
from dotenv import dotenv_values

from conduit_app.commands.errors import reporting_errors
from conduit_app.discovery import discover
from conduit_app.settings import Settings, load_settings, reject_unknown
from modules.kernel.infrastructure.persistence.engines import parse_url, redact_password
from modules.kernel.infrastructure.settings import ENV_FILE, PREFIX, ModuleSettings

SECRET = "********"  # noqa: S105 - instead of one


def config() -> None:
    """Print every setting in force and where it is from.

    Example: conduit config

    That is the environment, .env or the default. Secrets are masked, and passwords in URLs too.
    """
    with reporting_errors():
        kinds: list[type[ModuleSettings]] = [Settings]
        kinds += (module.settings for module in discover() if module.settings is not None)
        reject_unknown(kinds)
        rows = list(chain.from_iterable(_rows(load_settings(kind)) for kind in kinds))
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for name, value, source in rows:
        typer.echo(f"{name:{widths[0]}}  {value:{widths[1]}}  {source}")


def _rows(settings: ModuleSettings) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the value and the source of each setting."""
    sources = {**_upper(dotenv_values(ENV_FILE), ENV_FILE), **_upper(os.environ, "environment")}
    values = settings.model_dump(mode="json")
    for field, information in type(settings).model_fields.items():
        name, value = f"{PREFIX}{field}".upper(), values[field]
        yield name, _shown(field, value, is_secret=not information.repr), sources.get(name, "default")


def _upper(names: Mapping[str, object], source: str) -> Mapping[str, str]:
    # As the settings are read: in any case.
    return {name.upper(): source for name in names}


def _shown(field: str, value: object, *, is_secret: bool) -> str:
    if value is None or value in ("", []):
        return "-"
    if is_secret:
        return SECRET
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return (
        redact_password(parse_url(str(value)))
        if field.startswith("database_") and "://" in str(value)
        else str(value)
    )
