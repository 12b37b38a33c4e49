"""The settings of the application. Modules define their own; all share the prefix CONDUIT_."""

import difflib
import os
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from dotenv import dotenv_values
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import Url
from pydantic_settings import NoDecode

from conduit_app.client_network import parse_network
from modules.kernel.domain.text import MAX_TEXT_LENGTH
from modules.kernel.infrastructure.persistence.postgresql import POOL_SIZE
from modules.kernel.infrastructure.persistence.replica import MAX_REPLICA_LAG_SECONDS
from modules.kernel.infrastructure.settings import ENV_FILE, PREFIX, ModuleSettings

MIN_SECRET_BYTES = 32
# A character that is escaped as a surrogate pair (RFC 8259, 7): \ud83d\udc09. Many libraries escape all that
# is not ASCII.
MAX_BYTES_PER_CHARACTER = 12
# For the other fields of a request, also escaped: of an article, at most 92,000 bytes.
OTHER_FIELDS_SIZE = 200_000
DEFAULT_MAX_BODY_SIZE = MAX_BYTES_PER_CHARACTER * MAX_TEXT_LENGTH + OTHER_FIELDS_SIZE
# Every build of a single-page application has one of them.
FRONTEND_PAGES = ("index.html", "200.html")
ROOT_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*/?")
DEFAULT_PORTS = {"http": 80, "https": 443}

# The similarity above which an unknown name is a misspelled one.
MISSPELLED = 0.8
# Names of before 1.0, for the hint.
RENAMED = {
    f"{PREFIX}KEPT_ANSWERS_SIZE": f"{PREFIX}RESPONSE_CACHE_SIZE",
    f"{PREFIX}PASSWORD_HASHING_AT_ONCE": f"{PREFIX}PASSWORD_HASHING_CONCURRENCY",
}

SettingsT = TypeVar("SettingsT", bound=ModuleSettings)
CommaSeparated = Annotated[tuple[str, ...], NoDecode]


class SettingsError(Exception):
    """A setting is unknown or invalid; the message is one line for the operator."""


class Settings(ModuleSettings):
    """The settings of a deployment."""

    environment: Literal["development", "production"] = Field(
        "development", description="`production` requires a secret key and logs JSON"
    )
    database_url: str = Field(
        "sqlite+aiosqlite:///var/conduit.db", description="database URL: SQLite or PostgreSQL"
    )
    database_synchronous: Literal["FULL", "NORMAL"] = Field(
        "FULL", description="SQLite durability: with FULL, a commit survives a power failure"
    )
    database_read_url: str | None = Field(
        None, description="PostgreSQL: read replica for requests without a token"
    )
    database_max_replica_lag: float = Field(
        MAX_REPLICA_LAG_SECONDS,
        ge=2,
        description="PostgreSQL: read the primary while the replica is further behind, in seconds",
    )
    database_listen_url: str | None = Field(
        None,
        description="PostgreSQL: another URL for notifications, which a pooler in transaction mode does not "
        "deliver",
    )
    database_prepares_statements: bool = Field(
        True,
        description="PostgreSQL: prepare statements, which some poolers in transaction mode do not support",
    )
    database_pool_size: int = Field(
        POOL_SIZE,
        ge=1,
        description="PostgreSQL: connection pool size per process, for writing and again for reading",
    )
    database_isolates_modules: bool | None = Field(
        None,
        description="refuse statements of a module on tables of another; default: yes in development, no in "
        "production",
    )
    secret_key: str | None = Field(
        None,
        repr=False,
        description="key that signs tokens and cursors, at least 32 bytes; generated in development",
    )
    previous_secret_keys: CommaSeparated = Field(
        (),
        repr=False,
        description="previous secret keys still accepted for tokens, cursors and idempotency keys, "
        "comma-separated",
    )
    disabled_modules: CommaSeparated = Field((), description="modules to disable, comma-separated")
    served_modules: CommaSeparated = Field(
        (),
        description="modules whose routes this process serves, comma-separated; default: all",
    )
    cors_origins: CommaSeparated = Field(("*",), description="allowed CORS origins, comma-separated")
    delivery_retention: timedelta = Field(
        timedelta(days=90),
        gt=timedelta(0),
        description="how long events that cannot be delivered stay in the outbox: seconds, or an ISO 8601 "
        "duration",
    )
    log_format: Literal["console", "json"] | None = Field(
        None, description="`console` or `json`; default: console in development, JSON in production"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="minimum log level")
    log_client_addresses: Literal["full", "network", "none"] = Field(
        "full",
        description="client addresses in log lines: `full`, `network` (/24 of IPv4, /48 of IPv6) or `none`",
    )
    audit_log: Path | None = Field(
        None,
        description="file of the audit trail, which commands append to, too; default: the other log lines",
    )
    response_cache_size: int = Field(
        33_554_432, ge=0, description="response cache size in bytes; 0 disables it"
    )
    frontend_dir: Path | None = Field(
        None, description="a built single-page application to serve at `/`: the folder with its index.html"
    )
    max_body_size: int = Field(
        DEFAULT_MAX_BODY_SIZE,
        ge=1_024,
        description="maximum request body size in bytes; by default, the longest article fits, "
        "however encoded",
    )
    frontend_content_security_policy: str | None = Field(
        None,
        description="Content-Security-Policy of the frontend's pages instead of the default one; `{scripts}` "
        "stands for the sources of the scripts in a page; empty for none",
    )
    max_total_body_size: int = Field(
        134_217_728,
        ge=1_024,
        description="maximum size of all request bodies in memory per process, in bytes; more get a 503",
    )
    max_url_size: int = Field(8_192, ge=256, description="maximum URL length in bytes")
    max_headers_size: int = Field(
        32_768, ge=1_024, description="maximum size of all request headers in bytes"
    )
    max_requests: int = Field(
        500,
        ge=1,
        description="maximum concurrent requests per process that are complete; more get a 503",
    )
    max_streams: int = Field(
        500, ge=1, description="maximum open streams of events per process; more get a 503"
    )
    max_connections: int = Field(
        2_000, ge=1, description="maximum open connections per process; more get a 503"
    )
    max_connections_per_address: int = Field(
        500,
        ge=1,
        description="maximum open connections per client address and process, except from trusted proxies; "
        "beyond it the oldest one that is idle or sends slowly is closed, or the new one gets a 503",
    )
    keep_alive_timeout: float = Field(
        75, gt=0, description="time in seconds after which an idle connection is closed"
    )
    header_timeout: float = Field(10, gt=0, description="timeout in seconds for reading request headers")
    body_timeout: float = Field(
        30, gt=0, description="timeout in seconds for reading a request body or writing a response"
    )
    worker_timeout: int = Field(
        60,
        ge=1,
        description="timeout in seconds of the health checks of worker processes, startup included; "
        "beyond it a worker is replaced",
    )
    root_path: str | None = Field(
        None,
        description="path below which a reverse proxy serves Conduit, such as `/conduit`; default: none",
    )
    trusted_proxies: CommaSeparated = Field(
        (),
        description="addresses or networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are trusted, "
        "comma-separated",
    )

    @field_validator("frontend_dir")
    @classmethod
    def _validate_frontend_dir(cls, value: Path | None) -> Path | None:
        if value is not None and not any((value / name).is_file() for name in FRONTEND_PAGES):
            raise ValueError(f"there is no {' or '.join(FRONTEND_PAGES)} in {value}")
        return value

    @field_validator("frontend_content_security_policy")
    @classmethod
    def _validate_frontend_policy(cls, value: str | None) -> str | None:
        if value is not None and not (value.isascii() and value.isprintable()):
            raise ValueError("a header has one line of printable ASCII characters")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _validate_trusted_proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            parse_network(network)
        return value

    @field_validator("root_path")
    @classmethod
    def _validate_root_path(cls, value: str | None) -> str | None:
        if value is not None and not ROOT_PATH.fullmatch(value):
            raise ValueError("must be a path without special characters (example: /conduit)")
        return (value or "").rstrip("/") or None

    @field_validator("cors_origins")
    @classmethod
    def _normalize_cors_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_origin(origin) for origin in value)

    @field_validator(
        "disabled_modules",
        "served_modules",
        "cors_origins",
        "previous_secret_keys",
        "trusted_proxies",
        mode="before",
    )
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @model_validator(mode="after")
    def _validate_secret_keys(self) -> "Settings":
        if self.secret_key is None:
            if self.environment == "production":
                raise ValueError(f"{PREFIX}SECRET_KEY is required (at least {MIN_SECRET_BYTES} bytes)")
        elif len(self.secret_key.encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"{PREFIX}SECRET_KEY is too short (at least {MIN_SECRET_BYTES} bytes)")
        if any(len(key.encode()) < MIN_SECRET_BYTES for key in self.previous_secret_keys):
            problem = f"one of them is too short (at least {MIN_SECRET_BYTES} bytes)"
            raise ValueError(f"{PREFIX}PREVIOUS_SECRET_KEYS: {problem}")
        return self

    @model_validator(mode="after")
    def _validate_body_sizes(self) -> "Settings":
        if self.max_total_body_size < self.max_body_size:
            # A larger body would get a 503 with Retry-After again and again.
            raise ValueError(f"{PREFIX}MAX_TOTAL_BODY_SIZE is less than {PREFIX}MAX_BODY_SIZE")
        return self

    @field_validator("audit_log")
    @classmethod
    def _require_absolute(cls, file: Path | None) -> Path | None:
        if file is not None and not file.is_absolute():
            # It would be another file in each working directory of an operator.
            raise ValueError("must be an absolute path")
        return file

    @property
    def isolates_modules(self) -> bool:
        """Whether statements of a module on tables of another are refused."""
        return (
            self.environment == "development"
            if self.database_isolates_modules is None
            else self.database_isolates_modules
        )

    @property
    def logs_json(self) -> bool:
        """Whether log lines are JSON."""
        return (self.log_format or ("json" if self.environment == "production" else "console")) == "json"


def _origin(text: str) -> str:
    """Return an origin as browsers send it (https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin).

    Raises `ValueError` for one that no browser sends.
    """
    if text in {"*", "null"}:
        return text
    problem = (
        "an origin is a scheme, a host and a port, without wildcards (example: https://blog.example.com)"
    )
    try:
        url = Url(text)
    except ValidationError:
        # Its message contains the value.
        raise ValueError(problem) from None
    if (
        not url.host
        or "*" in url.host
        or (url.path or "/") != "/"
        or url.username
        or url.password
        or url.query
        or url.fragment
    ):
        raise ValueError(problem)
    port = "" if url.port in {None, DEFAULT_PORTS.get(url.scheme)} else f":{url.port}"
    return f"{url.scheme}://{url.host}{port}"


def load_settings(kind: type[SettingsT]) -> SettingsT:
    """Return settings from the environment and `.env`; raise `SettingsError` for a bad value."""
    try:
        return kind()
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]
        name = "".join(f"{PREFIX}{part}".upper() + ": " for part in problem["loc"])
        raise SettingsError(f"{name}{problem['msg'].removeprefix('Value error, ')}") from error


def reject_unknown(kinds: Iterable[type[ModuleSettings]]) -> None:
    """Raise `SettingsError` for a CONDUIT_ name in the environment or `.env` that is no setting of these."""
    known = {f"{PREFIX}{field}".upper() for kind in kinds for field in kind.model_fields}
    for name in {**dotenv_values(ENV_FILE), **os.environ}:
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise SettingsError(f"unknown setting {name}{_hint(name.upper(), sorted(known))}")


def _hint(unknown: str, known: Sequence[str]) -> str:
    # Compared without the prefix, which would make all names similar.
    suffix, by_suffix = unknown.removeprefix(PREFIX), {name.removeprefix(PREFIX): name for name in known}
    similar = difflib.get_close_matches(suffix, by_suffix, n=1)
    suggestion = RENAMED.get(unknown) or (by_suffix[similar[0]] if similar else None)
    hint = f", did you mean {suggestion}?" if suggestion else f"; there are {', '.join(known)}"
    # By convention, the settings of a plugin begin with its name.
    module, _, setting = suffix.partition("_")
    is_of_known = any(name.partition("_")[0] == module for name in by_suffix)
    if (
        unknown in RENAMED
        or not setting
        or is_of_known
        or difflib.get_close_matches(suffix, by_suffix, n=1, cutoff=MISSPELLED)
    ):
        return hint
    return f": if it is left over from a plugin that is not installed, remove it{hint}"
